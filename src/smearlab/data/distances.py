"""Squared distances from queries to many vectors, a block at a time, and the smallest of each row of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import IntArray

Float32Array = NDArray[np.float32]

BLOCK_CELLS = 1 << 22
"""Entries of one block of distances: 16 MiB of float32, which stays near the processor."""
_FOLDS = 16


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


def rows_of_block(columns: int) -> int:
    """How many queries are compared with so many vectors at a time."""
    return max(1, BLOCK_CELLS // max(1, columns))


class Products:
    """Squared distances from queries to vectors, as one product of matrices.

    A vector gets its own square and a one as further components, so that no pass over the block remains.
    """

    def __init__(self, vectors: Float32Array) -> None:
        """Prepare the vectors ``float32 (n, d)``; they are copied."""
        squares = (vectors**2).sum(1, keepdims=True)
        self._columns = np.concatenate([vectors, squares, np.ones_like(squares)], axis=1).T

    @property
    def block(self) -> int:
        """Number of queries whose distances make up one block."""
        return rows_of_block(self._columns.shape[1])

    def squares(self, queries: Float32Array, spans: Sequence[slice] = (slice(None),)) -> Float32Array:
        """Return the squared distances ``float32 (m, n)``; rounding may leave one a little below zero.

        Args:
            queries: ``float32 (m, d)``.
            spans: of the vectors, which are wanted in this order; without steps.
        """
        own = (queries**2).sum(1, keepdims=True)
        extended = np.concatenate([-2 * queries, np.ones_like(own), own], axis=1)
        count = self._columns.shape[1]
        stops = np.cumsum([0, *(len(range(*span.indices(count))) for span in spans)])
        block = np.empty((len(queries), stops[-1]), dtype=np.float32)
        for span, start, stop in zip(spans, stops[:-1], stops[1:], strict=True):
            np.matmul(extended, self._columns[:, span], out=block[:, start:stop])
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


def nearest_of(squares: Float32Array, most: int) -> Neighbours:
    """Find the nearest of each row of a block ``float32 (m, n)``: its columns, and their distances.

    Args:
        squares: squared distances; all finite.
        most: how many; as many as there are where the block is narrower.
    """
    found = smallest(squares, most)
    shape = len(squares), min(most, squares.shape[1])
    return Neighbours(found.columns.reshape(shape), np.sqrt(np.maximum(found.squares, 0)).reshape(shape))
