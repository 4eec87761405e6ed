"""`smearlab compare`: several runs on the pictures that none of them was trained on, with paired intervals."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.atomic import write_json
from smearlab.data.paths import user_path
from smearlab.errors import DataError
from smearlab.metrics import evaluate_predictions, paired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from smearlab.data.cells import FloatArray, IntArray

FIGURES = ("balanced_accuracy", "accuracy", "macro_f1", "ece")
ENSEMBLE = "ensemble"


@dataclass(frozen=True, eq=False)
class Answers:
    """What one run says about its test pictures.

    Attributes:
        name: of the run.
        class_names: in the order of the columns.
        labels: row → true label.
        probabilities: row → ``float64 (classes,)``.
    """

    name: str
    class_names: tuple[str, ...]
    labels: Mapping[int, str]
    probabilities: Mapping[int, FloatArray]


@dataclass(frozen=True)
class Comparison:
    """Several models on the same pictures.

    Attributes:
        pictures: how many.
        rows: per model its name, `FIGURES` as ``{value, low, high}``, and ``difference``: its balanced accuracy minus
            the first's, paired; None for the first.
        notes: what the figures leave out.
    """

    pictures: int
    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def write(self, path: str | Path) -> None:
        """Write all of it as JSON, atomically."""
        write_json(user_path(path), {"pictures": self.pictures, "models": self.rows, "notes": self.notes})


def compare(runs: Sequence[str | Path], *, ensemble: bool = False, seed: int = 0) -> Comparison:
    """Compare finished runs on the pictures that are in the test part of all of them.

    Args:
        runs: run folders, trained on the same data.
        ensemble: also measure the mean of their probabilities.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than two runs, one without predictions, other classes, or no common test picture.
    """
    if len(runs) < 2:
        raise DataError("Give two runs or more to compare.")
    everyone = [read_answers(user_path(run)) for run in runs]
    _check_classes(everyone)
    common = sorted(set.intersection(*(set(one.labels) for one in everyone)))
    if not common:
        raise DataError("No picture is in the test part of all these runs. Train them on one split: set split.seed.")
    names, first = everyone[0].class_names, everyone[0]
    labels = np.array([names.index(first.labels[row]) for row in common], dtype=np.int64)
    tables = {one.name: np.stack([one.probabilities[row] for row in common]) for one in everyone}
    if ensemble:
        tables[ENSEMBLE] = np.mean(list(tables.values()), axis=0)
    rows = [_row(name, table, labels, names, tables[first.name], seed) for name, table in tables.items()]
    return Comparison(len(common), rows, _notes(everyone, len(common)))


def comparison_lines(found: Comparison) -> list[str]:
    """Return a table for the terminal: a line per model, the first of them what the others are held against."""
    width = max(len(row["model"]) for row in found.rows)
    lines = [f"Balanced accuracy on {found.pictures:,} pictures, and the difference to the first:"]
    for row in found.rows:
        difference = "" if row["difference"] is None else f"  {_words(row['difference'], '+')}"
        lines.append(f"  {row['model']:<{width}}  {_words(row['balanced_accuracy'])}{difference}")
    return [*lines, *found.notes]


def _words(figure: Mapping[str, float], sign: str = "") -> str:
    return f"{figure['value']:{sign}.4f} [{figure['low']:{sign}.4f}, {figure['high']:{sign}.4f}]"


def read_answers(run: Path) -> Answers:
    """Read the test rows of a run's ``predictions.csv``.

    Raises:
        DataError: there is no such file, or it holds no test pictures.
    """
    path = run / "predictions.csv"
    if not path.is_file():
        raise DataError(f"{run} has no predictions.csv. Give the folders of finished runs.")
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["split"] == "test"]
    if not lines:
        raise DataError(f"{run} has no test pictures. Train with split.test above 0.")
    columns = [name for name in lines[0] if name.startswith("p_")]
    return Answers(
        name=run.as_posix(),
        class_names=tuple(name.removeprefix("p_") for name in columns),
        labels={int(line["row"]): line["true_label"] for line in lines},
        probabilities={int(line["row"]): np.array([float(line[name]) for name in columns]) for line in lines},
    )


def _row(
    name: str,
    table: NDArray[np.float64],
    labels: IntArray,
    names: tuple[str, ...],
    baseline: NDArray[np.float64],
    seed: int,
) -> dict[str, Any]:
    metrics = evaluate_predictions(labels, table, names, seed).to_json()
    same = table is baseline
    paired = None if same else paired_difference(labels, baseline.argmax(1), table.argmax(1), seed=seed)
    return {
        "model": name,
        **{figure: metrics[figure] for figure in FIGURES},
        "difference": None if paired is None else paired.difference.model_dump(),
        "p_value": None if paired is None else paired.mcnemar.p_value,
    }


def _check_classes(everyone: Sequence[Answers]) -> None:
    first = everyone[0]
    for one in everyone[1:]:
        if one.class_names != first.class_names:
            raise DataError(
                f"{one.name} tells {', '.join(one.class_names)} apart, but {first.name} "
                f"{', '.join(first.class_names)}. Compare runs of one set of classes."
            )
        shared = set(one.labels) & set(first.labels)
        if any(one.labels[row] != first.labels[row] for row in shared):
            raise DataError(f"{one.name} and {first.name} were trained on other data: their rows have other labels.")


def _notes(everyone: Sequence[Answers], common: int) -> list[str]:
    largest = max(len(one.labels) for one in everyone)
    if common == largest:
        return []
    return [f"Only {common:,} of {largest:,} test pictures are in the test part of all runs; the others are left out."]
