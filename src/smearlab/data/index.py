"""Nearest neighbours among many vectors: exact while that fits, among clusters of them beyond.

The exact search is a product of matrices, a block at a time, so memory stays flat; it grows with the square of the
number of vectors. Beyond `EXACT_ROWS` the vectors are sorted into clusters, and only the clusters nearest to that of a
query are looked through (`clusters`).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.clusters import LIBRARY, Clusters
from smearlab.data.distances import Neighbours, Products, nearest_of
from smearlab.data.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.data.cells import IntArray
    from smearlab.data.distances import Float32Array

EXACT_ROWS = 20_000
"""Vectors up to which all are compared with all: a few seconds."""


class NearestNeighbours:
    """Finds the nearest of many vectors by Euclidean distance.

    >>> import numpy as np
    >>> index = NearestNeighbours(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], dtype=np.float32))
    >>> index.of_each_other(1).positions.ravel().tolist()
    [2, 2, 0]
    """

    def __init__(self, vectors: Float32Array, exact: bool | None = None) -> None:
        """Take the vectors ``float32 (n, d)``, and sort them into clusters where there are many.

        Args:
            vectors: to be searched; not copied by the exact search.
            exact: whether to compare with all of them; None does up to `EXACT_ROWS`.

        Raises:
            MissingExtraError: there are more, and faiss is not installed.
        """
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self.exact = len(vectors) <= EXACT_ROWS if exact is None else exact
        self._search = _Exact(self._vectors) if self.exact else Clusters(self._vectors)

    def __len__(self) -> int:
        return len(self._vectors)

    def nearest(self, queries: Float32Array, most: int) -> Neighbours:
        """Find the `most` vectors nearest to each of the queries ``float32 (m, d)``."""
        found = Neighbours(
            np.full((len(queries), most), -1, dtype=np.int64),
            np.full((len(queries), most), np.inf, dtype=np.float32),
        )
        fitting = min(most, len(self))
        with progress("Looking for neighbours", len(queries)) as advance:
            for rows, part in self._search.find(np.ascontiguousarray(queries, dtype=np.float32), fitting):
                found.positions[rows, :fitting], found.distances[rows, :fitting] = part
                advance(len(rows))
        return found

    def of_each_other(self, most: int) -> Neighbours:
        """Find the `most` vectors nearest to each of the vectors, itself left out."""
        found = self.nearest(self._vectors, most + 1)
        itself = found.positions == np.arange(len(self))[:, None]
        itself[~itself.any(1), -1] = True  # so many equal vectors that it is not among its own nearest
        shape = len(self), most
        return Neighbours(found.positions[~itself].reshape(shape), found.distances[~itself].reshape(shape))


def has_clusters() -> bool:
    """Whether the library is installed that searches more than `EXACT_ROWS` vectors."""
    return find_spec(LIBRARY) is not None


class _Exact:
    """Compares queries with all vectors."""

    def __init__(self, vectors: Float32Array) -> None:
        self._products = Products(vectors)

    def find(self, queries: Float32Array, most: int) -> Iterator[tuple[IntArray, Neighbours]]:
        for start in range(0, len(queries), self._products.block):
            block = queries[start : start + self._products.block]
            yield np.arange(start, start + len(block)), nearest_of(self._products.squares(block), most)
