"""MedMNIST-C's corruptions: the published parameters, and what they do by other libraries' hands."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage
from skimage import color

from smearlab.corruptions import bloodmnist_c as suite
from smearlab.corruptions import blur
from smearlab.corruptions.draws import Draws, Images, draws_of
from smearlab.corruptions.suites import SEVERITIES, SUITES, corrupt


def altered(cells: Images, name: str, severity: int, native_size: int = 96) -> Images:
    return corrupt(cells, "bloodmnist-c", name, severity, native_size=native_size)


def test_parameters_are_the_published_ones() -> None:
    assert suite.PIXELATE == (0.6, 0.5, 0.4, 0.3, 0.25)
    assert suite.JPEG == (50, 30, 15, 10, 7)
    assert suite.DEFOCUS == (2, 3, 4, 5, 6)
    assert suite.MOTION == ((3, 3), (5, 5), (10, 5), (10, 7), (10, 9))
    assert suite.BRIGHTNESS_UP == (1.1, 1.2, 1.3, 1.35, 1.4)
    assert suite.BRIGHTNESS_DOWN == suite.CONTRAST_DOWN == (0.9, 0.8, 0.7, 0.6, 0.5)
    assert suite.CONTRAST_UP == (1.1, 1.15, 1.2, 1.25, 1.3)
    assert suite.SATURATE == (0.05, 0.10, 0.15, 0.17, 0.20)
    assert suite.STAIN_DEPOSITS == (1, 2, 3, 3, 3)
    assert suite.STAIN_SIDES == (24, 24, 24, 24, 32)
    assert suite.BUBBLES == ((5, 10), (7, 10), (10, 10), (12, 12), (15, 12))
    assert len(SUITES["bloodmnist-c"].corruptions) == 11


@pytest.mark.parametrize("severity", SEVERITIES)
def test_tone_is_pillows(severity: int, cells: Images) -> None:
    for name, kind, table in (
        ("brightness_up", ImageEnhance.Brightness, suite.BRIGHTNESS_UP),
        ("brightness_down", ImageEnhance.Brightness, suite.BRIGHTNESS_DOWN),
        ("contrast_up", ImageEnhance.Contrast, suite.CONTRAST_UP),
        ("contrast_down", ImageEnhance.Contrast, suite.CONTRAST_DOWN),
    ):
        expected = np.stack([np.asarray(kind(Image.fromarray(cell)).enhance(table[severity - 1])) for cell in cells])
        assert np.array_equal(altered(cells, name, severity), expected)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_saturation_is_scikit_images(severity: int, cells: Images) -> None:
    grey = np.repeat(np.arange(0, 256, 4, dtype=np.uint8).reshape(1, 8, 8, 1), 3, axis=3)
    for images in (cells, grey):
        cone = color.rgb2hsv(images)
        cone[..., 1] = np.clip(cone[..., 1] + suite.SATURATE[severity - 1], 0, 1)
        expected = np.clip(color.hsv2rgb(cone), 0, 1) * 255
        assert np.abs(altered(images, "saturate", severity) + 0.5 - expected).max() < 0.51


@pytest.mark.parametrize("severity", SEVERITIES)
def test_jpeg_and_blocks_are_pillows(severity: int, cells: Images) -> None:
    picture = Image.fromarray(cells[2])
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=suite.JPEG[severity - 1])
    assert np.array_equal(altered(cells, "jpeg_compression", severity)[2], np.asarray(Image.open(written)))
    side = int(96 * suite.PIXELATE[severity - 1])
    blocks = picture.resize((side, side), Image.Resampling.BOX).resize((96, 96), Image.Resampling.BOX)
    assert np.array_equal(altered(cells, "pixelate", severity)[2], np.asarray(blocks))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_defocus_is_a_disk(severity: int, cells: Images) -> None:
    radius = suite.DEFOCUS[severity - 1]
    across, down = np.mgrid[-8:9, -8:9]
    disk = (across**2 + down**2 <= radius**2).astype(float)
    expected = [
        ndimage.convolve(cells[0, :, :, channel].astype(float), disk / disk.sum(), mode="mirror")
        for channel in range(3)
    ]
    assert np.array_equal(
        altered(cells[:1], "defocus_blur", severity)[0], (np.stack(expected, axis=2) + 1e-3).astype(np.uint8)
    )


def test_motion_blur_trails_off_along_its_line(cells: Images) -> None:
    spot = np.zeros((1, 41, 41, 3), np.uint8)
    spot[0, 20, 20] = 255
    radius, sigma = 5.0, 5.0
    for degrees, way in ((0.0, (0, -1)), (90.0, (-1, 0)), (180.0, (0, 1))):
        one = np.array([radius]), np.array([sigma]), np.array([degrees])
        trail = blur.motion_blur(spot, *one, Draws([None]))[0, :, :, 0]  # type: ignore[list-item]
        weights = np.exp(-(np.arange(11) ** 2) / (2 * sigma**2))
        seen = [trail[20 + step * way[0], 20 + step * way[1]] for step in range(11)]
        assert np.abs(seen - np.floor(255 * weights / weights.sum())).max() <= 1
        assert (trail > 0).sum() == np.count_nonzero(seen)


def test_motion_angles_stay_within_45_degrees() -> None:
    assert np.abs(draws_of((0, "bloodmnist-c", "motion_blur", 1), range(200)).uniform(-45, 45)).max() > 40


def test_stain_deposits_are_black_and_ten_pixels_from_the_border(cells: Images) -> None:
    bright = np.full((60, 96, 96, 3), 200, np.uint8)
    for severity in SEVERITIES:
        covered = altered(bright, "stain_deposit", severity)
        assert set(np.unique(covered)) == {0, 200}
        black = covered[..., 0] == 0
        assert not black[:, :10].any()
        assert not black[:, :, -10:].any()
        one = round(0.6 * suite.STAIN_SIDES[severity - 1] ** 2)
        assert black.sum(axis=(1, 2)).min() >= one
        assert black.sum(axis=(1, 2)).max() <= suite.STAIN_DEPOSITS[severity - 1] * one
        assert (black.sum(axis=(1, 2)) == one).any()


def test_bubbles_are_half_transparent_with_a_denser_rim(cells: Images) -> None:
    black = np.zeros((30, 96, 96, 3), np.uint8)
    covered = altered(black, "bubble", 3)
    assert set(np.unique(covered)) == {0, 100, 130}
    # Seven bubbles of radius 3 at least, ten of radius 10 at most, and all of them partly inside.
    assert (covered[..., 0] > 0).mean(axis=(1, 2)).min() > 0.01
    assert (covered[..., 0] == 100).sum(axis=(1, 2)).max() <= 10 * np.pi * 11**2


def test_numbers_of_blots_and_bubbles_are_drawn_evenly() -> None:
    draws = draws_of((0,), range(3000))
    numbers = np.bincount(draws.integers(1, 3))[1:]
    assert numbers.sum() == 3000
    assert np.abs(numbers - 1000).max() < 120


def test_a_picture_of_224_needs_no_scaling(cells: Images) -> None:
    large = np.stack([np.asarray(Image.fromarray(cell).resize((224, 224))) for cell in cells[:2]])
    small = int(224 * 0.4)
    blocks = Image.fromarray(large[0]).resize((small, small), Image.Resampling.BOX)
    expected = blocks.resize((224, 224), Image.Resampling.BOX)
    assert np.array_equal(altered(large, "pixelate", 3, native_size=224)[0], np.asarray(expected))
    black = altered(np.full_like(large, 255), "stain_deposit", 1, native_size=224)[..., 0] == 0
    assert (black.sum(axis=(1, 2)) == round(0.6 * 24 * 24)).all()
