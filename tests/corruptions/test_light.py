"""Tone, colour, dyes and light, against Pillow and against what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from smearlab.corruptions import colour, illumination, stain, tone
from smearlab.corruptions.draws import Images, Reals, draws_of
from smearlab.corruptions.pixels import border_colours, grey_of

DRAWS = draws_of(("light",), range(8))


def eight(value: float) -> Reals:
    return np.full(8, value)


def test_curves_are_pillows(cells: Images) -> None:
    pictures = [Image.fromarray(cell) for cell in cells]
    for ours, theirs in (
        (tone.posterise(cells, eight(3), DRAWS), [ImageOps.posterize(picture, 3) for picture in pictures]),
        (tone.solarise(cells, eight(0.5), DRAWS), [ImageOps.solarize(picture, 128) for picture in pictures]),
        (colour.negative(cells, np.ones((8, 3))), [ImageOps.invert(picture) for picture in pictures]),
        (tone.equalise(cells, eight(1), DRAWS), [ImageOps.equalize(picture) for picture in pictures]),
        (tone.saturation(cells, eight(0.3), DRAWS), [ImageEnhance.Color(picture).enhance(0.3) for picture in pictures]),
    ):
        assert np.array_equal(ours, np.stack([np.asarray(picture) for picture in theirs]))
    stretched = np.stack([np.asarray(ImageOps.autocontrast(picture)) for picture in pictures])
    assert np.abs(tone.auto_contrast(cells, eight(1), DRAWS).astype(int) - stretched).max() <= 1


def test_grey_is_pillows(noise: Images) -> None:
    assert np.array_equal(grey_of(noise), np.stack([np.asarray(Image.fromarray(one).convert("L")) for one in noise]))


def test_nothing_asked_changes_nothing(cells: Images) -> None:
    for same in (
        *(tone.brightness(cells, eight(1), DRAWS), tone.contrast(cells, eight(1), DRAWS)),
        *(tone.gamma(cells, eight(1), DRAWS), tone.s_curve(cells, eight(0), DRAWS)),
        *(tone.levels(cells, eight(0), eight(1)), tone.solarise(cells, eight(0), DRAWS)),
        *(tone.auto_contrast(cells, eight(0), DRAWS), tone.equalise(cells, eight(0), DRAWS)),
        *(colour.gains(cells, np.ones((8, 3))), colour.channel_shift(cells, np.zeros((8, 3)))),
        *(colour.hue(cells, eight(0), DRAWS), stain.other_background(cells, np.zeros((8, 3)), eight(0))),
        *(illumination.gradient(cells, eight(0), eight(30), DRAWS), illumination.vignette(cells, eight(0), DRAWS)),
    ):
        assert np.array_equal(same, cells)
    rebuilt = stain.restained(cells, stain.dye_matrices(np.ones((8, 3)), np.zeros((8, 3, 3))))
    assert np.abs(rebuilt.astype(int) - cells).max() <= 1


def test_a_flat_picture_is_stretched_to_nothing_else() -> None:
    flat = np.full((1, 16, 16, 3), 77, np.uint8)
    assert (tone.auto_contrast(flat, np.ones(1), DRAWS) == 77).all()
    assert (tone.equalise(flat, np.ones(1), DRAWS) == 77).all()


def test_hue_keeps_luma_and_a_full_turn_returns(cells: Images) -> None:
    assert np.abs(colour.hue(cells, eight(1), DRAWS).astype(int) - cells).max() <= 1
    dull = (cells // 4 + 96).astype(np.uint8)
    turned = colour.hue(dull, eight(0.3), DRAWS)
    assert np.abs(grey_of(turned).astype(int) - grey_of(dull)).max() <= 2
    assert np.abs(turned.astype(int) - dull).max() > 10


def test_twice_the_dye_squares_the_light_that_passes(cells: Images) -> None:
    slide = border_colours(cells)[:, None, None]
    doubled = stain.restained(cells, np.tile(2 * np.eye(3), (8, 1, 1))).astype(float)
    passed = (cells + 1.0) / (slide + 1)
    expected = np.clip((slide + 1) * passed**2 - 1, 0, 255)
    assert np.abs(doubled - expected).max() < 1


def test_the_slide_takes_the_lamps_colour(cells: Images) -> None:
    lamp = np.tile([230.0, 210.0, 150.0], (8, 1))
    assert border_colours(stain.restained(cells, np.tile(np.eye(3), (8, 1, 1)), lamp)) == pytest.approx(lamp, abs=6)


def test_another_background_leaves_the_cell(cells: Images) -> None:
    other = stain.other_background(cells, np.tile([90.0, 160.0, 90.0], (8, 1)), eight(1))
    assert border_colours(other)[:, 0].mean() < border_colours(cells)[:, 0].mean() - 40
    dark = grey_of(cells) < 110
    assert np.abs(other.astype(int) - cells)[dark].mean() < 3


def test_border_colours_are_those_of_the_slide() -> None:
    picture = np.full((1, 32, 32, 3), (240, 220, 200), np.uint8)
    picture[0, :12] = 60
    assert border_colours(picture)[0] == pytest.approx([240, 220, 200])


def test_a_gradient_brightens_one_side_and_keeps_the_mean() -> None:
    flat = np.full((1, 40, 40, 3), 100, np.uint8)
    lit = illumination.gradient(flat, np.array([0.4]), np.array([0.0]), DRAWS)[0, :, :, 0]
    assert lit[:, -1].mean() == pytest.approx(139, abs=1)
    assert lit[:, 0].mean() == pytest.approx(61, abs=1)
    assert lit.mean() == pytest.approx(100, abs=0.5)


def test_a_vignette_darkens_corners_most() -> None:
    flat = np.full((8, 40, 40, 3), 200, np.uint8)
    dim = illumination.vignette(flat, eight(0.8), DRAWS)[..., 0]
    corners = dim[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners.max(axis=1) < dim[:, 16:24, 16:24].min(axis=(1, 2))).all()
    assert corners.min() >= 39
