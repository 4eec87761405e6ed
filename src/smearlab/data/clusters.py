"""Nearest neighbours among very many vectors, which are sorted into clusters of about equal size.

This is the inverted file of Jégou et al. 2011 (Product Quantization for Nearest Neighbor Search) with three choices
that keep its cost to n·log n, where the usual √n clusters cost n·√n:

- a cluster holds about `_SIZE` vectors, however many there are in all; they are found in two steps, some top clusters
  and then the clusters inside each of them, so that neither k-means nor the assignment compares a vector with all;
- a number of clusters is looked through that grows with log n;
- queries of one cluster look through the same others, so that their distances are a few products of matrices. A search
  of one query at a time reads each of these vectors from memory anew.

k-means and the assignment are faiss'. It was chosen over hnswlib because it comes built for every platform, where
hnswlib needs a compiler; because clusters give the same answer whatever the number of threads, where a graph depends on
the order in which threads insert; and because it takes less processor time (`benchmarks/audit_scaling.py`).
"""

from __future__ import annotations

import math
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.distances import Neighbours, Products, nearest_of, rows_of_block
from smearlab.errors import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.data.cells import IntArray
    from smearlab.data.distances import Float32Array

LIBRARY, EXTRA = "faiss", "large"
_SIZE = 128  # vectors of a cluster
_LARGEST = 4 * _SIZE  # what a cluster is cut into where very many vectors are equal
_PROBES = 3.5  # clusters looked through per doubling of the number of vectors
_TOP = 2  # top clusters whose clusters may be the nearest; one alone strands vectors that lie between two
_ROUNDS = 5  # of k-means: clusters of about equal size are wanted, not the best ones
_SAMPLE = 64  # vectors per cluster that k-means sees


class Clusters:
    """Compares queries with the vectors of the clusters nearest to their own."""

    def __init__(self, vectors: Float32Array) -> None:
        """Sort the vectors ``float32 (n, d)``, C-contiguous and at least one, into clusters.

        Raises:
            MissingExtraError: faiss is not installed.
        """
        require(LIBRARY, EXTRA, f"Looking for neighbours among {len(vectors):,} vectors")
        # Its types are those of the C++ methods, which it replaces when it is imported.
        self._faiss: Any = import_module(LIBRARY)
        self._vectors = vectors
        top = self._means(vectors, math.sqrt(len(vectors) / _SIZE))
        kept, own = np.unique(self._closest(top, vectors).positions[:, 0], return_inverse=True)
        self._top = top[kept]
        self._inside = [
            self._means(vectors[own == number], (own == number).sum() / _SIZE) for number in range(len(kept))
        ]
        self._first = np.cumsum([0, *map(len, self._inside)])
        self._own = self._cluster_of(vectors)
        self._keep(vectors)

    def find(self, queries: Float32Array, most: int) -> Iterator[tuple[IntArray, Neighbours]]:
        """Yield places of queries ``int64 (b,)``, and the `most` neighbours of each, until all were looked up."""
        own = self._own if queries is self._vectors else self._cluster_of(queries)
        order = np.argsort(own, kind="stable")
        starts = np.flatnonzero(np.diff(own[order], prepend=-1))
        for rows in np.split(order, starts[1:]):
            spans, positions = self._around(int(own[rows[0]]))
            block = rows_of_block(len(positions))
            for start in range(0, len(rows), block):
                part = rows[start : start + block]
                near = nearest_of(self._products.squares(queries[part], spans), most)
                yield part, _widened(Neighbours(positions[near.positions], near.distances), most)

    def _keep(self, vectors: Float32Array) -> None:
        """Store the vectors one cluster after another, and cut what is too large into pieces."""
        centres = np.concatenate(self._inside)
        self._order = np.argsort(self._own, kind="stable")
        self._products = Products(vectors[self._order])
        bounds = np.searchsorted(self._own[self._order], np.arange(len(centres) + 1))
        pieces = [np.arange(start, stop, _LARGEST) for start, stop in pairwise(bounds)]
        self._starts = np.append(np.concatenate(pieces), len(vectors))
        of_piece = np.repeat(np.arange(len(centres)), [len(starts) for starts in pieces])
        # Each cluster with each piece: the one step that grows with n²; there are 128 times fewer of them than vectors.
        probes = math.ceil(_PROBES * math.log2(len(vectors) + 1))
        self._near = self._closest(centres[of_piece], centres, probes).positions

    def _around(self, cluster: int) -> tuple[list[slice], IntArray]:
        """Return where the vectors around a cluster are stored, and their positions ``int64 (c,)``."""
        pieces = np.sort(self._near[cluster])
        runs = np.split(pieces, np.flatnonzero(np.diff(pieces) > 1) + 1)  # pieces side by side are one product
        spans = [slice(int(self._starts[run[0]]), int(self._starts[run[-1] + 1])) for run in runs]
        return spans, np.concatenate([self._order[span] for span in spans])

    def _cluster_of(self, queries: Float32Array) -> IntArray:
        """Find the nearest cluster inside the nearest top clusters of each query: ``int64 (m,)``."""
        own, least = np.zeros(len(queries), dtype=np.int64), np.full(len(queries), np.inf, dtype=np.float32)
        for top in self._closest(self._top, queries, _TOP).positions.T:
            for number in np.unique(top):
                rows = np.flatnonzero(top == number)
                inside, squares = (column[:, 0] for column in self._closest(self._inside[number], queries[rows]))
                nearer = squares < least[rows]
                least[rows[nearer]], own[rows[nearer]] = squares[nearer], self._first[number] + inside[nearer]
        return own

    def _means(self, vectors: Float32Array, count: float) -> Float32Array:
        settings = {"niter": _ROUNDS, "max_points_per_centroid": _SAMPLE, "min_points_per_centroid": 1, "seed": 1}
        means = self._faiss.Kmeans(vectors.shape[1], max(1, round(count)), **settings)
        means.train(vectors)
        return np.asarray(means.centroids, dtype=np.float32)

    def _closest(self, centres: Float32Array, vectors: Float32Array, most: int = 1) -> Neighbours:
        """Find the centres nearest to each vector: their numbers, and *squared* distances."""
        flat = self._faiss.IndexFlatL2(centres.shape[1])
        flat.add(centres)
        squares, numbers = flat.search(vectors, min(most, len(centres)))
        return Neighbours(numbers.astype(np.int64), squares)


def _widened(found: Neighbours, most: int) -> Neighbours:
    """Say -1 and infinite for neighbours beyond the vectors that were looked through."""
    missing = ((0, 0), (0, most - found.positions.shape[1]))
    return Neighbours(
        np.pad(found.positions, missing, constant_values=-1), np.pad(found.distances, missing, constant_values=np.inf)
    )
