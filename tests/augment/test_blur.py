"""Blur and sharpness, against SciPy, Pillow and torchvision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as reference
from PIL import Image, ImageEnhance
from scipy import ndimage
from tests.augment.properties import EveryOperation, chances, differs_by_chance, random_pictures, same

from smearlab.augment.blur import defocus, gaussian_blur, motion_blur, sharpness


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        *((gaussian_blur, 1.5), (gaussian_blur, 4.0), (motion_blur, 6.0), (motion_blur, 16.0)),
        *((defocus, 2.0), (defocus, 6.0), (sharpness, 3.0), (sharpness, -1.0)),
    ],
)
class TestBlur(EveryOperation):
    pass


def smooth_pictures(height: int = 60, width: int = 72) -> torch.Tensor:
    """Two pictures without detail finer than some pixels, so that kernels can be compared below the pixel."""
    coarse = np.random.default_rng(2).uniform(0.2, 0.8, (2, 3, height, width))
    fine = ndimage.gaussian_filter(coarse, (0, 0, 1.2, 1.2), mode="mirror")
    return torch.from_numpy(0.5 + 3 * (fine - 0.5)).float().clamp(0.05, 0.95)


def turned(share: float, count: int = 2) -> torch.Tensor:
    """Return a chance whose angle is this share of a half turn."""
    chance = chances(count)
    chance[:, 0] = share
    return chance


@pytest.mark.parametrize(("sigma", "size"), [(0.4, (96, 96)), (1.5, (96, 96)), (5.0, (96, 96)), (2.0, (48, 65))])
def test_gaussian_blur_agrees_with_scipy(sigma: float, size: tuple[int, int]) -> None:
    pictures = random_pictures(2, *size)
    scaled = sigma * min(size) / 96
    expected = ndimage.gaussian_filter(pictures.double().numpy(), (0, 0, scaled, scaled), mode="reflect", truncate=7)
    np.testing.assert_allclose(gaussian_blur(pictures, same(sigma, 2), chances(2)).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(96, 96), (60, 72)])
@pytest.mark.parametrize(("length", "degrees"), [(5.0, 0.0), (5.0, 90.0), (9.0, 30.0), (14.0, 135.0)])
def test_motion_blur_is_the_mean_along_a_line(length: float, degrees: float, size: tuple[int, int]) -> None:
    pictures = smooth_pictures(*size)
    reach = length * min(size) / 96 / 2
    along = np.linspace(-reach, reach, 25)
    direction = np.array([math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])
    planes = pictures[0].double().numpy()
    moved = [[ndimage.shift(plane, step * direction, order=3, mode="mirror") for plane in planes] for step in along]
    expected = np.trapezoid(moved, along, axis=0) / (2 * reach)
    ours = motion_blur(pictures, same(length, 2), turned(degrees / 180))
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=4e-3)
    assert np.abs(planes - expected).max() > 0.05


def test_motion_keeps_what_lies_along_it() -> None:
    # At 40 px the movement is eight pixels long, one whole stripe.
    stripes = (torch.arange(40) % 8 < 4).float().view(1, 1, 40, 1).expand(1, 3, 40, 40)
    along, against = (motion_blur(stripes, same(19.2, 1), turned(share, 1)) for share in (0.0, 0.5))
    torch.testing.assert_close(along, stripes, atol=1e-5, rtol=0)
    assert float(against[:, :, 5:-5].std()) < 0.02 * float(stripes.std())  # the border mirrors a stripe in two


@pytest.mark.parametrize(("radius", "size"), [(1.5, (96, 96)), (5.0, (96, 96)), (6.0, (60, 72))])
def test_defocus_is_the_mean_over_a_disc(radius: float, size: tuple[int, int]) -> None:
    pictures = smooth_pictures(*size)
    scaled, fine = radius * min(size) / 96, 15
    reach = math.ceil(scaled)
    place = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    disc = (place[:, None] ** 2 + place**2 <= scaled**2).astype(float)
    kernel = disc.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).sum((1, 3)) / disc.sum()
    expected = ndimage.convolve(pictures.double().numpy(), kernel[None, None], mode="mirror")
    ours = defocus(pictures, same(radius, 2), chances(2))
    np.testing.assert_allclose(ours.numpy(), expected, atol=6e-3)
    assert np.abs(pictures.numpy() - expected).max() > 0.05


@pytest.mark.parametrize("amount", [-1.0, -0.4, 0.5, 4.0])
def test_sharpness_agrees_with_torchvision_and_pillow(amount: float) -> None:
    pictures = random_pictures(2)
    ours = sharpness(pictures, same(amount, 2), chances(2))
    torch.testing.assert_close(ours, reference.adjust_sharpness(pictures, 1 + amount), atol=1e-5, rtol=0)
    image = Image.fromarray((pictures[0] * 255).byte().permute(1, 2, 0).numpy())
    theirs = np.asarray(ImageEnhance.Sharpness(image).enhance(1 + amount), dtype=float)
    # Pillow rounds the smoothed picture before it moves away from it.
    np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy() * 255, theirs, atol=1 + abs(amount))


def test_tiny_pictures_are_no_trouble() -> None:
    pictures = random_pictures(2, 2, 3)
    for operation in (gaussian_blur, motion_blur, defocus, sharpness):
        result = operation(pictures, same(2, 2), chances(2))
        assert result.shape == pictures.shape
        assert bool(result.isfinite().all())


def test_blur_keeps_the_mean_of_a_picture() -> None:
    pictures = 0.2 + 0.6 * random_pictures(2, 48, 48)
    blurred = gaussian_blur(pictures, same(3, 2), chances(2))
    torch.testing.assert_close(blurred.mean((2, 3)), pictures.mean((2, 3)), atol=1e-5, rtol=0)


def test_chance_turns_the_motion() -> None:
    assert differs_by_chance(motion_blur, 10.0)
