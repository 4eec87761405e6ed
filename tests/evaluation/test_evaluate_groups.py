"""Figures of pictures that come in slides or patients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.colour_model import COLOURS, colour_cells, write_colour_folder

from smearlab.data.cells import Cells
from smearlab.evaluation.evaluate import evaluate
from smearlab.evaluation.words import group_notes

NAMES = tuple(COLOURS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_folder(tmp_path_factory.mktemp("models") / "colours")


def _in_slides(cells: Cells, slides: int) -> Cells:
    """Put the wrongly labelled pictures, which come first, on one slide."""
    numbers = np.arange(len(cells)) * slides // len(cells)
    return replace(cells, groups=np.array([f"slide {number}" for number in numbers]))


def test_slides_widen_the_intervals_of_an_evaluation(model: Path, tmp_path: Path) -> None:
    cells = colour_cells(NAMES, per_class=20, wrong=5)
    plain = evaluate(model, cells, tmp_path / "plain")
    slides = evaluate(model, _in_slides(cells, 12), tmp_path / "slides")
    assert slides["accuracy"]["value"] == plain["accuracy"]["value"]
    assert slides["accuracy"]["low"] < plain["accuracy"]["low"] - 0.02
    assert slides["notes"] == plain["notes"] == []


def test_few_slides_are_said_on_the_page_and_in_the_figures(model: Path, tmp_path: Path) -> None:
    content = evaluate(model, _in_slides(colour_cells(NAMES), 4), tmp_path / "out")
    note = "Only 4 groups (slides, patients) in the data: intervals are rough."
    assert content["notes"] == [note]
    assert note in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (None, ""),
        (["a"] * 5, "Only 1 group (slide, patient) in the test part"),
        (["a", "b", "a", "", ""], "Only 4 groups (slides, patients) in the test part"),
        ([str(number) for number in range(10)], ""),
        ([""] * 5, ""),
    ],
)
def test_few_groups_are_named_and_enough_are_not(groups: list[str] | None, words: str) -> None:
    notes = group_notes(None if groups is None else np.array(groups), "test")
    assert [note.partition(":")[0] for note in notes] == ([words] if words else [])
