"""`Run`: the folder that holds everything about one training run."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import TEMPORARY_PREFIX, remove_leftovers, write_text
from smearlab.errors import TrainingError
from smearlab.training.recipe_io import save_recipe

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """A run's folder and the names of what is in it.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """The recipe as it was really used, precision decided."""
        return self.path / "recipe.toml"

    @property
    def manifest(self) -> Path:
        """What was decided on each picture before anything else; there only where a manifest was given."""
        return self.path / "manifest.csv"

    @property
    def split(self) -> Path:
        """Which picture is in which part."""
        return self.path / "split.json"

    @property
    def copies(self) -> Path:
        """The pairs of copies that were found, and which pictures were left out for them."""
        return self.path / "copies.json"

    @property
    def history(self) -> Path:
        """One JSON object per finished epoch."""
        return self.path / "history.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The last state and the best weights."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def predictions(self) -> Path:
        """What the model says about every picture of the data."""
        return self.path / "predictions.csv"

    @property
    def metrics(self) -> Path:
        """The figures of every part."""
        return self.path / "metrics.json"

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.path / "report.html"

    @property
    def board(self) -> Path:
        """TensorBoard's event files."""
        return self.path / "tensorboard"

    def is_finished(self) -> bool:
        """Whether the run went all the way to its report."""
        return self.report.is_file() and self.model.is_dir()

    def check(self, *, resume: bool) -> None:
        """Check that a run may start or go on here; nothing is written.

        Raises:
            TrainingError: the folder holds another run or other files and `resume` was not asked for; or there is no
                run to resume.
        """
        if resume and not self.recipe.is_file():
            raise TrainingError(f"{self.path} holds no run to resume. Leave --resume away to start one there.")
        if resume or not self.path.exists():
            return
        if not self.path.is_dir():
            raise TrainingError(f"{self.path} is a file. Choose another --out for the run's folder.")
        if any(not entry.name.startswith(TEMPORARY_PREFIX) for entry in self.path.iterdir()):
            advice = "Add --resume to go on with the run in it, or choose" if self.recipe.is_file() else "Choose"
            raise TrainingError(f"{self.path} already exists and is not empty. {advice} another --out.")

    def start(self, recipe: Recipe) -> None:
        """Make the folder and write the recipe, from when on the run can be resumed; clear up after a kill."""
        self.path.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.path)
        if not self.recipe.is_file():
            save_recipe(recipe, self.recipe)

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Write all finished epochs, atomically, so that a resumed run never lists an epoch twice."""
        write_text(self.history, "".join(json.dumps(row) + "\n" for row in rows))

    def read_history(self) -> list[dict[str, Any]]:
        """Read the finished epochs."""
        if not self.history.is_file():
            return []
        return [json.loads(line) for line in self.history.read_text(encoding="utf-8").splitlines()]

    def forget_checkpoints(self) -> None:
        """Remove the states of a finished run, and what a kill left half-written: larger than all the rest together."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
