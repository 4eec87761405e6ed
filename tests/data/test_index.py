"""Nearest neighbours are the right ones: all of them where vectors are few, nearly all where they are sorted."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from smearlab.data import clusters, distances, index
from smearlab.data.distances import Products, smallest
from smearlab.data.index import NearestNeighbours
from smearlab.errors import MissingExtraError


def _vectors(count: int, dimensions: int = 16, seed: int = 0) -> distances.Float32Array:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


@pytest.mark.parametrize(("count", "most"), [(5, 3), (400, 9), (3000, 40)])
def test_the_exact_search_agrees_with_scikit_learn(count: int, most: int) -> None:
    vectors, queries = _vectors(count), _vectors(70, seed=1)
    found = NearestNeighbours(vectors).nearest(queries, most)
    distances, positions = NearestNeighbors(n_neighbors=most, algorithm="brute").fit(vectors).kneighbors(queries)
    assert np.array_equal(found.positions, positions)
    np.testing.assert_allclose(found.distances, distances, atol=1e-3)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = _vectors(300)
    whole = NearestNeighbours(vectors).of_each_other(5)
    monkeypatch.setattr(distances, "BLOCK_CELLS", 2100)
    parts = NearestNeighbours(vectors).of_each_other(5)
    assert np.array_equal(whole.positions, parts.positions)


def test_none_is_its_own_neighbour_even_among_equals() -> None:
    vectors = np.repeat(_vectors(3), 20, axis=0)
    found = NearestNeighbours(vectors).of_each_other(4)
    assert not (found.positions == np.arange(60)[:, None]).any()
    assert np.array_equal(found.positions // 20, np.repeat(np.arange(3), 20)[:, None].repeat(4, axis=1))


def test_where_there_are_too_few_the_rest_says_so() -> None:
    found = NearestNeighbours(_vectors(3)).nearest(_vectors(2, seed=4), 5)
    assert (found.positions[:, 3:] == -1).all()
    assert np.isinf(found.distances[:, 3:]).all()
    assert (found.positions[:, :3] >= 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_vectors_for_a_neighbour(count: int) -> None:
    found = NearestNeighbours(_vectors(count)).of_each_other(2)
    assert found.positions.shape == (count, 2)
    assert (found.positions == -1).all()


def test_smallest_keeps_to_the_limit_and_drops_what_is_infinite() -> None:
    squares = np.array([[3, 1, np.inf, 2], [9, 8, 7, np.inf], [np.inf] * 4], dtype=np.float32)
    found = smallest(squares, 3, limit=7.5)
    assert list(zip(found.rows.tolist(), found.columns.tolist(), strict=True)) == [(0, 1), (0, 3), (0, 0), (1, 2)]
    assert smallest(squares, 4).rows.tolist() == [0, 0, 0, 1, 1, 1]


def test_products_are_squared_distances() -> None:
    vectors, queries = _vectors(50), _vectors(7, seed=2)
    expected = ((queries[:, None] - vectors) ** 2).sum(2)
    np.testing.assert_allclose(Products(vectors).squares(queries), expected, rtol=1e-4, atol=1e-4)


def test_clusters_find_copies_and_most_neighbours() -> None:
    pytest.importorskip("faiss")
    vectors = _vectors(4000, 24)
    copies = vectors[:500] + _vectors(500, 24, seed=3) * 0.05
    everything = np.concatenate([vectors, copies])
    sorted_ones, all_of_them = NearestNeighbours(everything, exact=False), NearestNeighbours(everything)
    assert (sorted_ones.exact, all_of_them.exact) == (False, True)
    near, right = sorted_ones.of_each_other(5), all_of_them.of_each_other(5)
    assert np.array_equal(near.positions[4000:, 0], np.arange(500))
    alike = (near.positions[:, :, None] == right.positions[:, None]).any(2)
    assert 0.6 < alike.mean() <= 1


def test_the_clusters_are_the_same_twice() -> None:
    pytest.importorskip("faiss")
    vectors = _vectors(3000, 8)
    first, second = (NearestNeighbours(vectors, exact=False).of_each_other(6) for _ in range(2))
    assert np.array_equal(first.positions, second.positions)


def test_many_vectors_without_the_library_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "EXACT_ROWS", 10)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("smearlab.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"among 11 vectors .* pip install 'smearlab\[large\]'"):
        NearestNeighbours(_vectors(11))
    assert NearestNeighbours(_vectors(11), exact=True).exact


def test_far_clusters_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not among the true neighbours lies in clusters that were left out, and little is lost."""
    pytest.importorskip("faiss")
    monkeypatch.setattr(clusters, "_PROBES", 1.5)  # 20 of some 60
    vectors = _vectors(8000, 8)
    found = NearestNeighbours(vectors, exact=False).of_each_other(5)
    right = NearestNeighbours(vectors, exact=True).of_each_other(5)
    alike = (found.positions[:, :, None] == right.positions[:, None]).any(2).mean()
    assert 0.8 < alike < 1
    assert (found.distances >= right.distances - 1e-3).all()
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_clusters_of_equal_vectors_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of equal vectors neither hide the others nor make a block of all with all."""
    pytest.importorskip("faiss")
    monkeypatch.setattr(clusters, "_PROBES", 0.3)
    lone = _vectors(2000, 8)
    vectors = np.concatenate([np.repeat(_vectors(1, 8, seed=7), 6000, axis=0), lone])
    sorted_ones = NearestNeighbours(vectors, exact=False)
    widest = max(len(sorted_ones._search._around(cluster)[1]) for cluster in range(20))  # type: ignore[union-attr]
    assert widest <= 5 * clusters._LARGEST
    found = sorted_ones.of_each_other(3)
    assert np.allclose(found.distances[:6000], 0, atol=1e-2)
    assert not (found.positions == np.arange(len(vectors))[:, None]).any()
    assert (found.positions >= 0).all()


def test_clusters_answer_for_vectors_that_are_not_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(clusters, "_PROBES", 0.75)
    vectors = _vectors(6000, 8)
    queries = vectors[::50] + _vectors(120, 8, seed=9) * 0.01
    found = NearestNeighbours(vectors, exact=False).nearest(queries, 4)
    assert np.array_equal(found.positions[:, 0], np.arange(0, 6000, 50))


def test_fewer_vectors_nearby_than_wanted_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(clusters, "_PROBES", 0.01)  # its own cluster alone
    found = NearestNeighbours(_vectors(3000, 8), exact=False).nearest(_vectors(9, 8, seed=5), 1000)
    assert (found.positions[:, 0] >= 0).all()
    assert (found.positions[:, -1] == -1).all()
    assert np.isinf(found.distances[:, -1]).all()
