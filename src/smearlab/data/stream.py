"""Pictures one after another in constant memory, for prediction."""

from __future__ import annotations

import glob
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.forms.base import Entry
from smearlab.data.forms.opening import is_container, open_form
from smearlab.data.loading import load_all
from smearlab.errors import DataError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smearlab.data.cells import UInt8Array


@dataclass(frozen=True, eq=False)
class Picture:
    """One row of the input.

    Attributes:
        row: 0-based position in the source.
        source: relative name of the file, or ``file.npz#12``.
        image: RGB pixels ``uint8 (h, w, 3)``, or None if the picture cannot be decoded.
        error: why there are no pixels, or empty.
    """

    row: int
    source: str
    image: UInt8Array | None
    error: str


def stream_pictures(pictures: str | Path | Sequence[str | Path]) -> Iterator[Picture]:
    """Read pictures in any form, exactly one per row and in order; labels are ignored.

    Args:
        pictures: anything that `smearlab.data.read.read` takes; a picture; a glob; a folder of pictures, with class
            folders or without; ``-`` for a list of paths on standard input, one a line; or several of these, whose
            rows follow each other. A file that is missing from a list is a row with an error.

    Yields:
        One `Picture` per row. Only a few are decoded ahead, so memory does not grow with their number.

    Raises:
        DataError: there is no such data, it is in no known form, or it is damaged as a whole.
        MissingExtraError: a Parquet file is given and pyarrow is not installed.
    """
    for row, (entry, picture) in enumerate(load_all(_entries(pictures))):
        if isinstance(picture, UnreadableError):
            yield Picture(row, entry.source, None, str(picture))
        else:
            yield Picture(row, entry.source, picture, "")


def _entries(pictures: str | Path | Sequence[str | Path]) -> Iterator[Entry]:
    if isinstance(pictures, (str, Path)):
        return _from_lines(sys.stdin) if str(pictures) == "-" else _from_form(pictures)
    if len(pictures) == 1:
        return _entries(pictures[0])
    return _from_several(pictures)


def _from_form(data: str | Path) -> Iterator[Entry]:
    if str(data) == "demo":
        from smearlab.data.demo import demo_cells  # draws with much code that no one else needs

        cells = demo_cells()
        for row, image in enumerate(cells):
            yield Entry(row, str(cells.sources[row]), image)
    else:
        yield from open_form(data).entries()


def _from_lines(lines: Iterable[str]) -> Iterator[Entry]:
    found = False
    for line in lines:
        if text := line.strip():
            found = True
            yield Entry(0, text, Path(text))
    if not found:
        raise DataError("Standard input names no pictures. Give one path a line: ls *.png | smearlab predict -")


def _from_several(pictures: Sequence[str | Path]) -> Iterator[Entry]:
    if not pictures:
        raise DataError("No pictures are given. Name a picture, a folder, or one of the other forms of data.")
    for item in pictures:
        path = Path(item).expanduser()
        if not (is_container(item) or (glob.has_magic(str(item)) and not path.exists())):
            yield Entry(0, str(item), path)
            continue
        # Two folders may hold files of the same name.
        prefix = f"{path.resolve().name}/" if path.is_dir() else ""
        for entry in _from_form(item):
            yield replace(entry, source=prefix + entry.source)
