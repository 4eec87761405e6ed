"""Running a model over labelled pictures and measuring what it says."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.atomic import atomic_path
from smearlab.data.progress import progress
from smearlab.metrics import evaluate_predictions
from smearlab.report.contents import Example, Mistake, PartResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells, IntArray, Pictures, StrArray
    from smearlab.inference.predictor import Predictions, Predictor

MISTAKES_SHOWN = 48


@dataclass(frozen=True, eq=False)
class Measured:
    """Predictions for labelled pictures.

    Attributes:
        cells: the pictures.
        labels: ``int64 (N,)`` true labels as indices into the model's classes.
        predictions: what the model says, in the same order.
    """

    cells: Cells
    labels: IntArray
    predictions: Predictions

    def take(self, positions: IntArray) -> Measured:
        """Return some of the pictures with their predictions."""
        return Measured(self.cells.take(positions), self.labels[positions], self.predictions.take(positions))

    @property
    def correct(self) -> np.ndarray:
        """``bool (N,)``: whether the most probable class is the true one."""
        return np.asarray(self.predictions.label_indices == self.labels)

    def metrics(self, seed: int = 0) -> dict[str, Any]:
        """Return the figures with their 95 % bootstrap intervals, as ``metrics.json`` holds them.

        Where the pictures have groups (slides, patients), whole groups are resampled.
        """
        predictions = self.predictions
        return evaluate_predictions(
            self.labels, predictions.probabilities, predictions.class_names, seed, groups=self.cells.groups
        ).to_json()


def predict_with_bar(predictor: Predictor, images: Pictures) -> Predictions:
    """Classify pictures, with a progress bar on a terminal."""
    with progress("Naming pictures", len(images)) as advance:
        return predictor.predict(images, progress=advance)


def part_result(measured: Measured, metrics: dict[str, Any]) -> PartResult:
    """Prepare the figures of one part for a report."""
    confidence = measured.predictions.confidence.astype(np.float64)
    return PartResult(metrics, np.asarray(metrics["confusion"], np.int64), confidence, measured.correct)


def worst_mistakes(measured: Measured, shown: int = MISTAKES_SHOWN) -> tuple[list[Mistake], int]:
    """Return the wrongly named pictures, the most confident first, and how many there are in all."""
    wrong = np.flatnonzero(~measured.correct)
    order = wrong[np.argsort(-measured.predictions.confidence[wrong], kind="stable")]
    names, cells = measured.predictions.class_names, measured.cells
    mistakes = [
        Mistake(
            picture=example(cells, int(position)),
            true_label=names[measured.labels[position]],
            label=str(measured.predictions.labels[position]),
            confidence=float(measured.predictions.confidence[position]),
        )
        for position in order[:shown]
    ]
    return mistakes, len(wrong)


def example(cells: Cells, position: int) -> Example:
    """Return one picture with where it came from."""
    return Example(np.asarray(cells.images[position]), int(cells.rows[position]), str(cells.sources[position]))


def class_examples(cells: Cells, per_class: int = 12) -> dict[str, Sequence[Example]]:
    """Return the first pictures of each class, spread over the collection."""
    examples: dict[str, Sequence[Example]] = {}
    for index, name in enumerate(cells.class_names):
        rows = np.flatnonzero(cells.known_labels == index)
        chosen = rows[np.linspace(0, len(rows) - 1, min(per_class, len(rows))).astype(int)] if len(rows) else rows
        examples[name] = [example(cells, int(position)) for position in chosen]
    return examples


def write_predictions(path: Path, cells: Cells, predictions: Predictions, parts: StrArray) -> None:
    """Write ``row,source,split,true_label,label,confidence,p_…`` for labelled pictures, atomically.

    The true label is the data's own, which may be a class that the model does not know.
    """
    names = predictions.class_names
    header = ["row", "source", "split", "true_label", "label", "confidence", *(f"p_{name}" for name in names)]
    true_labels = np.asarray(cells.class_names)[cells.known_labels]
    columns = zip(
        cells.rows.tolist(),
        cells.sources.tolist(),
        parts.tolist(),
        true_labels.tolist(),
        predictions.labels.tolist(),
        predictions.confidence.tolist(),
        predictions.probabilities.tolist(),
        strict=True,
    )
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for *plain, confidence, probabilities in columns:
            writer.writerow([*plain, f"{confidence:.6f}", *(f"{value:.6f}" for value in probabilities)])
