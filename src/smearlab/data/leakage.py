"""Leakage check: does any picture, copy or group stand in more than one part of a split?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from smearlab.data.cells import SPLIT_PARTS
from smearlab.data.fingerprint import exact_groups, near_groups
from smearlab.data.groups import renumber

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import Cells, IntArray
    from smearlab.data.split import Split

LeakKind = Literal["row", "exact", "near", "group"]
_WORDS: dict[LeakKind, tuple[str, str]] = {
    "row": ("picture", "pictures"),
    "exact": ("exact copy", "exact copies"),
    "near": ("near copy", "near copies"),
    "group": ("picture of a shared group", "pictures of shared groups"),
}
_EXAMPLES = 200


class Leak(BaseModel):
    """One picture that stands on the other side of a border than another one of its group.

    Attributes:
        kind: ``row`` (the same position twice), ``exact``, ``near`` or ``group`` (patient, slide, source).
        row: position in the `Cells`.
        partner: position of a picture of the same group in `partner_part`.
        part: where `row` stands.
        partner_part: the other part.
        source_rows: both pictures' rows in the source, as messages name them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: LeakKind
    row: int
    partner: int
    part: str
    partner_part: str
    source_rows: tuple[int, int]


class LeakageReport(BaseModel):
    """What the leakage check found.

    Attributes:
        checked: number of pictures in the parts.
        counts: number of leaking pictures for each kind; a picture counts once, under the first kind that fits.
        leaks: examples, at most 200 of each kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked: int
    counts: dict[LeakKind, int]
    leaks: tuple[Leak, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing crosses a border."""
        return not any(self.counts.values())

    def summary(self) -> str:
        """Say in words what was found."""
        if self.ok:
            return f"No picture, near copy or group crosses a border ({self.checked:,} pictures checked)."
        return "; ".join(self._sentence(kind) for kind, count in self.counts.items() if count) + "."

    def _sentence(self, kind: LeakKind) -> str:
        count = self.counts[kind]
        example = next(leak for leak in self.leaks if leak.kind == kind)
        parts = {(leak.part, leak.partner_part) for leak in self.leaks if leak.kind == kind}
        here, there = next(iter(parts)) if len(parts) == 1 else ("one part", "another part")
        verb = "is" if count == 1 else "are"
        rows = f"e.g. rows {example.source_rows[0]} and {example.source_rows[1]}"
        return f"{count:,} {_WORDS[kind][count != 1]} in {here} {verb} also in {there}, {rows}"


def check_leakage(cells: Cells, split: Split, near: IntArray | None = None) -> LeakageReport:
    """Look for pictures, exact copies, near copies and groups that stand in more than one part.

    Args:
        cells: the pictures the split's positions point into.
        split: train, validation and test positions.
        near: ``int64 (N,)`` near-copy groups if they are known; computed otherwise.
    """
    return check_groups(cells, split, exact_groups(cells), near_groups(cells) if near is None else near)


def check_groups(cells: Cells, split: Split, exact: IntArray, near: IntArray) -> LeakageReport:
    """Do the same as `check_leakage` with the groups of exact and near copies at hand, both ``int64 (N,)``."""
    parts = (split.train, split.validation, split.test)
    positions = np.concatenate(parts)
    part = np.repeat(np.arange(3), [len(members) for members in parts])
    kinds: list[tuple[LeakKind, NDArray[np.generic]]] = [
        ("row", np.arange(len(cells))),
        ("exact", exact),
        ("near", near),
    ]
    if cells.groups is not None:
        alone = np.array([f"\0{position}" for position in range(len(cells))])
        kinds.append(("group", np.where(cells.groups == "", alone, cells.groups)))
    counts: dict[LeakKind, int] = {}
    leaks: list[Leak] = []
    told = np.zeros(len(positions), dtype=np.bool_)
    for kind, groups in kinds:
        places, homes = _strangers(renumber(groups[positions]), part)
        new = ~told[places]
        places, homes = places[new], homes[new]
        told[places] = True
        counts[kind] = len(places)
        for place, home in list(zip(places.tolist(), homes.tolist(), strict=True))[:_EXAMPLES]:
            leaks.append(_leak(cells, kind, positions[[place, home]], part[[place, home]]))
    return LeakageReport(checked=len(positions), counts=counts, leaks=tuple(leaks))


def _strangers(groups: IntArray, part: IntArray) -> tuple[IntArray, IntArray]:
    """Return the places whose group began in an earlier part, and the place of that group's first member."""
    order = np.lexsort((part, groups))
    first = order[np.searchsorted(groups[order], groups)]
    places = np.flatnonzero(part != part[first])
    return places, first[places]


def _leak(cells: Cells, kind: LeakKind, pair: IntArray, part: IntArray) -> Leak:
    return Leak(
        kind=kind,
        row=int(pair[0]),
        partner=int(pair[1]),
        part=SPLIT_PARTS[part[0]],
        partner_part=SPLIT_PARTS[part[1]],
        source_rows=(int(cells.rows[pair[0]]), int(cells.rows[pair[1]])),
    )
