"""Drawn junk and strange cells."""

from __future__ import annotations

import numpy as np

from smearlab.audit.drawings import DRAWINGS, draw_junk
from smearlab.audit.strange import strange_cell
from smearlab.audit.unreadable import judge_picture


def test_every_kind_is_drawn_at_the_size_asked_for() -> None:
    drawn = draw_junk(2 * len(DRAWINGS), side=40)
    assert drawn.shape == (2 * len(DRAWINGS), 40, 40, 3)
    assert drawn.dtype == np.uint8


def test_drawings_are_distinct_and_nearly_all_show_something() -> None:
    drawn = draw_junk(3 * len(DRAWINGS))
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)
    assert np.mean([judge_picture(picture) is None for picture in drawn]) > 0.8


def test_drawings_depend_on_seed_and_number_alone() -> None:
    few, more = draw_junk(5, side=32), draw_junk(9, side=32)
    np.testing.assert_array_equal(few, more[:5])
    assert (draw_junk(5, side=32, seed=1) != few).any(axis=(1, 2, 3)).all()


def test_a_strange_cell_keeps_its_cell_and_changes_its_light() -> None:
    axis = np.linspace(-1, 1, 60)
    inside = np.hypot(axis, axis[:, None]) < 0.5
    cell = np.where(inside[..., None], (90, 50, 140), (235, 220, 205)).astype(np.uint8)
    shown = [strange_cell(cell, np.random.default_rng(seed)) for seed in range(12)]
    for picture in shown:
        assert picture.shape == (96, 96, 3)
        assert picture[40:56, 40:56].mean() < picture[[2, 2, -3, -3], [40, 56, 40, 56]].mean()
    assert np.std([picture.mean() for picture in shown]) > 10


def test_a_strange_cell_may_be_of_any_shape() -> None:
    for height, width in ((20, 30), (363, 360), (8, 8)):
        picture = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
        for seed in range(4):
            assert strange_cell(picture, np.random.default_rng(seed)).shape == (96, 96, 3)
