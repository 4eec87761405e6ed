"""`Run`: the folder that holds everything about one training run."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smearlab.data.atomic import write_text
from smearlab.errors import TrainingError


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
    def split(self) -> Path:
        """Which picture is in which part."""
        return self.path / "split.json"

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

    def start(self, *, resume: bool) -> None:
        """Make the folder, or check that it may be gone on with.

        Raises:
            TrainingError: it holds another run or other files and `resume` was not asked for; or there is no run to
                resume.
        """
        if resume and not self.recipe.is_file():
            raise TrainingError(f"{self.path} holds no run to resume. Leave --resume away to start one there.")
        if not resume and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise TrainingError(
                f"{self.path} already exists and is not empty. Add --resume to go on with the run in it, "
                "or choose another --out."
            )
        self.path.mkdir(parents=True, exist_ok=True)

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
