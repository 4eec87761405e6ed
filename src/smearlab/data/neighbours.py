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


def find_candidates(signatures: Signatures, radius: float, most: int) -> Candidates:
    """Find for each picture the `most` nearest others within `radius`, at each of the zooms."""
    vectors = _principal(signatures.vectors)
    found = [_search(vectors[0], vectors[zoom], zoom, radius, most) for zoom in range(len(vectors))]
    return Candidates(
        first=np.concatenate([part.first for part in found]),
        second=np.concatenate([part.second for part in found]),
        zoom=np.concatenate([part.zoom for part in found]),
        distance=np.concatenate([part.distance for part in found]),
    )


def _principal(vectors: Float32Array) -> Float32Array:
    """Rotate onto the leading principal axes: a third of the work, and distances hardly change."""
    plain = vectors[0].astype(np.float64)
    centred = plain - plain.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return (vectors @ axes[:, : -_DIMENSIONS - 1 : -1].astype(np.float32)).astype(np.float32)


def _search(queries: Float32Array, targets: Float32Array, zoom: int, radius: float, most: int) -> Candidates:
    squares = (targets**2).sum(1)
    block = max(1, _BLOCK_CELLS // max(1, len(targets)))
    found = []
    for start in range(0, len(queries), block):
        rows = queries[start : start + block]
        distances = rows @ targets.T
        distances *= -2
        distances += squares
        distances += (rows**2).sum(1)[:, None]
        own = np.arange(len(rows))
        distances[own, start + own] = np.inf
        found.append(_nearest(distances, start, radius**2, most))
    first, second, square = (np.concatenate(column) for column in zip(*found, strict=True))
    distance = np.sqrt(np.maximum(square, 0)).astype(np.float32)
    return Candidates(first, second, np.full(len(first), zoom, dtype=np.int64), distance)


def _nearest(distances: Float32Array, start: int, limit: float, most: int) -> tuple[IntArray, IntArray, Float32Array]:
    """Return rows, columns and values below the limit, at most `most` per row."""
    inside = distances <= limit
    crowded = np.flatnonzero(inside.sum(1) > most)
    if len(crowded):
        kept = np.argpartition(distances[crowded], most - 1, axis=1)[:, :most]
        inside[crowded] = False
        inside[crowded[:, None], kept] = True
    rows, columns = np.nonzero(inside)
    return rows + start, columns, distances[rows, columns]
