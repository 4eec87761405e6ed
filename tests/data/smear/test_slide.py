"""What a slide does to a picture: light, stain, focus, noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smearlab.data.smear.canvas import REFERENCE_LIGHT, SIDE, absorbance, lay, layer, reduce
from smearlab.data.smear.slide import Slide, gaussian_blur, make_slide, photograph, reencode

PLAIN = Slide("plain", REFERENCE_LIGHT, 1.0, (1.0, 1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 95)


def shot(slide: Slide, colour: tuple[float, float, float] = (120, 60, 140)) -> np.ndarray:
    return photograph(np.random.default_rng(0), layer(absorbance(*colour)), slide).astype(float)


def test_plain_slide_shows_a_colour_as_it_was_given() -> None:
    np.testing.assert_allclose(shot(PLAIN).mean((0, 1)), (120, 60, 140), atol=3)


def test_empty_slide_shows_the_lamp() -> None:
    empty = photograph(np.random.default_rng(0), np.zeros((SIDE, SIDE, 3), np.float32), PLAIN)
    np.testing.assert_allclose(empty.mean((0, 1)), REFERENCE_LIGHT, atol=3)


def test_stronger_stain_is_darker_and_tint_acts_on_its_channel() -> None:
    assert shot(replace(PLAIN, strength=1.3)).mean() < shot(PLAIN).mean() - 5
    tinted = shot(replace(PLAIN, tint=(1.3, 1.0, 1.0))).mean((0, 1)) - shot(PLAIN).mean((0, 1))
    assert tinted[0] < -10
    assert abs(tinted[1]) < 2


def test_slope_darkens_one_side() -> None:
    picture = shot(replace(PLAIN, slope=0.2))
    assert picture[:, 80:].mean() < 0.9 * picture[:, :16].mean()


def test_noise_is_of_its_size() -> None:
    assert shot(replace(PLAIN, noise=4.0)).std(axis=(0, 1)).mean() == pytest.approx(3.2, abs=1.2)


def test_blur_keeps_brightness_and_softens() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    blurred = gaussian_blur(picture, 1.5)
    assert blurred.mean() == pytest.approx(picture.mean(), rel=0.02)
    assert blurred.std() < 0.5 * picture.std()
    assert gaussian_blur(picture, 0.05) is picture


def test_jpeg_is_close_but_not_the_same() -> None:
    picture = np.random.default_rng(0).integers(100, 140, (96, 96, 3)).astype(np.uint8)
    again = reencode(picture, 90)
    assert 0 < np.abs(again.astype(int) - picture).mean() < 10


def test_slides_repeat_by_seed_and_differ_by_number() -> None:
    assert make_slide(0, 3) == make_slide(0, 3) != make_slide(0, 2)
    assert make_slide(0, 3) != make_slide(1, 3)


def test_one_slide_in_nine_is_bluish_and_softer() -> None:
    slides = [make_slide(0, number) for number in range(9)]
    bluish = [slide.light[2] > slide.light[0] - 10 for slide in slides]
    assert sum(bluish) == 1
    assert np.argmax([slide.blur for slide in slides]) == bluish.index(True)


def test_laying_blends_by_cover() -> None:
    surface = np.zeros((SIDE, SIDE, 3), np.float32)
    lay(surface, np.full((SIDE, SIDE), 0.25, np.float32), np.array([4, 8, 0], np.float32))
    np.testing.assert_allclose(surface[5, 7], (1, 2, 0))


def test_reducing_averages() -> None:
    field = np.zeros((SIDE, SIDE), np.float32)
    field[:, : SIDE // 2] = 1
    small = reduce(field)
    assert small.shape == (96, 96)
    assert small.mean() == pytest.approx(0.5)
