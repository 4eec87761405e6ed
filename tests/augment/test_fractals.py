"""Generated fractals, and their mixing against the paper's formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.augment.properties import EveryOperation, chances, differs_by_chance, random_pictures, same

from smearlab.augment.fractals import added, fractal_bank, mixing_weights, multiplied, pixmix

FloatArray = NDArray[np.floating]


@pytest.mark.parametrize(("operation", "amount"), [(pixmix, 0.3), (pixmix, 1.0)])
class TestPixMix(EveryOperation):
    pass


def test_each_picture_takes_its_own_chance() -> None:
    assert differs_by_chance(pixmix, 1)


def papers_add(picture: FloatArray, fractal: FloatArray, a: float, b: float) -> FloatArray:
    mixed: FloatArray = (a * (picture * 2 - 1) + b * (fractal * 2 - 1) + 1) / 2
    return mixed


def papers_multiply(picture: FloatArray, fractal: FloatArray, a: float, b: float) -> FloatArray:
    mixed: FloatArray = (picture * 2) ** a * (fractal * 2).clip(1e-37) ** b / 2
    return mixed


@pytest.mark.parametrize(("own", "other"), [(1.0, 0.0), (0.7, 0.4), (1.3, -0.25)])
def test_mixing_agrees_with_the_paper(own: float, other: float) -> None:
    pictures, fractals = random_pictures(), random_pictures(seed=7).clamp_min(1 / 255)
    weights = torch.full((5, 1, 1, 1), own), torch.full((5, 1, 1, 1), other)
    sums = papers_add(pictures.numpy(), fractals.numpy(), own, other).clip(0, 1)
    np.testing.assert_allclose(added(pictures, fractals, *weights).numpy(), sums, atol=1e-6)
    products = papers_multiply(pictures.numpy(), fractals.numpy(), own, other).clip(0, 1)
    np.testing.assert_allclose(multiplied(pictures, fractals.log2(), *weights).numpy(), products, atol=1e-4)


def test_weights_are_distributed_as_in_the_paper() -> None:
    draws = torch.rand(20000, 3, generator=torch.Generator().manual_seed(1))
    own, other = (one.flatten() for one in mixing_weights(draws, same(1, 20000)))
    blended = own < 1
    assert 0.48 < float(blended.float().mean()) < 0.52
    assert torch.equal(blended, other > 0)
    source = np.random.default_rng(0)
    near_one, near_zero = source.beta(3, 1, 20000), source.beta(1, 3, 20000)
    for ours, theirs in (
        (own[blended], near_one),
        (other[blended], near_zero),
        (own[~blended], 1 + near_zero),
        (other[~blended], -near_zero),
    ):
        shares = np.linspace(0.02, 0.98, 9)
        np.testing.assert_allclose(np.quantile(ours.numpy(), shares), np.quantile(theirs, shares), atol=0.03)


def test_amounts_scale_the_weights() -> None:
    draws = torch.rand(50, 3)
    full, half = mixing_weights(draws, same(1, 50)), mixing_weights(draws, same(0.5, 50))
    torch.testing.assert_close(half[0] - 1, 0.5 * (full[0] - 1))
    torch.testing.assert_close(half[1], 0.5 * full[1])


def test_stronger_mixing_changes_more() -> None:
    pictures = random_pictures(64)
    weak, strong = (float((pixmix(pictures, same(a, 64), chances(64)) - pictures).abs().mean()) for a in (0.2, 1))
    assert 0.01 < 2 * weak < strong


class TestBank:
    def test_form_and_determinism(self) -> None:
        bank = fractal_bank(6, 40, seed=3)
        assert bank.shape == (6, 40, 40, 3)
        assert bank.dtype == np.uint8
        assert fractal_bank(6, 40, seed=3) is bank
        fractal_bank.cache_clear()
        np.testing.assert_array_equal(fractal_bank(6, 40, seed=3), bank)
        assert not np.array_equal(fractal_bank(6, 40, seed=4), bank)
        with pytest.raises(ValueError, match="read-only"):
            bank[0] = 0

    def test_fractals_are_colourful_and_fill_their_pictures(self) -> None:
        bank = fractal_bank()
        assert bank.shape == (64, 96, 96, 3)
        spread = bank.reshape(64, -1, 3).std(axis=1)
        assert spread.max(axis=1).min() > 15
        saturation = np.ptp(bank.astype(int), axis=3).reshape(64, -1).mean(axis=1)
        assert np.median(saturation) > 60
        # No quarter of a picture is empty.
        quarters = bank.reshape(64, 2, 48, 2, 48, 3).transpose(0, 1, 3, 2, 4, 5).reshape(64, 4, -1, 3)
        assert quarters.std(axis=2).max(axis=2).min() > 5

    def test_fractals_differ(self) -> None:
        flat = fractal_bank().reshape(64, -1).astype(float)
        correlations = np.corrcoef(flat) - np.eye(64)
        assert correlations.max() < 0.8
