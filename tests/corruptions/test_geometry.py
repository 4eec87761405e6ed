"""Magnifying, warping and what stands beside a picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from smearlab.corruptions import geometry
from smearlab.corruptions.draws import Images, draws_of


def gradient(side: int = 64) -> Images:
    """A picture whose red grows to the right and whose green grows downwards, by two levels a pixel."""
    steps = np.arange(side) * 2
    picture = np.zeros((1, side, side, 3), np.uint8)
    picture[0, :, :, 0], picture[0, :, :, 1] = steps[None], steps[:, None]
    return picture


def test_a_factor_of_one_changes_nothing(cells: Images) -> None:
    assert np.array_equal(geometry.magnify(cells, 1.0), cells)


def test_the_centre_stays_and_lengths_grow() -> None:
    for factor in (0.5, 0.8, 1.25, 2.0):
        shown = geometry.magnify(gradient(), factor)[0].astype(float)
        middle = shown[24:40, 24:40]
        assert middle.mean(axis=(0, 1))[:2] == pytest.approx([63, 63], abs=0.6)
        assert np.diff(middle[:, :, 0], axis=1).mean() == pytest.approx(2 / factor, rel=0.1)


def test_each_picture_has_its_own_factor(cells: Images) -> None:
    both = geometry.magnify(cells[:2], np.array([0.5, 2.0]))
    assert np.array_equal(both[0], geometry.magnify(cells[:1], 0.5)[0])
    assert np.array_equal(both[1], geometry.magnify(cells[1:2], 2.0)[0])


def test_a_smaller_cell_lies_amid_slide_and_never_amid_black(cells: Images) -> None:
    small = geometry.magnify(cells, 0.5)
    inner = small[:, 24:72, 24:72]
    halved = np.stack([np.asarray(Image.fromarray(cell).resize((48, 48), Image.Resampling.BICUBIC)) for cell in cells])
    assert np.abs(inner[:, 3:-3, 3:-3].astype(int) - halved[:, 3:-3, 3:-3]).mean() < 1
    assert small.min() > 0
    rim = cells[:, [0, -1]].mean()
    assert small[:, :8].mean() == pytest.approx(rim, rel=0.15)


@given(st.integers(1, 40), st.integers(0, 90))
def test_surroundings_mirror_the_rim(side: int, reach: int) -> None:
    places = geometry.surroundings(side, reach)
    assert len(places) == side + 2 * reach
    assert np.array_equal(places[reach : reach + side], np.arange(side))
    rim = max(1, side // 6)
    outside = np.r_[places[:reach], places[reach + side :]]
    assert ((outside < rim) | (outside >= side - rim)).all()
    assert np.abs(np.diff(places)).max(initial=0) <= 1


@pytest.mark.parametrize("degrees", [0.0, 30.0, -75.0])
def test_warp_is_scipys(degrees: float, cells: Images) -> None:
    matrices = geometry.rotation(np.array([degrees]))
    turned = geometry.warp(cells[:1], matrices, np.zeros((1, 3)))[0].astype(float)
    swapped = matrices[0][::-1, [1, 0]]
    offset = 47.5 - swapped @ (47.5, 47.5)
    expected = np.stack(
        [ndimage.affine_transform(cells[0, :, :, c].astype(float), swapped, offset, order=1) for c in range(3)], axis=2
    )
    inside = np.hypot(*(np.mgrid[:96, :96] - 47.5)) < 46
    assert np.abs(turned - expected)[inside].max() < 1.01


def test_shift_and_shear_move_what_they_say() -> None:
    picture = gradient()
    shifted = geometry.warp(picture, geometry.shifting(np.array([5.0]), np.array([-3.0])))[0].astype(int)
    assert (shifted[10:50, 10:50, 0] - picture[0, 10:50, 10:50, 0] == 10).all()
    assert (shifted[10:50, 10:50, 1].astype(int) - picture[0, 10:50, 10:50, 1] == -6).all()
    sheared = geometry.warp(picture, geometry.shearing(np.array([0.25]), np.array([0.0])))[0].astype(float)
    assert sheared[40, 32, 0] - sheared[24, 32, 0] == pytest.approx(8, abs=1)


def test_places_outside_take_the_colour_given(cells: Images) -> None:
    far = geometry.shifting(np.array([60.0]), np.array([0.0]))
    assert (geometry.warp(cells[:1], far, np.array([[9.0, 8.0, 7.0]]))[0, :, 60:] == (9, 8, 7)).all()
    assert geometry.warp(cells[:1], far)[0, :, 60:].std() > 1


def test_displacement_by_whole_pixels_copies(cells: Images) -> None:
    fields = np.zeros((8, 2, 96, 96), np.float32)
    assert np.array_equal(geometry.displaced(cells, fields), cells)
    fields[:, 0], fields[:, 1] = 3, -2
    moved = geometry.displaced(cells, fields)
    assert np.array_equal(moved[:, :90, 10:], cells[:, 3:93, 8:94])


def test_elastic_fields_are_smooth_and_of_unit_spread(cells: Images) -> None:
    fields = geometry.elastic_fields(cells, np.full(8, 8.0), draws_of((0,), range(8)))
    assert np.sqrt((fields**2).mean(axis=(2, 3))) == pytest.approx(np.ones((8, 2)), rel=1e-4)
    assert np.abs(np.diff(fields, axis=3)).max() < 0.5
