"""Nearest neighbours are the right ones: all of them where vectors are few, nearly all where they are sorted."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from smearlab.data import index
from smearlab.data.index import NearestNeighbours, Products, smallest
from smearlab.errors import MissingExtraError


def _vectors(count: int, dimensions: int = 16, seed: int = 0) -> index.Float32Array:
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
    monkeypatch.setattr(index, "_BLOCK_CELLS", 2100)
    monkeypatch.setattr(index, "_QUERIES", 11)
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
