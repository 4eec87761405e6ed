"""Nearest neighbours among many vectors: exact while that fits, by an inverted file of clusters beyond.

The exact search is a product of matrices, a block at a time, so memory stays flat; it grows with the square of the
number of vectors. Beyond `EXACT_ROWS` the vectors are sorted into clusters, and only the clusters nearest to a query
are looked through (the inverted file of Jégou et al. 2011, Product Quantization for Nearest Neighbor Search), by faiss.

faiss was chosen over hnswlib because it comes built for every platform, where hnswlib needs a compiler; because its
clusters give the same answer whatever the number of threads, where a graph depends on the order in which threads
insert; and because it takes half the processor time for all neighbours of 10⁵ vectors (`benchmarks/audit_scaling.py`).
"""

from __future__ import annotations

import math
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smearlab.data.progress import progress
from smearlab.errors import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.data.cells import IntArray

Float32Array = NDArray[np.float32]

EXACT_ROWS = 20_000
"""Vectors up to which all are compared with all: a few seconds."""
EXTRA = "large"
_BLOCK_CELLS = 1 << 22  # entries of one block of distances: 16 MiB of float32, which stays near the processor
_QUERIES = 1 << 15  # vectors that are looked up between two steps of the progress bar
_FOLDS = 16
_PROBES = 16  # clusters looked through for each query
_ROUNDS = 5  # of k-means: clusters of about equal size are wanted, not the best ones
_SAMPLE = 32  # vectors per cluster that k-means sees


class Neighbours(NamedTuple):
    """The nearest vectors of each of m queries, nearest first.

    Attributes:
        positions: ``int64 (m, most)`` positions among the vectors; -1 where there are no more.
        distances: ``float32 (m, most)`` Euclidean; infinite where there are no more.
    """

    positions: IntArray
    distances: Float32Array


class Nearest(NamedTuple):
    """Entries of a block of squared distances: row and column ``int64 (E,)``, and the value ``float32 (E,)``."""

    rows: IntArray
    columns: IntArray
    squares: Float32Array


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
        self._search = _Exact(self._vectors) if self.exact else _Clusters(self._vectors)

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
    return find_spec("faiss") is not None


class Products:
    """Squared distances from queries to vectors, as one product of matrices.

    A vector gets its own square and a one as further components, so that no pass over the block remains.
    """

    def __init__(self, vectors: Float32Array) -> None:
        """Prepare the vectors ``float32 (n, d)``."""
        squares = (vectors**2).sum(1, keepdims=True)
        self._columns = np.concatenate([vectors, squares, np.ones_like(squares)], axis=1).T

    @property
    def block(self) -> int:
        """Number of queries whose distances make up one block."""
        return max(1, _BLOCK_CELLS // max(1, int(self._columns.shape[1])))

    def squares(self, queries: Float32Array) -> Float32Array:
        """Return the squared distances ``float32 (m, n)``; rounding may leave one a little below zero."""
        own = (queries**2).sum(1, keepdims=True)
        block: Float32Array = np.concatenate([-2 * queries, np.ones_like(own), own], axis=1) @ self._columns
        return block


def smallest(squares: Float32Array, most: int, limit: float = np.inf) -> Nearest:
    """Find the `most` smallest entries of each row that are finite and not above a limit, in ascending order.

    Args:
        squares: ``float32 (m, n)``.
        most: entries per row.
        limit: largest value that counts.
    """
    bound = np.full(len(squares), min(limit, float(np.finfo(np.float32).max)), dtype=np.float32)
    if most < squares.shape[1]:
        # The minima of several columns each bound the smallest entries from above, at a fraction of the sorting.
        width = squares.shape[1] // _FOLDS
        folded = squares[:, : _FOLDS * width].reshape(len(squares), _FOLDS, width).min(1) if width > most else squares
        bound = np.minimum(bound, np.partition(folded, most - 1, axis=1)[:, most - 1])
    places = np.flatnonzero(squares <= bound[:, None])
    rows, columns = np.divmod(places, squares.shape[1])
    values = squares.ravel()[places]
    order = np.lexsort((values, rows))
    rows = rows[order]
    order = order[np.arange(len(rows)) - np.searchsorted(rows, rows) < most]
    return Nearest(places[order] // squares.shape[1], columns[order], values[order])


class _Exact:
    """Compares queries with all vectors."""

    def __init__(self, vectors: Float32Array) -> None:
        self._products = Products(vectors)

    def find(self, queries: Float32Array, most: int) -> Iterator[tuple[IntArray, Neighbours]]:
        for start in range(0, len(queries), self._products.block):
            block = queries[start : start + self._products.block]
            found = smallest(self._products.squares(block), most)
            distances = np.sqrt(np.maximum(found.squares, 0))
            shape = len(block), most
            yield (
                np.arange(start, start + len(block)),
                Neighbours(found.columns.reshape(shape), distances.reshape(shape)),
            )


class _Clusters:
    """Compares queries with the vectors of the clusters nearest to them."""

    def __init__(self, vectors: Float32Array) -> None:
        require("faiss", EXTRA, f"Looking for neighbours among {len(vectors):,} vectors")
        # Its types are those of the C++ methods, which it replaces when it is imported.
        faiss: Any = import_module("faiss")
        tools: Any = import_module("faiss.contrib.ivf_tools")
        count, dimensions = vectors.shape
        clusters = 2 ** round(math.log2(4 * math.sqrt(count)))
        settings = {"niter": _ROUNDS, "max_points_per_centroid": _SAMPLE, "min_points_per_centroid": 1, "seed": 1}
        means = faiss.Kmeans(dimensions, clusters, **settings)
        means.train(vectors)
        self._centres = faiss.IndexFlatL2(dimensions)
        self._centres.add(means.centroids)
        self._index = faiss.IndexIVFFlat(self._centres, dimensions, clusters)
        self._index.nprobe = min(_PROBES, clusters)
        self._vectors, self._own = vectors, self._around(vectors)
        tools.add_preassigned(self._index, vectors, np.ascontiguousarray(self._own.positions[:, 0]))

    def _around(self, queries: Float32Array) -> Neighbours:
        """Find the clusters to look through: their numbers, and *squared* distances."""
        squares, clusters = self._centres.search(queries, self._index.nprobe)
        return Neighbours(clusters, squares)

    def find(self, queries: Float32Array, most: int) -> Iterator[tuple[IntArray, Neighbours]]:
        around = self._own if queries is self._vectors else self._around(queries)
        # One cluster after another: what was read from memory for one query still lies near for the next.
        order = np.argsort(around.positions[:, 0], kind="stable")
        for start in range(0, len(order), _QUERIES):
            part = order[start : start + _QUERIES]
            squares, positions = self._index.search_preassigned(
                queries[part], most, around.positions[part], around.distances[part]
            )
            distances = np.where(positions < 0, np.inf, np.sqrt(np.maximum(squares, 0)))
            yield part, Neighbours(positions.astype(np.int64), distances.astype(np.float32))
