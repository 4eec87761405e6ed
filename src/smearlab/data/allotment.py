"""Sharing out pictures among the parts of a split: exact counts per class, groups kept whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.groups import renumber

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Allotment:
    """What to share out.

    Attributes:
        labels: ``int64 (N,)`` classes.
        units: ``int64 (N,)`` ids of pictures that must stay together.
        targets: ``int64 (parts, classes)`` pictures wanted; what is over goes to no part.
        kept: ``bool (N,)`` pictures whose whole unit goes to the first part.
        seed: of the random draws.
    """

    labels: IntArray
    units: IntArray
    targets: IntArray
    kept: BoolArray
    seed: int


def fraction_targets(counts: IntArray, shares: FloatArray, rare: BoolArray) -> IntArray:
    """Round shares of each class to whole pictures by largest remainder, none of the parts asked for left empty.

    Args:
        counts: ``int64 (classes,)``.
        shares: ``float64 (parts,)`` adding up to 1 at most.
        rare: ``bool (classes,)`` classes that go to the first part whole.

    Returns:
        ``int64 (parts, classes)``.
    """
    targets = np.stack([_round_shares(int(count), shares) for count in counts], axis=1)
    targets[:, rare] = 0
    targets[0, rare] = counts[rare]
    return targets


def balanced_targets(counts: IntArray, shares: FloatArray, rare: BoolArray) -> IntArray:
    """Ask for the same number of test pictures (last part) from every class, about the test share in all.

    No class gives more than half of its pictures; the other parts share the rest in proportion.
    """
    tested = (counts > 0) & ~rare
    if not tested.any():
        return fraction_targets(counts, shares, rare)
    wanted = round(shares[-1] * counts.sum() / tested.sum())
    each = max(1, min(wanted, int(counts[tested].min()) // 2))
    rest = np.where(tested, counts - each, counts)
    targets = np.concatenate(
        [fraction_targets(rest, shares[:-1] / (1 - shares[-1]), rare), np.zeros((1, len(counts)), np.int64)]
    )
    targets[-1, tested] = each
    return targets


def _round_shares(count: int, shares: FloatArray) -> IntArray:
    """Share out `count` pictures; leftover of the shares stays out."""
    ideal = count * shares
    total = round(float(ideal.sum()))
    whole = np.floor(ideal + 1e-9).astype(np.int64)
    order = np.argsort(-(ideal - whole), kind="stable")
    whole[order[: total - whole.sum()]] += 1
    asked = shares > 0
    while count >= asked.sum() and (whole[asked] == 0).any():
        whole[np.flatnonzero(asked & (whole == 0))[0]] += 1
        if whole.sum() > max(total, int(asked.sum())) or whole.sum() > count:
            whole[whole.argmax()] -= 1
    return whole


def allot(order: Allotment) -> IntArray:
    """Give every picture a part, ``int64 (N,)``; -1 for those over and above the targets.

    Units of several pictures are placed first, the largest before the smaller ones, each where it fits the targets
    best; single pictures then fill each class up to its exact count.
    """
    rng = np.random.default_rng(order.seed)
    units = renumber(order.units)
    sizes = np.bincount(units)
    kept = np.zeros(len(sizes), dtype=np.bool_)
    kept[units[order.kept]] = True
    need, unit_part = _needs(order), np.full(len(sizes), -2, dtype=np.int64)
    need[0] -= np.bincount(order.labels[kept[units]], minlength=need.shape[1])
    unit_part[kept] = 0
    several = np.flatnonzero((sizes > 1) & ~kept)
    several = several[np.lexsort((rng.random(len(several)), -sizes[several]))]
    _place_units(unit_part, several, _unit_classes(order.labels, units, several, need.shape[1]), need)
    single = (sizes == 1)[units] & ~kept[units]
    unit_part[units[single]] = _place_singles(order.labels[single], need, rng)
    _fill_empty(unit_part, sizes, kept, order.targets.sum(1) > 0)
    unit_part[unit_part == len(order.targets)] = -1
    return unit_part[units]


def _needs(order: Allotment) -> FloatArray:
    """Return the targets with one more row for the pictures that no part wants: ``float64 (parts + 1, classes)``."""
    counts = np.bincount(order.labels, minlength=order.targets.shape[1])
    return np.vstack([order.targets, counts - order.targets.sum(0)]).astype(np.float64)


def _unit_classes(labels: IntArray, units: IntArray, chosen: IntArray, classes: int) -> FloatArray:
    """Count the pictures of each class in the chosen units: ``float64 (chosen, classes)``."""
    place = np.full(units.max(initial=0) + 1, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    inside = place[units] >= 0
    table = np.zeros((len(chosen), classes))
    np.add.at(table, (place[units[inside]], labels[inside]), 1)
    return table


def _place_units(unit_part: IntArray, chosen: IntArray, members: FloatArray, need: FloatArray) -> None:
    """Put each unit where the squared distance to the targets falls most; rare classes weigh as much as common ones."""
    weight = 1 / np.maximum(members.sum(0) + np.maximum(need, 0).sum(0), 1)
    for unit, classes in zip(chosen, members, strict=True):
        gain = ((2 * need - classes) * classes * weight).sum(1)
        part = int(gain.argmax())
        unit_part[unit] = part
        need[part] -= classes


def _place_singles(labels: IntArray, need: FloatArray, rng: np.random.Generator) -> IntArray:
    """Fill each class up to its exact count in a random order."""
    parts = np.empty(len(labels), dtype=np.int64)
    for label in range(need.shape[1]):
        members = rng.permutation(np.flatnonzero(labels == label))
        quota = np.maximum(need[:, label], 0).astype(np.int64)
        while quota.sum() > len(members):  # units overshot elsewhere; the largest part bears it
            quota[quota.argmax()] -= 1
        parts[members] = np.repeat(np.arange(len(quota)), quota)
    return parts


def _fill_empty(unit_part: IntArray, sizes: IntArray, kept: BoolArray, wanted: BoolArray) -> None:
    """Give a part that got nothing the smallest unit of the part with the most units."""
    for part in np.flatnonzero(wanted):
        units_of = np.bincount(unit_part[unit_part >= 0], minlength=len(wanted) + 1)
        if units_of[part]:
            continue
        donor = units_of.argmax()
        movable = np.flatnonzero((unit_part == donor) & ~kept)
        if units_of[donor] > 1 and len(movable):
            unit_part[movable[sizes[movable].argmin()]] = part


def trim_to_balance(parts: IntArray, labels: IntArray, classes: BoolArray, seed: int) -> tuple[IntArray, int]:
    """Leave out test pictures (part 2) until every one of these classes has as many as the smallest.

    Groups of several pictures may overshoot a class's count; the surplus goes to no part.

    Returns:
        The parts and the number of pictures left out.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(labels[parts == 2], minlength=len(classes))
    each = counts[classes].min(initial=len(labels)) if classes.any() else 0
    trimmed = parts.copy()
    for label in np.flatnonzero(classes & (counts > each) & (each > 0)):
        members = rng.permutation(np.flatnonzero((parts == 2) & (labels == label)))
        trimmed[members[each:]] = -1
    return trimmed, int((parts != trimmed).sum())
