"""Noise: its strength, shape and grain, against closed forms, SciPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise
from tests.augment.properties import EveryOperation, Operation, chances, differs_by_chance, random_pictures, same

from smearlab.augment.noise import gaussian_noise, salt_pepper, shot_noise, speckle_noise
from smearlab.augment.noise_bank import GRAINS, normal_noise

OPERATIONS = [(gaussian_noise, 0.1), (shot_noise, 0.05), (speckle_noise, 0.3), (salt_pepper, 0.2)]
COUNT = 8


@pytest.mark.parametrize(("operation", "amount"), OPERATIONS)
class TestNoise(EveryOperation):
    pass


@pytest.mark.parametrize(("operation", "amount"), OPERATIONS)
def test_chance_decides(operation: Operation, amount: float) -> None:
    assert differs_by_chance(operation, amount)


def chosen(*, colour: bool, grain: int = 0) -> torch.Tensor:
    chance = chances(COUNT)
    chance[:, 2] = 0.2 if colour else 0.8
    chance[:, 3] = (grain + 0.5) / len(GRAINS)
    return chance


def change(operation: Operation, value: float, amount: float) -> torch.Tensor:
    """Return what fine colour noise adds to an even picture: ``(COUNT, 3, 96, 96)``."""
    flat = torch.full((COUNT, 3, 96, 96), value)
    return operation(flat, same(amount, COUNT), chosen(colour=True)) - flat


@pytest.mark.parametrize("value", [0.3, 0.6])
def test_strengths_are_the_closed_forms(value: float) -> None:
    expected = [
        (gaussian_noise, 0.05, 0.05),
        (shot_noise, 0.01, (0.01 * value) ** 0.5),
        (speckle_noise, 0.1, 0.1 * value),
    ]
    for operation, amount, deviation in expected:
        noise = change(operation, value, amount)
        assert float(noise.std()) == pytest.approx(deviation, rel=0.02)
        assert abs(float(noise.mean())) < 0.02 * deviation
        assert stats.kstest((noise / deviation).flatten().numpy()[::7], "norm").statistic < 0.01


@pytest.mark.parametrize(("operation", "mode"), [(gaussian_noise, "gaussian"), (speckle_noise, "speckle")])
def test_quantiles_agree_with_scikit_image(operation: Operation, mode: str) -> None:
    noise = change(operation, 0.5, 0.2) + 0.5
    theirs = random_noise(np.full(noise.shape, 0.5), mode=mode, rng=0, var=0.04)
    shares = np.linspace(0.02, 0.98, 13)
    np.testing.assert_allclose(np.quantile(noise.numpy(), shares), np.quantile(theirs, shares), atol=0.006)


@pytest.mark.parametrize("value", [0.2, 0.8])
def test_shot_noise_counts_photons(value: float) -> None:
    photons = 200
    noise = change(shot_noise, value, 1 / photons)
    counted = np.random.default_rng(0).poisson(value * photons, 200_000) / photons - value
    assert float(noise.std()) == pytest.approx(float(counted.std()), rel=0.02)


@pytest.mark.parametrize("amount", [0.02, 0.3, 1.0])
def test_salt_and_pepper_share_the_pixels(amount: float) -> None:
    pictures = torch.full((COUNT, 3, 96, 96), 0.5)
    result = salt_pepper(pictures, same(amount, COUNT), chosen(colour=True))
    salt, pepper = (float((result == value).float().mean()) for value in (1, 0))
    assert salt + pepper == pytest.approx(amount, rel=0.03)
    assert salt == pytest.approx(pepper, rel=0.06)
    assert bool(((result == 0.5) | (result == 1) | (result == 0)).all())


@pytest.mark.parametrize("operation", [gaussian_noise, shot_noise, speckle_noise, salt_pepper])
def test_grey_noise_is_alike_in_all_channels(operation: Operation) -> None:
    pictures = random_pictures(COUNT)[:, :1].expand(-1, 3, -1, -1)
    grey, colour = (operation(pictures, same(0.1, COUNT), chosen(colour=kind)) for kind in (False, True))
    assert torch.equal(grey[:, 0], grey[:, 2])
    assert float((colour[:, 0] - colour[:, 2]).abs().mean()) > 1e-3


def correlation(noise: torch.Tensor, axis: int) -> float:
    size = noise.shape[axis]
    pairs = torch.stack([noise.narrow(axis, start, size - 1).flatten() for start in (0, 1)])
    return float(torch.corrcoef(pairs)[0, 1])


@pytest.mark.parametrize("grain", range(len(GRAINS)))
def test_coarser_grain_ties_neighbours_and_keeps_the_strength(grain: int) -> None:
    flat = torch.full((COUNT, 3, 96, 96), 0.5)
    noise = gaussian_noise(flat, same(0.05, COUNT), chosen(colour=True, grain=grain)) - flat
    assert float(noise.std()) == pytest.approx(0.05, rel=0.03)
    # A Gaussian blur of deviation s leaves about the correlation exp(-1 / 4s²) between neighbours.
    low, high = [(-0.01, 0.01), (0.2, 0.35), (0.55, 0.75)][grain]
    for axis in (2, 3):
        assert low < correlation(noise, axis) < high


def test_pictures_read_other_windows_of_the_bank() -> None:
    starts = torch.tensor([0.0, 0.3, 0.3, 0.999999])
    signs, colour = torch.tensor([0.7, 0.7, 0.2, 0.7]), torch.ones(4, dtype=torch.bool)
    noise = normal_noise(starts, signs, colour, torch.zeros(4, dtype=torch.long), 24, 30)
    assert torch.equal(noise[1], -noise[2])
    together = torch.corrcoef(noise[[0, 1, 3]].flatten(1)) - torch.eye(3)
    assert float(together.abs().max()) < 0.1
    channels = torch.corrcoef(noise[0].flatten(1)) - torch.eye(3)
    assert float(channels.abs().max()) < 0.15
