"""A CSV list of pictures: ``path,label[,group,source,split]``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.forms.base import GROUP_COLUMNS, Entry, Labelling
from smearlab.errors import DataError, UnreadableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smearlab.data.forms.base import Content

_COLUMNS = ("path", "label", "split", *GROUP_COLUMNS)
_HEADER = "path,label[,group,source,split]"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CsvForm:
    """Pictures listed in a table with a header; paths are relative to the table's folder.

    The separator may be a comma, semicolon or tab. Columns that are not known are ignored, unless they look like a
    misspelt one.

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
        pictures = [(row["path"], self._locate(row["path"])) for row in self._rows if row["path"]]
        return [(self.path.name, self.path), *pictures]

    def labelling(self) -> Labelling:
        """Say that the column of labels is missing, if so."""
        header = list(self._rows[0])
        if "label" in header:
            return Labelling()
        hint = did_you_mean("label", header)
        found = ", ".join(header)
        return Labelling(fault=f"{self.path} has no column 'label', only {found}.{hint} Wanted: {_HEADER}")

    def entries(self) -> Iterator[Entry]:
        """List the pictures in the order of the table."""
        for number, row in enumerate(self._rows):
            group = next((row[column] for column in GROUP_COLUMNS if column in row), "")
            source = row["path"] or f"{self.path.name}#{number}"
            content: Content = self._locate(row["path"]) if row["path"] else UnreadableError("the path is empty")
            yield Entry(number, source, content, row.get("label") or None, group, row.get("split", ""))

    @cached_property
    def _rows(self) -> list[dict[str, str]]:
        lines = _text(self.path).splitlines()
        header_line = next((line for line in lines if line.strip()), "")
        delimiter = max(",;\t", key=header_line.count)
        table = [row for row in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in row)]
        if len(table) < 2:
            raise DataError(f"{self.path} lists no pictures. Give a header and one line per picture: {_HEADER}")
        header = [cell.strip().lower() for cell in table[0]]
        self._check_header(header)
        empty = [""] * len(header)
        return [dict(zip(header, [cell.strip() for cell in row] + empty, strict=False)) for row in table[1:]]

    def _check_header(self, header: list[str]) -> None:
        if "path" not in header:
            hint = did_you_mean("path", header)
            raise DataError(f"{self.path} has no column 'path' in its first line.{hint} Wanted: {_HEADER}")
        for column in header:
            close = get_close_matches(column, _COLUMNS, n=1, cutoff=0.8)
            if close and column not in _COLUMNS and close[0] not in header and close[0] != "label":
                hint = did_you_mean(column, close)
                raise DataError(f"{self.path} has an unknown column '{column}'.{hint} Wanted: {_HEADER}")

    def _locate(self, written: str) -> Path:
        path = self.path.parent / written
        # Lists made on Windows separate folders by backslashes.
        return path if "\\" not in written or path.exists() else self.path.parent / written.replace("\\", "/")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        # Excel marks its text with a byte order mark, and its "Unicode text" is UTF-16.
        return data.decode("utf-16" if data[:2] in _UTF16_MARKS else "utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text (byte {error.start}). Save it again as 'CSV UTF-8'."
        raise DataError(message) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
