"""Groups of pictures that belong together: joining pairs and numberings into connected components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from smearlab.data.cells import IntArray


def join_pairs(count: int, first: IntArray, second: IntArray) -> IntArray:
    """Join pairs transitively (union-find with path halving).

    Args:
        count: number of pictures.
        first: ``int64 (P,)`` positions.
        second: ``int64 (P,)`` positions.

    Returns:
        ``int64 (count,)``: the lowest position of each picture's group.
    """
    parent = list(range(count))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for one, two in zip(first.tolist(), second.tolist(), strict=True):
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    return np.array([root(position) for position in range(count)], dtype=np.int64)


def join_groupings(groupings: Sequence[NDArray[np.generic]]) -> IntArray:
    """Join several numberings of the same pictures: two pictures that share a group in any of them stay together.

    An empty string in a grouping of names means that the picture belongs to no group.
    """
    count = len(groupings[0])
    first, second = [], []
    for grouping in groupings:
        named = np.flatnonzero(grouping != "") if grouping.dtype.kind in "US" else np.arange(count)
        _, start, group = np.unique(grouping[named], return_index=True, return_inverse=True)
        first.append(named)
        second.append(named[start][group])
    return join_pairs(count, np.concatenate(first), np.concatenate(second))


def renumber(groups: NDArray[np.generic]) -> IntArray:
    """Number groups 0, 1, 2, … in sorted order of their ids."""
    numbers: IntArray = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return numbers
