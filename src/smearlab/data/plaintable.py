"""Reading tables of text as people and spreadsheets write them: any usual separator, encoding and line ending."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from smearlab.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_table(path: Path) -> list[tuple[int, list[str]]]:
    """Read the filled lines of a table, cells stripped of spaces around them.

    The separator may be a comma, semicolon or tab. Lines without any character are left out, and so are lines of empty
    cells at the beginning and at the end, where spreadsheets leave them.

    Args:
        path: a text file in UTF-8 or, as Excel's "Unicode text", UTF-16.

    Returns:
        The number of each line, counted from 1 as editors do, and its cells; the first is the header.

    Raises:
        DataError: it cannot be read, or is no such text.
    """
    # Line ends stay with their lines, for one within quotes belongs to its cell.
    lines = io.StringIO(_text(path), newline="")
    header_line = next((line for line in lines if line.strip()), "")
    lines.seek(0)
    reader = csv.reader(lines, delimiter=max(",;\t", key=header_line.count))
    try:
        table = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if "".join(row).strip() or len(row) > 1
        ]
    except csv.Error as error:
        raise DataError(f"{path} is no table of text (line {reader.line_num}: {error}).") from error
    filled = [number for number, (_, cells) in enumerate(table) if any(cells)]
    return table[filled[0] : filled[-1] + 1] if filled else []


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
