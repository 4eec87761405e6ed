"""A CSV list of pictures: ``path,label[,group,source,split]``."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from smearlab.data.decode import picture_suffixes
from smearlab.data.forms.base import GROUP_COLUMNS, Entry, Labelling, name_some
from smearlab.data.plaintable import read_table
from smearlab.errors import DataError, UnreadableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smearlab.data.forms.base import Content

_COLUMNS = ("path", "label", "split", *GROUP_COLUMNS)
_HEADER = "path,label[,group,source,split]"


@dataclass(frozen=True)
class CsvForm:
    """Pictures listed in a table with a header; paths are relative to the table's folder.

    The separator may be a comma, semicolon or tab. Columns that are not known are ignored, unless they look like a
    misspelt one. Each line below the header is a row, also one with empty cells only (``,``), whose path is then
    missing. Not rows are lines without any character, and at the end, where spreadsheets leave them, lines of empty
    cells.

    Attributes:
        path: the table.
    """

    path: Path

    @property
    def name(self) -> str:
        """The table's name without its suffix."""
        return self.path.stem

    def files(self) -> Sequence[tuple[str, Path]]:
        """Return the table and all pictures it lists."""
        pictures = [(row["path"], self._locate(row["path"])) for _, row in self._rows if row["path"]]
        return [(self.path.name, self.path), *pictures]

    def labelling(self) -> Labelling:
        """Say that the column of labels is missing, or in which lines a label is."""
        header = list(self._rows[0][1])
        if "label" in header:
            bare = [line for line, row in self._rows if not row["label"]]
            which = f"line {bare[0]}" if len(bare) == 1 else f"lines {name_some(bare)}"
            fault = f"There is no label in {which} of {self.path}. Fill it in, or remove what has none."
            return Labelling(fault=fault if bare else "")
        hint = did_you_mean("label", header)
        found = ", ".join(header)
        return Labelling(fault=f"{self.path} has no column 'label', only {found}.{hint} Wanted: {_HEADER}")

    @property
    def further(self) -> list[str]:
        """Names of the columns that are not read, in their order."""
        header = list(self._rows[0][1])
        read = ("path", "label", "split", next((column for column in GROUP_COLUMNS if column in header), ""))
        return [column for column in header if column and column not in read]

    def entries(self) -> Iterator[Entry]:
        """List the pictures in the order of the table."""
        for number, (_, row) in enumerate(self._rows):
            group = next((row[column] for column in GROUP_COLUMNS if column in row), "")
            source = row["path"] or f"{self.path.name}#{number}"
            content: Content = self._locate(row["path"]) if row["path"] else UnreadableError("no path")
            yield Entry(number, source, content, row.get("label") or None, group, row.get("split", ""))

    @cached_property
    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        """The line, counted from 1 as editors do, and the cells of each row."""
        table = read_table(self.path)
        if len(table) < 2:
            raise DataError(f"{self.path} lists no pictures. Give a header and one line per picture: {_HEADER}")
        header = [cell.lower() for cell in table[0][1]]
        self._check_header(header)
        empty = [""] * len(header)
        return [(line, dict(zip(header, cells + empty, strict=False))) for line, cells in table[1:]]

    def _check_header(self, header: list[str]) -> None:
        if "path" not in header:
            hint = did_you_mean("path", header) or _header_hint(header)
            found = name_some([f"'{column}'" for column in header], 9)
            raise DataError(
                f"{self.path} has no column 'path' in its first line, only {found}.{hint} Wanted: {_HEADER}"
            )
        for column in header:
            close = get_close_matches(column, _COLUMNS, n=1, cutoff=0.8)
            if close and column not in _COLUMNS and close[0] not in header and close[0] != "label":
                hint = did_you_mean(column, close)
                raise DataError(f"{self.path} has an unknown column '{column}'.{hint} Wanted: {_HEADER}")

    def _locate(self, written: str) -> Path:
        path = self.path.parent / written
        # Lists made on Windows separate folders by backslashes.
        return path if "\\" not in written or path.exists() else self.path.parent / written.replace("\\", "/")


def _header_hint(header: list[str]) -> str:
    """Say what is probably wrong with a first line that names no column we know."""
    if len(header) == 1 and any(word in header[0] for word in _COLUMNS):
        return " Columns must be separated by a comma, semicolon or tab."
    if any(PurePath(cell).suffix in picture_suffixes() for cell in header):
        return " The header is missing: the first line must name the columns."
    return ""
