"""Stress tests compared picture by picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smearlab.data.cells import BoolArray
from smearlab.errors import DataError
from smearlab.evaluation.stress_compare import compare_stress
from smearlab.evaluation.stress_files import Correct

KEYS = ("clean", "s/blur/1", "s/blur/2", "t/noise/1")
LABELS = np.array(["a"] * 30 + ["b"] * 10)
ROWS = np.arange(100, 140)


def write(folder: Path, correct: BoolArray, keys: tuple[str, ...] = KEYS, rows: np.ndarray = ROWS) -> Path:
    folder.mkdir()
    Correct(np.array(keys), correct, rows, LABELS, np.full(40, "")).write(folder / "correct.npz")
    return folder


def rights(seed: int, share: float = 0.8) -> BoolArray:
    return np.random.default_rng(seed).random((4, 40)) < share


def test_each_suite_is_compared_with_the_first(tmp_path: Path) -> None:
    first, second = rights(0, 0.6), rights(1, 0.9)
    rows = compare_stress([write(tmp_path / "one", first), write(tmp_path / "two", second)])
    assert [(row["suite"], row["name"]) for row in rows] == [
        (suite, name) for suite in ("clean", "s", "t") for name in ("one", "two")
    ]
    of_s = {row["name"]: row for row in rows if row["suite"] == "s"}
    assert of_s["one"]["accuracy"]["value"] == pytest.approx(first[1:3].mean())
    difference = of_s["two"]["accuracy_difference"]
    assert difference["value"] == pytest.approx(second[1:3].mean() - first[1:3].mean())
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert of_s["one"]["accuracy_difference"] is None
    assert (of_s["two"]["n"], of_s["two"]["conditions"]) == (40, 2)
    balanced = [second[1:3, name == LABELS].mean() for name in ("a", "b")]
    assert of_s["two"]["balanced_accuracy"]["value"] == pytest.approx(np.mean(balanced))


def test_a_model_does_not_differ_from_itself(tmp_path: Path) -> None:
    same = rights(0)
    rows = compare_stress([write(tmp_path / "one", same), write(tmp_path / "two", same)])
    assert rows[1]["balanced_accuracy_difference"] == {"value": 0, "low": 0, "high": 0}


def test_pictures_in_another_order_are_brought_together(tmp_path: Path) -> None:
    right = rights(0)
    order = np.concatenate([np.random.default_rng(1).permutation(30), 30 + np.random.default_rng(2).permutation(10)])
    shuffled = write(tmp_path / "two", right[:, order], rows=ROWS[order])
    rows = compare_stress([write(tmp_path / "one", right), shuffled])
    assert all(row["accuracy_difference"] in (None, {"value": 0, "low": 0, "high": 0}) for row in rows)


def test_only_shared_conditions_count(tmp_path: Path) -> None:
    right = rights(0)
    fewer = write(tmp_path / "two", right[[0, 2]], keys=("clean", "s/blur/2"))
    rows = compare_stress([write(tmp_path / "one", right), fewer])
    assert {row["suite"]: row["conditions"] for row in rows} == {"clean": 1, "s": 1}


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one", rights(0))
    with pytest.raises(DataError, match="two stress tests or more"):
        compare_stress([one])
    with pytest.raises(DataError, match="different pictures"):
        compare_stress([one, write(tmp_path / "two", rights(0), rows=ROWS + 1)])
    with pytest.raises(DataError, match="no condition in common"):
        compare_stress([one, write(tmp_path / "three", rights(0)[:2], keys=("clean", "u/blur/1"))])
    with pytest.raises(DataError, match="holds no stress test"):
        compare_stress([one, tmp_path])
    (one / "correct.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="is damaged"):
        compare_stress([one, one])
