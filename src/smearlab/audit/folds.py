"""Folds for judging labels: every row is judged by models that saw neither its label nor any copy of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.allotment import Allotment, allot, fraction_targets
from smearlab.data.fingerprint import near_groups
from smearlab.data.groups import join_groupings, renumber
from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.data.cells import BoolArray, Cells, IntArray

FEWEST = 2


@dataclass(frozen=True, eq=False)
class Folds:
    """Which row is judged in which fold, and which rows may teach.

    Attributes:
        numbers: ``int64 (n,)`` fold of each row, from 0.
        count: how many folds there are.
        teaches: ``bool (n,)`` rows that may be learnt from; junk may not.
    """

    numbers: IntArray
    count: int
    teaches: BoolArray

    def __iter__(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield for each fold the positions to learn from and the positions to judge, both sorted."""
        for fold in range(self.count):
            judged = self.numbers == fold
            yield np.flatnonzero(self.teaches & ~judged), np.flatnonzero(judged)


def check_count(count: int) -> None:
    """Refuse too few folds.

    Raises:
        DataError: fewer than two.
    """
    if count < FEWEST:
        raise DataError(f"Judging labels takes at least {FEWEST} folds, but {count} was asked for.")


def make_folds(
    cells: Cells, count: int, seed: int, *, groups: IntArray | None = None, excluded: BoolArray | None = None
) -> Folds:
    """Share out cells among folds, by class, with every group of copies whole in one of them.

    Args:
        cells: labelled pictures.
        count: of folds, at least 2.
        seed: of the random draws.
        groups: ``int64 (n,)`` group of each row by exact and near copies; computed where it is None. Groups that the
            data brings (patients, slides) are no copies: a label's neighbours on the same slide may well judge it.
        excluded: ``bool (n,)`` rows that nothing should be learnt from. They are judged all the same, by models that
            saw no copy of them.

    Raises:
        DataError: fewer than two folds, or too few pictures for so many.
    """
    labels = cells.known_labels
    teaches = np.ones(len(labels), dtype=np.bool_) if excluded is None else ~excluded
    units = renumber(join_groupings([near_groups(cells) if groups is None else groups]))
    taught = np.unique(units[teaches])
    check_count(count)
    if len(taught) < count:
        raise DataError(
            f"{cells.name} has {len(taught)} different pictures to learn from, too few for {count} folds. Give more "
            "pictures, or ask for fewer folds."
        )
    of_unit = np.random.default_rng(seed).integers(0, count, int(units.max()) + 1)
    of_unit[units[teaches]] = _allotted(labels[teaches], units[teaches], count, seed)
    return Folds(of_unit[units].astype(np.int64), count, teaches)


def _allotted(labels: IntArray, units: IntArray, count: int, seed: int) -> IntArray:
    counts = np.bincount(labels)
    targets = fraction_targets(counts, np.full(count, 1 / count), np.zeros(len(counts), dtype=np.bool_))
    allotted = allot(Allotment(labels, units, targets, np.zeros(len(labels), dtype=np.bool_), seed))
    return allotted % count  # a large group that fits no target, -1, goes to the last fold
