"""Nearest neighbours among signature vectors by blocked matrix products: exact, and in flat memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.signatures import Float32Array, Signatures

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, IntArray

_DIMENSIONS = 64
_BLOCK_CELLS = 1 << 23  # entries of one block of distances: 32 MiB of float32


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


def search_vectors(signatures: Signatures) -> Float32Array:
    """Rotate onto the leading principal axes: a third of the work, and distances hardly change.

    Returns:
        ``float32 (scales, N, D)``, what `find_candidates` takes.
    """
    vectors = signatures.vectors
    plain = vectors[0].astype(np.float64)
    centred = plain - plain.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return (vectors @ axes[:, : -_DIMENSIONS - 1 : -1].astype(np.float32)).astype(np.float32)


def find_candidates(vectors: Float32Array, rows: IntArray, groups: IntArray, radius: float, most: int) -> Candidates:
    """Find for some pictures the nearest ones of other groups, at each of the zooms.

    Args:
        vectors: ``float32 (scales, N, D)`` of all pictures.
        rows: ``int64 (n,)`` positions of the pictures to find candidates for.
        groups: ``int64 (N,)`` group of each picture; no picture is a candidate of its own group.
        radius: largest distance of two vectors.
        most: candidates of one picture at one zoom.
    """
    squares = (vectors**2).sum(2)
    block = max(1, _BLOCK_CELLS // max(1, vectors.shape[1]))
    found = [
        _search(vectors, squares, rows[start : start + block], groups, zoom, radius**2, most)
        for zoom in range(len(vectors))
        for start in range(0, len(rows), block)
    ]
    first, second, zooms, square = (np.concatenate(column) for column in zip(*found, strict=True))
    return Candidates(first, second, zooms, np.sqrt(np.maximum(square, 0)).astype(np.float32))


def _search(
    vectors: Float32Array,
    squares: Float32Array,
    rows: IntArray,
    groups: IntArray,
    zoom: int,
    limit: float,
    most: int,
) -> tuple[IntArray, IntArray, IntArray, Float32Array]:
    """Return pictures compared, candidates, zooms and squared distances of one block of pictures."""
    distances = vectors[0, rows] @ vectors[zoom].T
    distances *= -2
    distances += squares[zoom]
    distances += squares[0, rows][:, None]
    distances[groups[rows][:, None] == groups] = np.inf
    places, columns, square = _nearest(distances, limit, most)
    return rows[places], columns, np.full(len(places), zoom, dtype=np.int64), square


def _nearest(distances: Float32Array, limit: float, most: int) -> tuple[IntArray, IntArray, Float32Array]:
    """Return rows, columns and values below the limit, at most `most` per row."""
    inside = distances <= limit
    crowded = np.flatnonzero(inside.sum(1) > most)
    if len(crowded):
        kept = np.argpartition(distances[crowded], most - 1, axis=1)[:, :most]
        inside[crowded] = False
        inside[crowded[:, None], kept] = True
    rows, columns = np.nonzero(inside)
    return rows, columns, distances[rows, columns]
