"""The findings of an audit: one row per defect, and the file they are written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["exact_duplicate", "conflicting_duplicate", "near_duplicate", "off_topic", "unreadable", "label_error"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind of defect, in the order of a report."""
DUPLICATES: tuple[Kind, ...] = ("exact_duplicate", "conflicting_duplicate", "near_duplicate")
COLUMNS = ("row", "source", "kind", "score", "partner", "suggestion")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one picture.

    Attributes:
        row: 0-based position of the picture in the source before anything was skipped.
        source: the file's name or the row's description.
        kind: of the defect.
        score: how certain it is, in [0, 1].
        partner: row of another member of a group of copies; None where there is no partner.
        suggestion: what to do, in a few words: ``keep (first of 3 copies)``, ``drop``, ``relabel: monocyte``,
            ``review``.
        group: number of the group of copies, the row of its first member; None where there is no group.
    """

    row: int
    source: str
    kind: Kind
    score: float
    partner: int | None = None
    suggestion: str = "review"
    group: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score of {self.score} for row {self.row} lies outside 0 to 1")


@dataclass(frozen=True)
class Findings:
    """All defects of a collection, in the order of rows, then of `KINDS`."""

    items: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, items: Iterable[Finding]) -> Findings:
        """Sort findings; the best of several of one row and kind is kept."""
        best: dict[tuple[int, Kind], Finding] = {}
        for item in items:
            known = best.get((item.row, item.kind))
            if known is None or item.score > known.score:
                best[item.row, item.kind] = item
        return cls(tuple(sorted(best.values(), key=lambda item: (item.row, KINDS.index(item.kind)))))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def of_kind(self, *kinds: Kind) -> tuple[Finding, ...]:
        """Return the findings of these kinds."""
        return tuple(item for item in self.items if item.kind in kinds)

    def rows(self, *kinds: Kind) -> frozenset[int]:
        """Return the rows that have a finding of these kinds (of any kind, where none is given)."""
        return frozenset(item.row for item in self.items if not kinds or item.kind in kinds)
