"""The table of findings as a file: ``row,source,kind,score,partner,suggestion``."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from smearlab.audit.findings import COLUMNS, KINDS, Finding, Findings
from smearlab.data.atomic import write_text
from smearlab.data.plaintable import read_table
from smearlab.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def write_findings(path: Path, findings: Findings) -> None:
    """Write ``findings.csv``, one line per finding, atomically; scores have four decimals."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in findings:
        partner = "" if one.partner is None else one.partner
        writer.writerow([one.row, one.source, one.kind, f"{one.score:.4f}", partner, one.suggestion])
    write_text(path, buffer.getvalue())


def read_findings(path: Path) -> Findings:
    """Read what `write_findings` wrote; groups are not in the file.

    Raises:
        DataError: it cannot be read, or is no table of findings; the message names the line.
    """
    table = read_table(path)
    if not table or tuple(table[0][1]) != COLUMNS:
        raise DataError(f"{path} is no table of findings. Its first line must be: {','.join(COLUMNS)}")
    return Findings.of(_finding(line, cells, path) for line, cells in table[1:])


def _finding(line: int, cells: list[str], path: Path) -> Finding:
    try:
        row, source, kind, score, partner, suggestion = cells
        known = next(name for name in KINDS if name == kind)
        return Finding(int(row), source, known, float(score), int(partner) if partner else None, suggestion)
    except (ValueError, StopIteration):
        raise DataError(f"{path}, line {line}, is no finding: {','.join(cells)}") from None
