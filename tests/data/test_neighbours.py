"""Candidates for near copies: the same ones from all pairs and from clusters, and none of a picture's own group."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.alterations import as_cells, brighten, jpeg, shift, stained_cells

from smearlab.data import neighbours
from smearlab.data.fingerprint import find_duplicates
from smearlab.data.neighbours import Candidates, CandidateSearch, Reach


def _vectors(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    plain = rng.normal(size=(count, 12)).astype(np.float32)
    return np.stack([plain, plain + 0.1 * rng.normal(size=plain.shape).astype(np.float32)])


def _pairs(found: Candidates) -> set[tuple[int, int, int]]:
    return set(zip(found.first.tolist(), found.second.tolist(), found.zoom.tolist(), strict=True))


def test_candidates_are_the_nearest_of_other_groups() -> None:
    vectors, rows = _vectors(200), np.arange(30)
    groups = np.arange(200) // 2 * 2
    found = CandidateSearch(vectors).find(rows, groups, Reach(3.0, 4))
    for zoom in (0, 1):
        distances = np.linalg.norm(vectors[0, :30, None] - vectors[zoom], axis=2)
        distances[groups[:30, None] == groups] = np.inf
        for row in rows:
            nearest = [other for other in np.argsort(distances[row])[:4] if distances[row, other] <= 3]
            chosen = found.second[(found.first == row) & (found.zoom == zoom)]
            assert sorted(chosen.tolist()) == sorted(nearest)


@pytest.mark.parametrize("size", [1, 3, 90])
def test_clusters_give_the_candidates_of_all_pairs(size: int) -> None:
    """Also where a picture's nearest ones are so many of its own group that the search has to widen."""
    pytest.importorskip("faiss")
    vectors = np.repeat(_vectors(1800 // size), size, axis=1)
    vectors = vectors + 0.01 * np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    groups, rows = np.arange(1800) // size * size, np.arange(0, 1800, 7)
    reach = Reach(6.0, 4)
    exact = CandidateSearch(vectors, exact=True).find(rows, groups, reach)
    sorted_ones = CandidateSearch(vectors, exact=False).find(rows, groups, reach)
    assert not (groups[sorted_ones.first] == groups[sorted_ones.second]).any()
    assert len(_pairs(exact) & _pairs(sorted_ones)) >= 0.9 * len(_pairs(exact)) > 0
    assert len(sorted_ones.first) <= len(exact.first)


def test_what_the_index_cannot_answer_is_compared_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(neighbours, "_WIDEST", 8)
    vectors = np.repeat(_vectors(20), 60, axis=1)
    groups = np.arange(1200) // 60 * 60
    exact, widened = (
        CandidateSearch(vectors, exact=way).find(np.arange(40), groups, Reach(9.0, 3)) for way in (True, False)
    )
    assert _pairs(exact) == _pairs(widened)


def test_copies_are_found_through_clusters_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    originals = stained_cells(150)
    copies = [jpeg(shift(brighten(picture, 0.9), 2, -1), 60) for picture in originals[:30]]
    cells = as_cells([*originals, *copies])
    exact = find_duplicates(cells)
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 100)
    assert np.array_equal(find_duplicates(cells).near, exact.near)


def test_without_the_library_all_pairs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 10)
    monkeypatch.setattr(neighbours, "has_clusters", lambda: False)
    found = CandidateSearch(_vectors(50)).find(np.arange(50), np.arange(50), Reach(9.0, 2))
    assert len(found.first) == 200
