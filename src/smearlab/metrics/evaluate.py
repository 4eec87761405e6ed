"""All figures of one set of predictions, with their intervals: what ``metrics.json`` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from smearlab.errors import DataError
from smearlab.metrics import counts
from smearlab.metrics.calibration import brier_score, expected_calibration_error, negative_log_likelihood
from smearlab.metrics.intervals import RESAMPLES, Interval, resampled_counts, resampled_weights
from smearlab.metrics.ranking import macro_auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from smearlab.data.cells import FloatArray, IntArray


class ClassMetrics(BaseModel):
    """The figures of one class; all 0 where the class does not occur among the labels (support 0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Interval
    recall: Interval
    f1: Interval
    support: int


class Metrics(BaseModel):
    """The figures of one set of predictions; macro figures are means over the classes that occur.

    Attributes:
        n: number of pictures.
        macro_auc: mean area under the curve, one class against the rest; None where only one class occurs.
        ece: expected calibration error of the top label, 15 bins.
        brier: Brier score on 0 to 2.
        nll: negative log-likelihood in nats.
        per_class: by class name, in the order of the class indices.
        confusion: counts, true classes down, predicted classes across.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    accuracy: Interval
    balanced_accuracy: Interval
    macro_precision: Interval
    macro_recall: Interval
    macro_f1: Interval
    macro_auc: Interval | None
    ece: Interval
    brier: float
    nll: float
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and numbers, each interval as ``{value, low, high}``."""
        return self.model_dump(mode="json")


def evaluate_predictions(
    labels: ArrayLike,
    probabilities: ArrayLike,
    class_names: Sequence[str],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Metrics:
    """Measure predictions, every figure with a 95 % bootstrap interval over the pictures.

    Args:
        labels: ``(N,)`` true class indices.
        probabilities: ``(N, k)``, finite; the most probable class is the answer.
        class_names: the k classes.
        seed: of the resampling.
        resamples: number of bootstrap samples.

    Raises:
        DataError: shapes do not fit, nothing is given, or a probability is not finite.
    """
    classes = len(class_names)
    true = counts.class_indices(labels, classes, "labels")
    table = _check(probabilities, len(true), classes)
    confusion = counts.confusion_matrix(true, table.argmax(1), classes)
    drawn = resampled_counts(confusion, seed, resamples)
    auc, ece = _resampled_curves(true, table, seed, resamples)
    area = float(macro_auc(true, table))
    return Metrics(
        n=len(true),
        accuracy=Interval.of(float(counts.accuracy(confusion)), counts.accuracy(drawn), len(true)),
        balanced_accuracy=Interval.of(float(counts.balanced_accuracy(confusion)), counts.balanced_accuracy(drawn)),
        macro_precision=Interval.of(float(counts.macro_precision(confusion)), counts.macro_precision(drawn)),
        macro_recall=Interval.of(float(counts.macro_recall(confusion)), counts.macro_recall(drawn)),
        macro_f1=Interval.of(float(counts.macro_f1(confusion)), counts.macro_f1(drawn)),
        macro_auc=Interval.of(area, auc) if np.isfinite(area) else None,
        ece=Interval.of(float(expected_calibration_error(true, table)), ece),
        brier=brier_score(true, table),
        nll=negative_log_likelihood(true, table),
        per_class=_per_class(confusion, drawn, class_names),
        confusion=confusion.tolist(),
    )


def _check(probabilities: ArrayLike, rows: int, classes: int) -> FloatArray:
    table = np.asarray(probabilities, dtype=np.float64)
    if table.shape != (rows, classes):
        raise DataError(
            f"The probabilities have shape {table.shape}; {rows} labels and {classes} classes need {(rows, classes)}."
        )
    wrong = np.flatnonzero(~np.isfinite(table).all(1))
    if len(wrong):
        raise DataError(f"Row {wrong[0]} of the probabilities is not finite; leave out pictures without a prediction.")
    return table


def _resampled_curves(labels: IntArray, table: FloatArray, seed: int, resamples: int) -> tuple[FloatArray, FloatArray]:
    auc, ece = [], []
    for weights in resampled_weights(len(labels), seed, resamples):
        auc.append(macro_auc(labels, table, weights))
        ece.append(expected_calibration_error(labels, table, weights=weights))
    return np.concatenate(auc), np.concatenate(ece)


def _per_class(confusion: IntArray, drawn: IntArray, class_names: Sequence[str]) -> dict[str, ClassMetrics]:
    scores, resampled = counts.class_scores(confusion), counts.class_scores(drawn)
    occurs = resampled.support > 0
    answers = confusion.sum(0)

    def interval(what: str, place: int) -> Interval:
        support = int(scores.support[place])
        trials = (int(answers[place]) if what == "precision" else support) if support else 0
        known = getattr(resampled, what)[occurs[:, place], place]
        return Interval.of(float(getattr(scores, what)[place]), known, trials)

    return {
        name: ClassMetrics(
            precision=interval("precision", place),
            recall=interval("recall", place),
            f1=interval("f1", place),
            support=int(scores.support[place]),
        )
        for place, name in enumerate(class_names)
    }
