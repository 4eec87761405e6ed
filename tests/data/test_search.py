"""All copies of a picture are one group, however many they are, and no split tears them apart."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.alterations import ALTERATIONS, as_cells, stained_cells

from smearlab.data import alignment, search
from smearlab.data.alignment import align_pairs
from smearlab.data.fingerprint import find_duplicates, near_groups
from smearlab.data.read import read
from smearlab.data.split import SplitConfig, split_cells

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells, IntArray, Pictures


_SIZES = [(24, 8), (12, 20), (8, 60)]  # originals, copies of each


def _copied(originals: Pictures, copies: int, seed: int = 0) -> tuple[Cells, IntArray]:
    """Return the originals and copies of each, altered at random and shuffled, and each picture's origin."""
    rng = np.random.default_rng(seed)
    ways = list(ALTERATIONS.values())
    images = [
        np.asarray(picture) if copy < 0 else ways[rng.integers(len(ways))](np.asarray(picture), rng)
        for picture in originals
        for copy in range(-1, copies)
    ]
    origin = np.repeat(np.arange(len(originals)), copies + 1)
    order = rng.permutation(len(images))
    return as_cells([images[place] for place in order]), origin[order]


def _partition(groups: IntArray) -> IntArray:
    """Number groups by their first member, so that equal partitions are equal arrays."""
    return np.asarray([np.flatnonzero(groups == group)[0] for group in groups])


@pytest.mark.parametrize(("originals", "copies"), _SIZES)
def test_each_origin_is_one_group(originals: int, copies: int) -> None:
    cells, origin = _copied(stained_cells(originals, seed=1), copies, seed=1)
    assert np.array_equal(near_groups(cells), _partition(origin))


@pytest.mark.parametrize(("originals", "copies"), _SIZES)
def test_no_origin_stands_on_both_sides_of_a_split(originals: int, copies: int) -> None:
    cells, origin = _copied(stained_cells(originals, seed=1), copies, seed=1)
    split = split_cells(cells, SplitConfig(train=0.5, validation=0.25, test=0.25))
    parts = [set(origin[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == originals
    assert split.report.ok


@pytest.mark.parametrize(("originals", "copies"), _SIZES)
def test_one_round_alone_would_leave_pieces(monkeypatch: pytest.MonkeyPatch, originals: int, copies: int) -> None:
    """The later rounds are what makes the groups whole; without them this data falls apart."""
    monkeypatch.setattr(search, "_join", lambda state, found: np.zeros(0, dtype=np.int64))
    cells, _ = _copied(stained_cells(originals, seed=1), copies, seed=1)
    assert len(np.unique(near_groups(cells))) > originals


def test_large_groups_take_pairs_in_proportion_to_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []

    def counting(*given: object) -> object:
        verified.append(len(given[1].first))  # type: ignore[attr-defined]
        return align_pairs(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "align_pairs", counting)
    cells, origin = _copied(stained_cells(3), 200)
    found = find_duplicates(cells)
    assert np.array_equal(found.near, _partition(origin))
    assert sum(verified) <= 6 * len(cells)
    assert len(found.pairs) <= 6 * len(cells)


def test_without_copies_nothing_is_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    promising = search._promising

    def counting(*given: object) -> object:
        asked.append(len(given[2]))  # type: ignore[arg-type]
        return promising(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "_promising", counting)
    assert find_duplicates(as_cells(stained_cells(60))).pairs == ()
    assert asked == [60]


def test_chunks_of_the_search_do_not_change_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, origin = _copied(stained_cells(5), 20)
    monkeypatch.setattr(search, "_CHUNK", 7)
    found, again = find_duplicates(cells), find_duplicates(cells)
    assert np.array_equal(found.near, _partition(origin))
    assert found.pairs == again.pairs


def test_each_pair_is_named_once() -> None:
    cells, _ = _copied(stained_cells(3), 20)
    ends = [(pair.row, pair.partner) for pair in find_duplicates(cells).pairs]
    assert len(set(ends)) == len(ends)
    assert all(row > partner for row, partner in ends)


def test_a_terminal_shows_how_far_the_search_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = as_cells(stained_cells(4))
    find_duplicates(cells)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    find_duplicates(cells)
    captured = capsys.readouterr()
    assert "Looking for copies" in captured.err
    assert captured.out == ""


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("copies", [8, 20, 60])
def test_many_copies_of_real_cells(pbc_path: Path, copies: int) -> None:
    """Groups of real cells are whole, other real cells stay out of them, and a split leaks none."""
    everything = read(pbc_path)
    chosen = np.random.default_rng(copies).choice(len(everything), 1010, replace=False)
    pictures = [np.asarray(everything.images[int(row)]) for row in chosen]
    cells, origin = _copied(pictures[:10], copies, seed=copies)
    cells = as_cells([*cells.images, *pictures[10:]])
    near = near_groups(cells)
    assert np.array_equal(near[: len(origin)], _partition(origin))
    assert near[len(origin) :].min() >= len(origin)
    labels = np.concatenate([np.zeros(len(origin), np.int64), np.ones(1000, np.int64)])
    split = split_cells(replace(cells, labels=labels), SplitConfig(), near)
    parts = [set(origin[part[part < len(origin)]].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == 10


def test_blank_pictures_alone_leave_nothing_to_search() -> None:
    """Pictures without texture are told apart by their pixels only; a set of nothing else must not stop a run."""
    images = np.repeat(np.arange(6, dtype=np.uint8), 32 * 32 * 3).reshape(6, 32, 32, 3)

    groups = near_groups(as_cells(images, np.zeros(6, dtype=np.int64), ("basophil",)))

    np.testing.assert_array_equal(groups, np.arange(6))


@pytest.mark.parametrize("width", [0.7, 1.8, 4.0])
def test_the_blur_has_no_weights_that_processors_are_slow_with(width: float) -> None:
    weights = alignment._blur(width)
    assert ((weights == 0) | (weights >= np.finfo(np.float32).tiny)).all()
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
