"""Writing predictions row by row, as CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from smearlab.data.atomic import atomic_path
from smearlab.errors import DataError, MissingExtraError

Row: TypeAlias = dict[str, Any]
"""One line: ``row`` int, ``source``, ``label``, ``error`` str, ``is_cell`` bool, the numbers float or None."""
WriteRows: TypeAlias = Callable[[list[Row]], None]

ROW_GROUP = 4096
"""Rows that a Parquet writer gathers before it writes them."""


def prediction_columns(class_names: tuple[str, ...], sets: bool = False) -> list[str]:
    """Return the columns of a predictions file, in order, with or without prediction sets."""
    chances = [f"p_{name}" for name in class_names]
    further = ["prediction_set"] if sets else []
    return ["row", "source", "label", "confidence", "is_cell", *chances, *further, "error"]


def check_suffix(path: Path) -> None:
    """Check that predictions can be written to a file of this name.

    Raises:
        DataError: the suffix is not one of those known.
        MissingExtraError: it is ``.parquet``, and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise DataError(f"Predictions cannot be written to {path}: its name must end in one of {known}.")
    if suffix == ".parquet":
        _pyarrow()


@contextmanager
def open_writer(path: Path, columns: list[str]) -> Iterator[WriteRows]:
    """Open a file for rows, in the format its suffix names; it appears whole when the block ends well.

    Yields:
        A function that appends rows; each row has exactly the keys of `columns`.

    Raises:
        DataError: the suffix is not one of those known.
        MissingExtraError: it is ``.parquet``, and pyarrow is not installed.
    """
    check_suffix(path)
    with atomic_path(path) as temporary, _WRITERS[path.suffix.lower()](temporary, columns) as write:
        yield write


@contextmanager
def _csv_writer(path: Path, columns: list[str]) -> Iterator[WriteRows]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda rows: writer.writerows([_csv_value(row[column]) for column in columns] for row in rows)


def _csv_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else str(value)


@contextmanager
def _jsonl_writer(path: Path, columns: list[str]) -> Iterator[WriteRows]:
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(rows: list[Row]) -> None:
            for row in rows:
                named = {column: _json_value(row[column]) for column in columns}
                file.write(json.dumps(named, ensure_ascii=False, allow_nan=False) + "\n")

        yield write


def _json_value(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


@contextmanager
def _parquet_writer(path: Path, columns: list[str]) -> Iterator[WriteRows]:
    pa, pq = _pyarrow()
    types = {
        "row": pa.int64(),
        "source": pa.string(),
        "label": pa.string(),
        "is_cell": pa.bool_(),
        "prediction_set": pa.string(),
        "error": pa.string(),
    }
    schema = pa.schema([(column, types.get(column, pa.float32())) for column in columns])
    waiting: list[Row] = []

    with pq.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write(rows: list[Row]) -> None:
            waiting.extend(rows)
            if len(waiting) >= ROW_GROUP:
                flush()

        yield write
        flush()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("parquet", "Writing .parquet") from None
    return pyarrow, pyarrow.parquet


_WRITERS = {".csv": _csv_writer, ".jsonl": _jsonl_writer, ".parquet": _parquet_writer}
