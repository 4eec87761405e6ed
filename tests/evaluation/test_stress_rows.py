"""Which pictures a stress test is made on."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.colour_model import COLOURS, colour_cells, write_colour_folder

from smearlab.errors import DataError
from smearlab.evaluation.matching import Matched, match_classes
from smearlab.evaluation.stress_rows import choose_rows, run_parts, stratified

NAMES = tuple(COLOURS)
PARTS = np.array(["train", "train", "validation", "test", "test", "dropped"] * 3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, as far as it matters here."""
    folder = tmp_path_factory.mktemp("run")
    write_colour_folder(folder / "model")
    (folder / "recipe.toml").write_text("")
    cells = colour_cells(NAMES)
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "source", "split"])
        writer.writerows(zip(cells.rows, cells.sources, PARTS, strict=True))
    return folder


def matched() -> Matched:
    return match_classes(colour_cells(NAMES), NAMES)


def test_a_run_is_tried_on_its_test_part(run: Path) -> None:
    chosen = choose_rows(matched(), run)
    assert (chosen.part, chosen.notes) == ("test", [])
    assert chosen.positions.tolist() == np.flatnonzero(PARTS == "test").tolist()
    assert choose_rows(matched(), run / "model").part == "test"


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_another_part_can_be_asked_for(run: Path, part: str) -> None:
    chosen = choose_rows(matched(), run, part)
    assert chosen.positions.tolist() == np.flatnonzero(part == PARTS).tolist()
    assert len(chosen.notes) == (part == "train")


def test_pictures_of_training_are_warned_of(run: Path) -> None:
    chosen = choose_rows(matched(), run, "all")
    assert len(chosen.positions) == 18
    assert chosen.notes[0].startswith("6 of the 18 pictures were trained on")


def test_other_data_is_taken_whole(run: Path) -> None:
    other = match_classes(
        replace(colour_cells(NAMES), sources=np.array([f"elsewhere/{row}" for row in range(18)])), NAMES
    )
    assert run_parts(other.cells, run) is None
    chosen = choose_rows(other, run)
    assert (chosen.part, len(chosen.positions), chosen.notes) == ("all", 18, [])
    with pytest.raises(DataError, match="nobody knows its test part"):
        choose_rows(other, run, "test")


def test_a_part_of_the_run_own_data_is_still_its_own(run: Path) -> None:
    cells = colour_cells(NAMES).take(np.arange(3, 12))
    parts = run_parts(cells, run)
    assert parts is not None
    assert parts.tolist() == PARTS[3:12].tolist()


def test_parts_that_the_data_brings_can_be_asked_for(tmp_path: Path) -> None:
    model = write_colour_folder(tmp_path / "model")
    brought = match_classes(replace(colour_cells(NAMES), parts=np.array(["train", "test"] * 9)), NAMES)
    assert choose_rows(brought, model).part == "all"
    assert choose_rows(brought, model, "test").positions.tolist() == list(range(1, 18, 2))
    with pytest.raises(DataError, match="validation part of colours is empty; it has train, test"):
        choose_rows(brought, model, "validation")


def test_unknown_words_are_refused(run: Path) -> None:
    with pytest.raises(DataError, match="no part 'exam'"):
        choose_rows(matched(), run, "exam")
    with pytest.raises(DataError, match="--limit is 0"):
        choose_rows(matched(), run, limit=0)


def test_a_damaged_list_is_named(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    write_colour_folder(copy / "model")
    (copy / "recipe.toml").write_text("")
    (copy / "predictions.csv").write_text("row,what\n1,2\n")
    with pytest.raises(DataError, match=r"predictions\.csv is damaged"):
        choose_rows(matched(), copy)


def test_a_sample_keeps_the_shares_of_the_classes(run: Path) -> None:
    labels = np.repeat(np.arange(3), (800, 195, 5)).astype(np.int64)
    positions = stratified(labels, 100, seed=0)
    assert np.bincount(labels[positions]).tolist() == [80, 20, 1]
    assert (np.diff(positions) > 0).all()
    assert np.array_equal(positions, stratified(labels, 100, seed=0))
    assert not np.array_equal(positions, stratified(labels, 100, seed=1))
    chosen = choose_rows(matched(), run, "all", limit=6)
    assert len(chosen.positions) == 6
    assert chosen.notes[-1] == "A sample of 6 of 18 pictures, each class by its share."


def test_a_limit_beyond_all_takes_all(run: Path) -> None:
    assert len(choose_rows(matched(), run, "all", limit=1000).positions) == 18
