from __future__ import annotations

import builtins
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from smearlab.errors import DataError, MissingExtraError
from smearlab.inference import writer as writer_module
from smearlab.inference.writer import Row, check_suffix, open_writer, prediction_columns

COLUMNS = prediction_columns(("red", "blue"))
NASTY = '=cmd|"x",\t日本/é.png'


def row(number: int, **changes: object) -> Row:
    found: Row = {"row": number, "source": f"{number}.png", "label": "red", "confidence": 0.75, "is_cell": True}
    return found | {"p_red": 0.75, "p_blue": 0.25, "error": ""} | changes


def unreadable(number: int) -> Row:
    nothing = {"label": "", "confidence": None, "is_cell": False, "p_red": None, "p_blue": None}
    return row(number, **nothing, error="truncated, at byte 7")


def write(path: Path, *batches: list[Row]) -> Path:
    with open_writer(path, COLUMNS) as append:
        for batch in batches:
            append(batch)
    return path


def test_columns_are_in_the_order_users_rely_on() -> None:
    assert ",".join(COLUMNS) == "row,source,label,confidence,is_cell,p_red,p_blue,error"


def test_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "out.csv", [row(0, source=NASTY, is_cell=False)], [unreadable(1)])
    with path.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == COLUMNS
    assert (first["source"], first["is_cell"], first["confidence"]) == (NASTY, "false", "0.750000")
    assert list(second.values()) == ["1", "1.png", "", "", "false", "", "", "truncated, at byte 7"]


def test_jsonl(tmp_path: Path) -> None:
    path = write(tmp_path / "out.jsonl", [row(0, source=NASTY)], [unreadable(1)])
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == row(0, source=NASTY)
    assert second == unreadable(1)
    assert list(first) == COLUMNS


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet is an extra")
    monkeypatch.setattr(writer_module, "ROW_GROUP", 3)
    path = write(tmp_path / "out.parquet", [row(0), row(1)], [unreadable(2), row(3)], [row(4)])
    table = pq.read_table(path)
    assert table.column_names == COLUMNS
    assert table.to_pylist() == [row(0), row(1), unreadable(2), row(3), row(4)]
    assert str(table.schema.field("is_cell").type) == "bool"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_no_rows_give_a_readable_file(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"out{suffix}")
    if suffix == ".parquet":
        pq = pytest.importorskip("pyarrow.parquet", reason="Parquet is an extra")
        assert pq.read_table(path).num_rows == 0
    else:
        assert path.read_text().splitlines() == ([",".join(COLUMNS)] if suffix == ".csv" else [])


def write_and_fail(path: Path) -> None:
    with open_writer(path, COLUMNS) as append:
        append([row(0)])
        raise KeyError("half-way")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_failure_half_way_leaves_the_earlier_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("earlier")
    with pytest.raises(KeyError, match="half-way"):
        write_and_fail(path)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["out.xlsx", "out", "csv", "out.csv.gz"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"\.csv, \.jsonl, \.parquet"):
        check_suffix(tmp_path / name)
    with pytest.raises(DataError, match="must end in"):
        write(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_pyarrow(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(MissingExtraError, match=r"smearlab\[parquet\]"):
        check_suffix(Path("out.parquet"))
    check_suffix(Path("out.CSV"))
