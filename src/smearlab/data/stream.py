"""Pictures one after another in constant memory, for prediction."""

from __future__ import annotations

import glob
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.forms.base import Entry
from smearlab.data.forms.opening import is_container, open_form
from smearlab.data.loading import load_all
from smearlab.data.paths import expanded, is_possible
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


def stream_pictures(pictures: str | Path | Sequence[str | Path], spare: Path | None = None) -> Iterator[Picture]:
    """Read pictures in any form, exactly one per row and in order; labels are ignored.

    Args:
        pictures: anything that `smearlab.data.read.read` takes; a picture; a glob; a folder of pictures, with class
            folders or without; ``-`` for a list of paths on standard input, one a line; or several of these, whose
            rows follow each other. A file that is missing from a list is a row with an error.
        spare: a file that is to be written and must therefore not be one of those that are read.

    Yields:
        One `Picture` per row. Only a few are decoded ahead, so memory does not grow with their number.

    Raises:
        DataError: there is no such data, it is in no known form, it is damaged as a whole, or `spare` belongs to it.
        MissingExtraError: a Parquet file is given and pyarrow is not installed.
    """
    entries = _entries(pictures)
    if spare is not None and spare.exists():
        _refuse_to_destroy(spare, _files_of(pictures))
        entries = _sparing(entries, spare)
    for row, (entry, picture) in enumerate(load_all(entries)):
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
        raise DataError(
            "Standard input names no pictures. Give one path a line: ls *.png | smearlab predict - --out cells.csv"
        )


def _from_several(pictures: Sequence[str | Path]) -> Iterator[Entry]:
    if not pictures:
        raise DataError("No pictures are given. Name a picture, a folder, or one of the other forms of data.")
    for item in pictures:
        path = expanded(item)
        if not _is_form(item):
            yield Entry(0, str(item), path)
            continue
        # Two folders may hold files of the same name.
        prefix = f"{path.resolve().name}/" if path.is_dir() else ""
        for entry in _from_form(item):
            yield replace(entry, source=prefix + entry.source)


def _is_form(item: str | Path) -> bool:
    """Tell whether `open_form` decides on one of several inputs; anything else is the path of a picture."""
    return (
        not str(item).strip()
        or is_container(item)
        or (glob.has_magic(str(item)) and is_possible(item) and not expanded(item).exists())
    )


def _files_of(pictures: str | Path | Sequence[str | Path]) -> Iterator[Path]:
    """Name every file that will be read, but for those that standard input names."""
    for item in [pictures] if isinstance(pictures, (str, Path)) else pictures:
        if _is_form(item) and str(item) != "demo":
            yield from (path for _, path in open_form(item).files())
        elif str(item) not in {"demo", "-"}:
            yield expanded(item)


def _sparing(entries: Iterable[Entry], spare: Path) -> Iterator[Entry]:
    """Check what cannot be known beforehand: the paths on standard input."""
    for entry in entries:
        if isinstance(entry.content, Path):
            _refuse_to_destroy(spare, [entry.content])
        yield entry


def _refuse_to_destroy(spare: Path, files: Iterable[Path]) -> None:
    known = spare.stat()
    for path in files:
        try:
            same = os.path.samestat(path.stat(), known)
        except (OSError, ValueError):  # what cannot be read cannot be the same; its row says why
            continue
        if same:
            raise DataError(f"{spare} is among the files to predict; writing there would destroy it. Choose another.")
