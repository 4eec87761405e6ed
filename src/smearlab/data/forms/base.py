"""What every form of data offers to `read` and `stream`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from smearlab.data.cells import UInt8Array
from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Content: TypeAlias = bytes | Path | UInt8Array | UnreadableError
"""An encoded picture, the file that holds one, ready pixels ``uint8 (h, w, 3)``, or why there is none."""

RawLabel: TypeAlias = str | int | float | None
"""A label as the data gives it, not checked yet; None where there is none."""

GROUP_COLUMNS = ("group", "patient", "patient_id", "slide", "slide_id", "source")
"""Columns that say which pictures belong together; the first that is there is taken."""

UNLABELLED_HINT = "Put the pictures in one folder per class, or give a CSV of path,label."


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a listing, not decoded.

    Attributes:
        row: 0-based position in the source.
        source: relative path, or ``file.npz#12``.
        content: where the pixels come from.
        label: as the data gives it.
        group: patient, slide or source id, or empty.
        part: the split as the data names it, or empty.
    """

    row: int
    source: str
    content: Content
    label: RawLabel = None
    group: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Labelling:
    """What the labels of a form mean.

    Attributes:
        declared: the class names that integer labels index, where the data gives them.
        fault: why the labels cannot be used, or empty. Only a reader that wants labels raises it.
    """

    declared: tuple[str, ...] | None = None
    fault: str = ""


class Form(Protocol):
    """A collection of pictures in one of the forms. Opening one reads nothing but names."""

    @property
    def name(self) -> str:
        """A short name for reports: the file's stem or the folder's name."""

    def files(self) -> Sequence[tuple[str, Path]]:
        """Every file whose content decides the result, each with its relative name, in a fixed order."""

    def labelling(self) -> Labelling:
        """What the labels of the entries mean."""

    def entries(self) -> Iterator[Entry]:
        """The pictures one after another, in the order of their rows, in constant memory."""


def name_some(things: Sequence[object], limit: int = 5) -> str:
    """Write out the first few of many: ``3, 9, 12 and 40 more``."""
    text = ", ".join(str(thing) for thing in things[:limit])
    return text if len(things) <= limit else f"{text} and {len(things) - limit:,} more"


def name_rows(rows: Sequence[int]) -> str:
    """Write out row numbers: ``row 3`` or ``rows 3, 9 and 12 more``."""
    return f"row {rows[0]}" if len(rows) == 1 else f"rows {name_some(rows)}"
