"""The figures of a cross-validation: mean and standard deviation over the folds, and those of all pictures together."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student

from smearlab.data.atomic import atomic_path
from smearlab.errors import TrainingError
from smearlab.metrics import evaluate_predictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells, FloatArray, IntArray
    from smearlab.training.run_folder import Run

FIGURES = (
    *("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "macro_auc"),
    *("ece", "brier", "nll"),
)
CLASS_FIGURES = ("precision", "recall", "f1")
_ALTERED = {"clean": "clean", "seen": "altered_seen", "unseen": "altered_unseen"}
_HIGHEST = {"brier": 2.0, "nll": math.inf}  # of all others 1


@dataclass(frozen=True)
class Spread:
    """One figure over the folds.

    Attributes:
        mean: over the folds that have it.
        sd: standard deviation over the folds, with n - 1; NaN of a single one.
        low: lower end of the 95 % interval of the mean; NaN of a single one.
        high: upper end.
        folds: the figure of each fold; NaN where it has none.
    """

    mean: float
    sd: float
    low: float
    high: float
    folds: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, None for those that are not known."""
        numbers = {name: _plain(getattr(self, name)) for name in ("mean", "sd", "low", "high")}
        return {**numbers, "folds": [_plain(value) for value in self.folds]}


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def spread(values: Sequence[float], share: float, highest: float = 1.0) -> Spread:
    """Return mean and standard deviation over folds, with an interval of the mean.

    The folds' training parts overlap, so their figures vary together and the usual interval is too narrow. Its variance
    is therefore multiplied as Nadeau & Bengio (2003) propose for resampled training sets: 1/k becomes 1/k + `share`.

    Args:
        values: of each fold; NaN where a fold has no such figure.
        share: test pictures for each training picture.
        highest: that the figure can be; the lowest is 0.
    """
    known = np.array([value for value in values if math.isfinite(value)])
    folds = tuple(float(value) for value in values)
    if not len(known):
        return Spread(math.nan, math.nan, math.nan, math.nan, folds)
    mean = float(known.mean())
    if len(known) < 2:
        return Spread(mean, math.nan, math.nan, math.nan, folds)
    sd = float(known.std(ddof=1))
    half = float(student.ppf(0.975, len(known) - 1)) * sd * math.sqrt(1 / len(known) + share)
    return Spread(mean, sd, max(0.0, mean - half), min(highest, mean + half), folds)


@dataclass(frozen=True)
class Fold:
    """What one finished fold left in its folder.

    Attributes:
        run: the folder.
        content: of its ``metrics.json``.
        history: a row per epoch.
    """

    run: Run
    content: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, run: Run) -> Fold:
        """Read a finished fold.

        Raises:
            TrainingError: a file is missing or damaged.
        """
        try:
            return cls(run, json.loads(run.metrics.read_text(encoding="utf-8")), run.read_history())
        except (OSError, ValueError) as error:
            message = f"{run.path} is damaged ({error}). Remove that folder and give the same command with --resume."
            raise TrainingError(message) from error

    @property
    def tested(self) -> Mapping[str, Any]:
        """The figures of its test part."""
        tested: Mapping[str, Any] = self.content["parts"]["test"]
        return tested

    @property
    def pictures(self) -> Mapping[str, int]:
        """How many pictures each part has."""
        counts: Mapping[str, int] = self.content["pictures"]
        return counts

    @property
    def seconds(self) -> float:
        """Of training and measuring."""
        return float(sum(self.content["seconds"].values()))

    def figure(self, name: str) -> float:
        """Return one figure of the test part; NaN where there is none."""
        return _value(self.tested.get(name))

    def class_figure(self, class_name: str, name: str) -> float:
        """Return one figure of one class; NaN where its test part has no such picture."""
        return _value(self.tested["per_class"][class_name][name])

    def altered_figure(self, what: str) -> float:
        """Return the balanced accuracy on ``clean``, ``seen`` or ``unseen`` alterations; NaN where not measured."""
        robustness = self.content.get("robustness") or {}
        return _value((robustness.get(what) or {}).get("balanced_accuracy"))


def _value(figure: object) -> float:
    if isinstance(figure, dict):
        figure = figure["value"]
    return float(figure) if isinstance(figure, int | float) else math.nan


def figures_over_folds(folds: Sequence[Fold]) -> dict[str, Spread]:
    """Return every overall figure over the folds, and balanced accuracy on altered pictures where it was measured."""
    share = _share(folds)
    found = {name: spread([f.figure(name) for f in folds], share, _HIGHEST.get(name, 1.0)) for name in FIGURES}
    for what, name in _ALTERED.items():
        found[f"{name}_balanced_accuracy"] = spread([fold.altered_figure(what) for fold in folds], share)
    return {name: figure for name, figure in found.items() if math.isfinite(figure.mean)}


def class_figures_over_folds(folds: Sequence[Fold], class_names: Sequence[str]) -> dict[str, dict[str, Spread]]:
    """Return precision, recall and F1 of each class over the folds that test it."""
    share = _share(folds)
    return {
        name: {key: spread([fold.class_figure(name, key) for fold in folds], share) for key in CLASS_FIGURES}
        for name in class_names
    }


def _share(folds: Sequence[Fold]) -> float:
    return float(np.mean([fold.pictures["test"] / max(1, fold.pictures["train"]) for fold in folds]))


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Every tested picture as the one model saw it that was neither trained on it nor chosen by it.

    Attributes:
        positions: ``int64 (n,)`` of the pictures, in order.
        labels: ``int64 (n,)`` true labels.
        probabilities: ``float64 (n, classes)``.
        folds: ``int64 (n,)`` from 1.
    """

    positions: IntArray
    labels: IntArray
    probabilities: FloatArray
    folds: IntArray

    def metrics(self, cells: Cells, seed: int) -> dict[str, Any]:
        """Return all figures with bootstrap intervals over pictures, or over groups where the data has them."""
        groups = None if cells.groups is None else cells.groups[self.positions]
        measured = evaluate_predictions(self.labels, self.probabilities, cells.class_names, seed, groups=groups)
        return measured.to_json()


def gather_predictions(path: Path, cells: Cells, runs: Sequence[Run]) -> OutOfFold:
    """Write the folds' answers to their test pictures into one file, in the order of the rows, the fold last.

    Args:
        path: ``predictions.csv``.
        cells: all pictures.
        runs: of the finished folds.

    Raises:
        TrainingError: a fold's answers are missing, or are to other pictures.
    """
    lines = [(number, line) for number, run in enumerate(runs, start=1) for line in _tested_lines(run)]
    lines.sort(key=lambda item: int(item[1]["row"]))
    place = {int(row): position for position, row in enumerate(cells.rows)}
    positions = np.array([place.get(int(line["row"]), -1) for _, line in lines], dtype=np.int64)
    labels = cells.known_labels[positions]
    named = [cells.class_names[label] for label in labels]
    if (positions < 0).any() or named != [line["true_label"] for _, line in lines]:
        raise TrainingError(
            f"The folds in {path.parent} were tested on other pictures than those of {cells.name}. Give the same data, "
            "or choose another --out."
        )
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*lines[0][1], "fold"])
        writer.writeheader()
        writer.writerows({**line, "fold": number} for number, line in lines)
    chances = np.array([[float(line[f"p_{name}"]) for name in cells.class_names] for _, line in lines])
    return OutOfFold(positions, labels, chances, np.array([number for number, _ in lines], dtype=np.int64))


def _tested_lines(run: Run) -> list[dict[str, str]]:
    try:
        with run.predictions.open(newline="", encoding="utf-8") as file:
            return [line for line in csv.DictReader(file) if line["split"] == "test"]
    except (OSError, KeyError) as error:
        message = f"{run.predictions} cannot be read ({error}). Remove that fold's folder and resume."
        raise TrainingError(message) from error
