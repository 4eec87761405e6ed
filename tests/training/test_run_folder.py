"""The run folder: where a run may start, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smearlab.errors import TrainingError
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.state import BEST, LAST


def test_a_new_folder_is_made_with_its_parents_and_can_be_resumed_from_then_on(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "a")
    run.check(resume=False)
    assert not run.path.exists()
    run.start(Recipe(seed=7))
    assert load_recipe(run.recipe).seed == 7
    run.check(resume=True)
    run.start(Recipe(seed=8))  # gone on with: the recipe stays
    assert load_recipe(run.recipe).seed == 7


def test_what_a_kill_left_does_not_stand_in_the_way(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / ".tmp-12ab-recipe.toml").write_text("half")
    (tmp_path / ".tmp-34cd-model").mkdir()
    run.check(resume=False)
    run.start(Recipe())
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(TrainingError, match=r"already exists and is not empty\. Choose another --out"):
        Run(tmp_path).check(resume=False)


def test_a_folder_with_a_run_says_how_to_go_on(tmp_path: Path) -> None:
    Run(tmp_path).start(Recipe())
    with pytest.raises(TrainingError, match=r"Add --resume .*another --out"):
        Run(tmp_path).check(resume=False)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(TrainingError, match="is a file"):
        Run(path).check(resume=False)


def test_only_a_run_is_resumed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no run to resume\. Leave --resume away"):
        Run(tmp_path).check(resume=True)


def test_history_round_trips_and_is_never_appended_twice(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.read_history() == []
    rows: list[dict[str, Any]] = [
        {"epoch": 1, "train_loss": 0.1, "validation_loss": None},
        {"epoch": 2, "train_loss": 1e-9},
    ]
    run.write_history(rows[:1])
    run.write_history(rows)
    assert run.read_history() == rows
    assert len(run.history.read_text().splitlines()) == 2


def test_a_run_is_finished_with_its_report(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.model.mkdir()
    assert not run.is_finished()
    run.report.write_text("page")
    assert run.is_finished()


def test_checkpoints_are_forgotten_but_nothing_else(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.forget_checkpoints()  # nothing there
    run.checkpoints.mkdir()
    run.report.write_text("page")
    for name in (LAST, BEST, f".{LAST}.half-written"):
        (run.checkpoints / name).write_text("")
    run.forget_checkpoints()
    assert list(run.path.iterdir()) == [run.report]
