"""Changes of the stain, against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import hed2rgb, rgb2hed
from tests.augment.properties import EveryOperation, chances, differs_by_chance, random_pictures, same

from smearlab.augment import stain as module
from smearlab.augment.stain import jitter_hed, logarithm, stain


@pytest.mark.parametrize(("operation", "amount"), [(stain, 0.2), (stain, 1.0)])
class TestStain(EveryOperation):
    pass


def stained() -> torch.Tensor:
    """Pictures of positive shares of the three dyes: scikit-image cuts others off."""
    shares = np.random.default_rng(1).uniform(0, 0.06, (3, 20, 24, 3))
    return torch.from_numpy(hed2rgb(shares)).float().permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize(
    ("scales", "shifts"),
    [((1, 1, 1), (0, 0, 0)), ((1.4, 0.7, 1), (0, 0, 0)), ((0.5, 1.2, 0.9), (0.1, 0.25, 0)), ((0, 1, 0), (0, 0, 0.2))],
)
def test_jitter_agrees_with_scikit_image(scales: tuple[float, ...], shifts: tuple[float, ...]) -> None:
    pictures = stained()
    ours = jitter_hed(pictures, *(torch.tensor(one).float().expand(3, 3) for one in (scales, shifts)))
    shares = rgb2hed(pictures.permute(0, 2, 3, 1).double().numpy())
    # scikit-image counts density in units of the logarithm of a million.
    theirs = hed2rgb(shares * np.array(scales) + np.array(shifts) / np.log(1e6))
    np.testing.assert_allclose(ours.permute(0, 2, 3, 1).numpy(), theirs, atol=1e-4)


def with_kind(chance: torch.Tensor, *, hed: bool) -> torch.Tensor:
    chance[:, 6] = 0.1 if hed else 0.9
    return chance


def with_reference(chance: torch.Tensor, share: float) -> torch.Tensor:
    """Measure densities from white (0) or from the picture's own background (1)."""
    chance[:, 2] = share
    return chance


def test_strength_raises_densities_to_a_power(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MIXTURE", 0.0)
    pictures = 0.2 + 0.7 * random_pictures()
    chance = with_reference(with_kind(chances(), hed=False), 0)
    for value, factor in ((0.0, 0.4), (0.5, 1.0), (1.0, 2.5)):
        chance[:, 1] = value
        torch.testing.assert_close(stain(pictures, same(1), chance), pictures**factor, atol=2e-3, rtol=0)


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_another_laboratory_can_keep_the_background(amount: float) -> None:
    pictures = random_pictures(40, 48, 48) * 0.5
    pictures[:, :, :16] = torch.tensor([0.9, 0.8, 0.7]).view(3, 1, 1)
    chance = with_reference(with_kind(chances(40), hed=False), 1)
    changed = stain(pictures, same(amount, 40), chance)
    torch.testing.assert_close(changed[:, :, :16], pictures[:, :, :16], atol=1e-4, rtol=0)
    assert not torch.allclose(changed[:, :, 16:], pictures[:, :, 16:], atol=0.05)


def test_both_ways_are_taken_and_differ() -> None:
    pictures = random_pictures()
    jittered, mixed = (stain(pictures, same(0.5), with_kind(chances(), hed=hed)) for hed in (True, False))
    assert not torch.allclose(jittered, mixed, atol=0.02)


def test_each_picture_takes_its_own_chance() -> None:
    assert differs_by_chance(stain, 0.3)


def test_logarithms_are_exact_enough_for_a_picture() -> None:
    values = torch.cat([torch.arange(256) / 255, torch.logspace(-6, 0, 500)])
    torch.testing.assert_close(logarithm(values).exp(), values, atol=1e-6, rtol=0)
