"""Pictures whose signature vectors are near each other: the candidates for near copies.

Up to `index.EXACT_ROWS` pictures all are compared with all. Beyond, an index of clusters finds the nearest ones where
it is installed; the exact search goes on being used where it is not, because whether a split leaks must not depend on
an optional library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.distances import Products, smallest
from smearlab.data.index import EXACT_ROWS, NearestNeighbours, has_clusters
from smearlab.data.signatures import Float32Array, Signatures

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, IntArray

_DIMENSIONS = 64
_WIDEST = 1024  # vectors asked of the index, when the nearest ones are all of the picture's own group


@dataclass(frozen=True)
class Candidates:
    """Pairs of pictures that may be near copies.

    Attributes:
        first: ``int64 (P,)`` positions of the pictures compared at full size.
        second: ``int64 (P,)`` positions of the pictures compared at a zoom.
        zoom: ``int64 (P,)`` index into the signatures' scales.
        distance: ``float32 (P,)`` distance of the two vectors.
    """

    first: IntArray
    second: IntArray
    zoom: IntArray
    distance: Float32Array

    def take(self, which: slice | IntArray | BoolArray) -> Candidates:
        """Return some of the pairs."""
        return Candidates(self.first[which], self.second[which], self.zoom[which], self.distance[which])


@dataclass(frozen=True)
class Reach:
    """How far a search for candidates goes.

    Attributes:
        radius: largest distance of two vectors.
        most: candidates of one picture at one zoom.
    """

    radius: float
    most: int


def search_vectors(signatures: Signatures) -> Float32Array:
    """Rotate onto the leading principal axes: a third of the work, and distances hardly change.

    Returns:
        ``float32 (scales, N, D)``, what `CandidateSearch` takes.
    """
    vectors = signatures.vectors
    plain = vectors[0].astype(np.float64)
    centred = plain - plain.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return (vectors @ axes[:, : -_DIMENSIONS - 1 : -1].astype(np.float32)).astype(np.float32)


class CandidateSearch:
    """Finds for pictures the nearest ones of other groups, at each of the zooms."""

    def __init__(self, vectors: Float32Array, exact: bool | None = None) -> None:
        """Take the vectors ``float32 (scales, N, D)`` of all pictures.

        Args:
            vectors: what `search_vectors` returns.
            exact: whether to compare with all; None decides by their number, and by what is installed.
        """
        self._vectors = vectors
        self._products = [Products(scaled) for scaled in vectors]
        if exact is None:
            exact = vectors.shape[1] <= EXACT_ROWS or not has_clusters()
        self._clusters = [] if exact else [NearestNeighbours(scaled, exact=False) for scaled in vectors]

    def find(self, rows: IntArray, groups: IntArray, reach: Reach) -> Candidates:
        """Find candidates for some of the pictures.

        Args:
            rows: ``int64 (n,)`` positions of the pictures to find candidates for.
            groups: ``int64 (N,)`` group of each picture; no picture is a candidate of its own group.
            reach: how far to look.
        """
        search = self._look_in_clusters if self._clusters else self._look_at_all
        found = [search(zoom, rows, groups, reach) for zoom in range(len(self._vectors))]
        return _together(found)

    def _look_at_all(self, zoom: int, rows: IntArray, groups: IntArray, reach: Reach) -> Candidates:
        products = self._products[zoom]
        _, home, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        shared = sizes[home] > 1
        found = [_none()]
        for start in range(0, len(rows), products.block):
            block = rows[start : start + products.block]
            squares = products.squares(self._vectors[0, block])
            if shared[block].any():
                squares[groups[block][:, None] == groups] = np.inf
            squares[np.arange(len(block)), block] = np.inf
            near = smallest(squares, reach.most, reach.radius**2)
            found.append(_candidates(block[near.rows], near.columns, zoom, near.squares))
        return _together(found)

    def _look_in_clusters(self, zoom: int, rows: IntArray, groups: IntArray, reach: Reach) -> Candidates:
        """Ask for more and more, until enough are of other groups; what asks in vain is compared with all."""
        found, asked = [_none()], 2 * reach.most
        while len(rows) and asked <= _WIDEST:
            near = self._clusters[zoom].nearest(self._vectors[0, rows], asked)
            inside = (near.positions >= 0) & (near.distances <= reach.radius)
            own = groups[rows][:, None] == groups[near.positions]
            other = inside & ~own
            enough = (other.sum(1) >= reach.most) | ~inside[:, -1]
            kept = other & (np.cumsum(other, axis=1) <= reach.most) & enough[:, None]
            places, columns = np.nonzero(kept)
            squares = near.distances[places, columns] ** 2
            found.append(_candidates(rows[places], near.positions[places, columns], zoom, squares))
            rows, asked = rows[~enough], 4 * asked
        return _together([*found, self._look_at_all(zoom, rows, groups, reach)] if len(rows) else found)


def _candidates(first: IntArray, second: IntArray, zoom: int, squares: Float32Array) -> Candidates:
    distances = np.sqrt(np.maximum(squares, 0)).astype(np.float32)
    return Candidates(first, second, np.full(len(first), zoom, dtype=np.int64), distances)


def _none() -> Candidates:
    nothing = np.zeros(0, dtype=np.int64)
    return Candidates(nothing, nothing, nothing, np.zeros(0, dtype=np.float32))


def _together(parts: list[Candidates]) -> Candidates:
    columns = zip(*((part.first, part.second, part.zoom, part.distance) for part in parts), strict=True)
    first, second, zoom, distance = (np.concatenate(column) for column in columns)
    return Candidates(first, second, zoom, distance)
