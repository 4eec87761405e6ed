"""Exact and near copies among cell pictures.

Exact copies have the same decoded pixels, whatever file they come from. Near copies show the same cell after
re-encoding, a small shift or cut, a change of brightness, mirroring, turning or resizing. They are found in three
steps, each narrower and dearer than the one before: the nearest signature vectors (`neighbours`), the ring phases that
agree under some turn (`alignment.turn_pairs`), and the texture of the aligned pictures (`alignment.align_pairs`).
`search` repeats them for whatever was joined, so that many copies of one picture end up in one group.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import numpy as np

from smearlab.data.groups import join_pairs, renumber
from smearlab.data.progress import progress
from smearlab.data.search import NearPairs, find_near_pairs
from smearlab.data.signatures import sign_pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from smearlab.data.cells import BoolArray, Cells, IntArray

DuplicateKind = Literal["exact_duplicate", "conflicting_duplicate", "near_duplicate"]

NEAR_THRESHOLD = 0.91
"""Correlation from which two pictures count as near copies.

Among 13,673 real cells no two different ones reach it; of 300 copies each that were re-encoded, shifted by up to 6 px,
brightened, mirrored, turned or resized, at least 98.7 % do, of those cut to 90 % at least 97.3 %.
"""
_LEAST_CONTRAST = 2.0  # grey levels; a blank picture resembles every other blank picture


@dataclass(frozen=True)
class DuplicatePair:
    """Two pictures that show the same thing.

    Attributes:
        row: position in the `Cells` of the later picture.
        partner: position of another member of the same group.
        kind: same pixels and label, same pixels with another label, or nearly the same picture.
        score: 1 for the same pixels, else the correlation of the aligned pictures, on 0 to 1.
    """

    row: int
    partner: int
    kind: DuplicateKind
    score: float


@dataclass(frozen=True, eq=False)
class Duplicates:
    """All copies in a collection.

    Attributes:
        exact: ``int64 (N,)`` group of each picture by its pixels: the position of the group's first member.
        near: ``int64 (N,)`` group of each picture by exact and near copies, joined transitively.
        pairs: one pair for each member after the first of an exact group, and the near pairs that were verified.
    """

    exact: IntArray
    near: IntArray
    pairs: tuple[DuplicatePair, ...]


def exact_groups(cells: Cells) -> IntArray:
    """Group pictures with the same decoded pixels: ``int64 (N,)``, the position of the first one like each."""
    return _exact_groups(cells, lambda steps: None)


def _exact_groups(cells: Cells, advance: Callable[[int], None]) -> IntArray:
    first: dict[bytes, int] = {}
    groups = np.empty(len(cells), dtype=np.int64)
    for position, picture in enumerate(cells):
        digest = sha256(repr(picture.shape).encode(), usedforsecurity=False)
        digest.update(np.ascontiguousarray(picture).data)
        groups[position] = first.setdefault(digest.digest(), position)
        advance(1)
    return groups


def near_groups(cells: Cells, threshold: float = NEAR_THRESHOLD) -> IntArray:
    """Group exact and near copies: ``int64 (N,)``, the position of each group's first member.

    Args:
        cells: the pictures, of any and mixed sizes.
        threshold: correlation on 0 to 1 from which two aligned pictures count as the same cell.
    """
    return find_duplicates(cells, threshold).near


def duplicate_pairs(cells: Cells, threshold: float = NEAR_THRESHOLD) -> list[DuplicatePair]:
    """List the pairs of copies; a picture copied a thousand times gives a thousand pairs, not half a million."""
    return list(find_duplicates(cells, threshold).pairs)


def find_duplicates(cells: Cells, threshold: float = NEAR_THRESHOLD) -> Duplicates:
    """Find exact and near copies in one pass over the pictures; see `near_groups` for the arguments."""
    with progress("Looking for copies", 3 * len(cells)) as advance:
        exact = _exact_groups(cells, advance)
        first, second, scores = _near_pairs(cells, np.unique(exact), threshold, advance)
    near = join_pairs(len(cells), np.concatenate([np.arange(len(cells)), first]), np.concatenate([exact, second]))
    pairs = _exact_pairs(cells, exact)
    pairs += [
        DuplicatePair(int(max(one, two)), int(min(one, two)), "near_duplicate", float(score))
        for one, two, score in zip(first, second, scores, strict=True)
    ]
    return Duplicates(exact, near, tuple(sorted(pairs, key=lambda pair: (pair.row, pair.partner))))


def conflicting_rows(cells: Cells, exact: IntArray) -> BoolArray:
    """Mark the pictures ``bool (N,)`` whose very pixels also stand under another label."""
    if cells.labels is None:
        return np.zeros(len(cells), dtype=np.bool_)
    groups = renumber(exact)
    labels_seen = np.unique(np.stack([groups, cells.labels], axis=1), axis=0)[:, 0]
    return np.asarray(np.bincount(labels_seen, minlength=len(cells))[groups] > 1)


def _exact_pairs(cells: Cells, exact: IntArray) -> list[DuplicatePair]:
    pairs = []
    for row in np.flatnonzero(exact != np.arange(len(exact))):
        partner = int(exact[row])
        differ = cells.labels is not None and cells.labels[row] != cells.labels[partner]
        pairs.append(DuplicatePair(int(row), partner, "conflicting_duplicate" if differ else "exact_duplicate", 1.0))
    return pairs


def _near_pairs(cells: Cells, positions: IntArray, threshold: float, advance: Callable[[int], None]) -> NearPairs:
    """Return verified pairs of positions, each once, with the score of its best zoom."""
    if len(positions) < 2:
        nothing = np.zeros(0, dtype=np.int64)
        return NearPairs(nothing, nothing, nothing.astype(np.float32))
    signatures = sign_pictures(cells.images, positions, advance)
    telling = np.flatnonzero(signatures.contrast >= _LEAST_CONTRAST)
    signatures, positions = signatures.take(telling), positions[telling]
    found = find_near_pairs(signatures, threshold, advance)
    ends = np.sort(np.stack([positions[found.first], positions[found.second]], axis=1), axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0], -found.score))
    _, kept = np.unique(ends[order], axis=0, return_index=True)
    kept = order[kept]
    return NearPairs(ends[kept, 0], ends[kept, 1], found.score[kept])
