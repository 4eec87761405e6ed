"""The heat map's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.deploy.server.occlusion import STEPS, coloured, covered, grid_of, heat, log_odds


@pytest.mark.parametrize("size", [8, 16, 96, 112])
def test_covers_reach_every_pixel_and_change_nothing_else(size: int) -> None:
    framed = np.full((size, size, 3), (250, 240, 230), np.uint8)
    framed[2:-2, 2:-2] = (90, 40, 120)
    covers = covered(framed)
    assert len(covers.pictures) == len(covers.places) ** 2 <= STEPS**2
    changed = np.zeros((size, size), bool)
    for picture in covers.pictures:
        different = (picture != framed).any(-1)
        assert (picture[different] == (250, 240, 230)).all()
        assert different.sum() <= covers.side**2
        changed |= different
    assert (changed == (framed == (90, 40, 120)).all(-1)).all()


def test_heat_lies_where_a_cover_takes_the_most() -> None:
    covers = covered(np.zeros((96, 96, 3), np.uint8))
    after = np.full((len(covers.places), len(covers.places)), 4.0)
    after[0, -1] = -3.0  # top right
    found = heat(covers, 96, 4.0, after.ravel())
    assert found.shape == (96, 96)
    assert (found.min(), found.max()) == (0.0, 1.0)
    top, left = np.unravel_index(found.argmax(), found.shape)
    assert top < 24
    assert left > 72
    assert found[48:, :48].max() < 0.05


def test_covers_that_only_help_the_label_leave_no_heat() -> None:
    covers = covered(np.zeros((32, 32, 3), np.uint8))
    assert not heat(covers, 32, 1.0, np.full(len(covers.pictures), 2.0)).any()


def test_log_odds_of_certainty_are_finite() -> None:
    found = log_odds(np.array([[1.0, 0.0], [0.5, 0.5]], np.float32), 0)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(0, abs=1e-6)


def test_cold_places_are_clear_and_hot_ones_red() -> None:
    picture = coloured(np.array([[0.0, 0.5], [0.9, 1.0]]))
    assert picture[0, 0, 3] == 0
    assert picture[0, 1, 3] < picture[1, 0, 3] < picture[1, 1, 3]
    red, green, blue = picture[1, 1, :3].tolist()
    assert red > 3 * green
    assert red > 3 * blue


def test_a_grid_keeps_the_corners() -> None:
    values = np.zeros((50, 50))
    values[0, -1] = 1.0
    grid = np.array(grid_of(values, 12))
    assert grid.shape == (12, 12)
    assert (grid[0, -1], grid.sum()) == (1.0, 1.0)
