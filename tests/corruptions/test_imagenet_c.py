"""ImageNet-C's corruptions against scikit-image and SciPy at fixed constants."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage import color

from smearlab.corruptions import blur, imagenet_c, noise, tone
from smearlab.corruptions.draws import Draws, Images, draws_of
from smearlab.corruptions.suites import SEVERITIES, corrupt


def flat(level: int, count: int = 4) -> Images:
    return np.full((count, 64, 64, 3), level, np.uint8)


def test_constants_lie_between_the_two_published_sizes() -> None:
    assert imagenet_c.at_96((1, 1, 1, 1, 1), (1, 1, 1, 1, 1)) == pytest.approx((1,) * 5)
    # A length in pixels that grows with the side from 64 to 224 is half as long again at 96.
    assert imagenet_c.at_96((2, 2, 2, 2, 2), (7, 7, 7, 7, 7)) == pytest.approx((3,) * 5)
    assert pytest.approx((0.0501, 0.0912, 0.1368, 0.1792, 0.2292), abs=1e-4) == imagenet_c.GAUSSIAN_NOISE
    assert imagenet_c.DEFOCUS_RADIUS[4] == pytest.approx(4.43, abs=0.01)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_has_its_standard_deviation(severity: int) -> None:
    noisy = corrupt(flat(128), "imagenet-c", "gaussian_noise", severity).astype(float) - 128
    sigma = 255 * imagenet_c.GAUSSIAN_NOISE[severity - 1]
    # Clipping at 0 and 255 takes a part of the widest.
    clipped = np.clip(np.random.default_rng(0).normal(0, sigma, 200_000), -128, 127).std()
    assert noisy.std() == pytest.approx(clipped, rel=0.02)
    assert abs(noisy.mean()) < 1


@pytest.mark.parametrize("level", [20, 128, 230])
def test_shot_noise_is_poisson(level: int) -> None:
    photons = 25.0
    noisy = noise.shot_noise(flat(level, 8), np.full(8, photons), draws_of((1,), range(8)))
    counts = np.bincount((noisy / 255 * photons).round().astype(int).ravel(), minlength=26)
    expected = stats.poisson(level / 255 * photons).pmf(np.arange(25))
    assert np.abs(counts[:25] / counts.sum() - expected).max() < 0.006


def test_speckle_noise_grows_with_the_value() -> None:
    spread = [corrupt(flat(level), "imagenet-c", "speckle_noise", 1).std() for level in (40, 80, 160)]
    assert spread[1] == pytest.approx(2 * spread[0], rel=0.05)
    assert spread[0] == pytest.approx(40 * imagenet_c.SPECKLE_NOISE[0], rel=0.05)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulses_are_salt_and_pepper_in_equal_parts(severity: int) -> None:
    noisy = corrupt(flat(100, 8), "imagenet-c", "impulse_noise", severity)
    share = imagenet_c.IMPULSE_NOISE[severity - 1]
    assert (noisy == 0).mean() == pytest.approx(share / 2, rel=0.08)
    assert (noisy == 255).mean() == pytest.approx(share / 2, rel=0.08)
    assert ((noisy == 0) | (noisy == 100) | (noisy == 255)).all()


@pytest.mark.parametrize("sigma", [0.6, 1.5, 2.35])
def test_gaussian_blur_is_scipys(sigma: float, cells: Images) -> None:
    expected = ndimage.gaussian_filter(cells[0].astype(float), (sigma, sigma, 0), mode="reflect")
    blurred = blur.gaussian_blur(cells[:1], np.array([sigma]), Draws([None]))  # type: ignore[list-item]
    assert np.abs(blurred[0] - expected).max() < 0.52


def test_defocus_grows_steadily_between_whole_radii(cells: Images) -> None:
    far = [
        np.abs(blur.defocus(cells, np.full(8, radius), Draws([None] * 8)).astype(int) - cells).mean()  # type: ignore[list-item]
        for radius in np.arange(0, 4.1, 0.5)
    ]
    assert far[0] == 0
    assert all(after > before for before, after in pairwise(far[1:]))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_keeps_the_mean_of_each_channel(severity: int, cells: Images) -> None:
    altered = corrupt(cells, "imagenet-c", "contrast", severity).astype(float)
    means = cells.mean(axis=(1, 2), keepdims=True)
    expected = np.clip((cells - means) * imagenet_c.CONTRAST[severity - 1] + means, 0, 255)
    assert np.abs(altered - expected).max() < 0.51


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_and_saturation_are_scikit_images(severity: int, cells: Images) -> None:
    cone = color.rgb2hsv(cells)
    bright, vivid = cone.copy(), cone.copy()
    bright[..., 2] = np.clip(bright[..., 2] + imagenet_c.BRIGHTNESS[severity - 1], 0, 1)
    factor, added = imagenet_c.SATURATE_FACTOR[severity - 1], imagenet_c.SATURATE_ADDED[severity - 1]
    vivid[..., 1] = np.clip(vivid[..., 1] * factor + added, 0, 1)
    for name, expected in (("brightness", bright), ("saturate", vivid)):
        levels = color.hsv2rgb(expected) * 255
        assert np.abs(corrupt(cells, "imagenet-c", name, severity) + 0.5 - levels).max() < 0.52


def test_glass_moves_pixels_and_keeps_them() -> None:
    picture = np.arange(40 * 40, dtype=np.int64).reshape(40, 40)
    moved = picture.copy()
    blur._shuffled(moved, 2, np.random.default_rng(0))
    assert np.array_equal(np.sort(moved, axis=None), picture.ravel())
    rows, columns = np.divmod(moved, 40)
    far = np.maximum(np.abs(rows - np.arange(40)[:, None]), np.abs(columns - np.arange(40)))
    assert (moved != picture).mean() > 0.5
    # A pixel can be taken along a few times, but not across the picture.
    assert np.median(far) <= 3


def test_zoom_blur_leaves_the_centre_sharpest(cells: Images) -> None:
    change = np.abs(corrupt(cells, "imagenet-c", "zoom_blur", 5).astype(int) - cells).mean(axis=(0, 3))
    assert change[44:52, 44:52].mean() < 0.7 * change[:20].mean() + 3


def test_three_points_are_moved_where_they_are_sent() -> None:
    moves = np.random.default_rng(0).uniform(-5, 5, (4, 3, 2))
    maps = imagenet_c._three_points(20, moves)
    corners = np.array([[20, 20], [20, -20], [-20, -20]])
    for matrix, move in zip(maps, moves, strict=True):
        there = np.concatenate([corners + move, np.ones((3, 1))], axis=1)
        assert np.allclose(there @ matrix.T, corners)


def test_saturation_of_grey_turns_red() -> None:
    grey = flat(100, 1)
    vivid = tone.saturate(grey, np.ones(1), np.full(1, 0.2), draws_of((0,), range(1)))
    assert np.array_equal(np.unique(vivid.reshape(-1, 3), axis=0), [[100, 80, 80]])
