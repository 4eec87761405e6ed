"""Signed distances: where shapes are, and how they join and cut."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.data.smear.canvas import SUPERSAMPLING, Field, grid
from smearlab.data.smear.nuclei import band_nucleus, indented_nucleus, lobed_nucleus, round_nucleus
from smearlab.data.smear.shapes import blob, chain, clip_to, cut, join, soft, warped, wobble


def area(distance: Field) -> float:
    return float((distance > 0).sum()) / SUPERSAMPLING**2


def components(distance: Field) -> int:
    """Count separate parts by flooding, on every second sample."""
    left = {(int(row), int(column)) for row, column in np.argwhere(distance > 0)}
    parts = 0
    while left:
        parts += 1
        stack = [left.pop()]
        while stack:
            row, column = stack.pop()
            near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & left
            left -= near
            stack.extend(near)
    return parts


def test_blob_has_the_area_of_its_radius_however_stretched() -> None:
    for stretch in (1.0, 1.6):
        assert area(blob(grid(), (3, -2), 20, None, stretch, 0.7)) == pytest.approx(np.pi * 400, rel=0.02)


def test_blob_is_where_it_is_put() -> None:
    x, y = grid()
    inside = blob(grid(), (10, -5), 8) > 0
    assert x[inside].mean() == pytest.approx(10, abs=0.3)
    assert y[inside].mean() == pytest.approx(-5, abs=0.3)


def test_wobble_is_closed_and_round_on_average() -> None:
    outline = wobble(np.random.default_rng(0), [0.05, 0.05])
    assert outline.mean() == pytest.approx(1, abs=1e-3)
    assert abs(outline[0] - outline[-1]) < 0.01
    assert outline.std() > 0.005


def test_chain_is_a_capsule() -> None:
    capsule = chain(grid(), [(-15, 0), (15, 0)], [5, 5])
    assert area(capsule) == pytest.approx(30 * 10 + np.pi * 25, rel=0.02)


def test_join_covers_both_and_cut_removes() -> None:
    left, right = blob(grid(), (-6, 0), 10), blob(grid(), (6, 0), 10)
    assert (join(left, right, 2) >= np.maximum(left, right)).all()
    rest = cut(left, right)
    assert 0 < area(rest) < area(left)
    assert not ((rest > 0) & (right > 0)).any()


def test_clip_keeps_the_margin() -> None:
    frame = blob(grid(), (0, 0), 20)
    assert (frame[clip_to(blob(grid(), (10, 0), 15), frame, 2) > 0] >= 2).all()


def test_soft_edge_is_half_covered_on_the_outline() -> None:
    np.testing.assert_allclose(soft(np.array([-3, 0, 3], dtype=np.float32)), [0, 0.5, 1])


def test_warping_moves_points_by_about_the_amount() -> None:
    x, _ = warped(np.random.default_rng(0), 2.0, 10)
    assert np.abs(x - grid()[0]).mean() == pytest.approx(2 * 0.8, rel=0.5)


@pytest.mark.parametrize("lobes", [2, 3, 4, 5])
def test_filaments_hold_a_segmented_nucleus_together(lobes: int) -> None:
    for seed in range(4):
        nucleus = lobed_nucleus(np.random.default_rng(seed), (1, 1), 28, lobes, 1100, 3.0, 1.1, 1.5)
        assert components(nucleus) == 1
        assert 0.55 * 1100 < area(nucleus) < 1.5 * 1100


def test_deeper_dent_takes_more_off() -> None:
    shallow, deep = (indented_nucleus(np.random.default_rng(4), (0, 0), 20, depth, 0.0) for depth in (0.3, 0.9))
    x, y = grid()
    dent = np.hypot(x - 10, y) < 4
    assert (shallow > 0)[dent].mean() > (deep > 0)[dent].mean()


def test_round_and_band_nuclei_differ_in_compactness() -> None:
    def compactness(shape: Field) -> float:
        x, y = grid()
        inside = shape > 0
        spread = x[inside].var() + y[inside].var()
        return float(inside.sum() / SUPERSAMPLING**2 / spread)

    rng = np.random.default_rng(6)
    assert compactness(round_nucleus(rng, (0, 0), 18)) > 1.5 * compactness(band_nucleus(rng, (0, 0), 28, 1000, 3.0))
