"""All figures of one set of predictions, with their intervals: what ``metrics.json`` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from smearlab.errors import DataError
from smearlab.metrics import counts
from smearlab.metrics.calibration import bin_gaps, brier_score, calibration_interval, negative_log_likelihood
from smearlab.metrics.intervals import RESAMPLES, Interval, resampled_weights
from smearlab.metrics.ranking import class_areas, macro_auc, mean_area
from smearlab.metrics.resampling import Grouping, design_effect, doubt_areas, doubt_recalls, resampled_confusions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from smearlab.data.cells import FloatArray, IntArray


class ClassMetrics(BaseModel):
    """The figures of one class; None where the class does not occur among the labels (support 0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
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
    groups: ArrayLike | None = None,
) -> Metrics:
    """Measure predictions, every figure with a 95 % bootstrap interval over the pictures, or over their groups.

    A class that is always or never recognised does not vary between resamples; the macro figures nevertheless count
    the doubt that is left about it, see `resampling.doubt_recalls` and `resampling.doubt_areas`.

    Args:
        labels: ``(N,)`` true class indices.
        probabilities: ``(N, k)``, finite; the most probable class is the answer.
        class_names: the k classes.
        seed: of the resampling.
        resamples: number of bootstrap samples.
        groups: ``(N,)`` slide or patient of each picture, strings or whole numbers; an empty string is a group of its
            own. Whole groups are resampled; a single group, whose like nobody has seen, as if it were none.

    Raises:
        DataError: shapes do not fit, nothing is given, or a probability is not finite.
    """
    classes = len(class_names)
    true = counts.class_indices(labels, classes, "labels")
    table = _check(probabilities, len(true), classes)
    named = table.argmax(1).astype(np.int64)
    confusion = counts.confusion_matrix(true, named, classes)
    grouping = Grouping.of(groups, len(true))
    drawn = resampled_confusions(true, named, classes, grouping, seed, resamples)
    effect = design_effect(confusion, drawn) if grouping.numbers is not None else 1.0
    doubted = doubt_recalls(confusion, drawn, seed, effect)
    area, ece = _curves(true, table, grouping, effect, seed, resamples)

    def macro(figure: Callable[[NDArray[np.generic]], FloatArray]) -> Interval:
        return Interval.of(float(figure(confusion)), figure(doubted))

    return Metrics(
        n=len(true),
        accuracy=Interval.of(float(counts.accuracy(confusion)), counts.accuracy(drawn), len(true) / effect),
        balanced_accuracy=macro(counts.balanced_accuracy),
        macro_precision=macro(counts.macro_precision),
        macro_recall=macro(counts.macro_recall),
        macro_f1=macro(counts.macro_f1),
        macro_auc=area,
        ece=ece,
        brier=brier_score(true, table),
        nll=negative_log_likelihood(true, table),
        per_class=_per_class(confusion, drawn, class_names, effect),
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


def _curves(
    labels: IntArray, table: FloatArray, grouping: Grouping, effect: float, seed: int, resamples: int
) -> tuple[Interval | None, Interval]:
    """Return macro AUC, None where it is undefined, and the calibration error."""
    areas, gaps = [], []
    for weights in resampled_weights(len(labels), seed, resamples, grouping.numbers):
        areas.append(class_areas(labels, table, weights))
        gaps.append(bin_gaps(labels, table, weights))
    ece = calibration_interval(labels, table, np.concatenate(gaps), seed, effect)
    value = float(macro_auc(labels, table))
    if not np.isfinite(value):
        return None, ece
    known = class_areas(labels, table, np.ones((1, len(labels))))[:, 0]
    drawn = doubt_areas(labels, known, np.concatenate(areas, axis=1), seed, effect)
    return Interval.of(value, mean_area(drawn)), ece


def _per_class(
    confusion: IntArray, drawn: FloatArray, class_names: Sequence[str], effect: float
) -> dict[str, ClassMetrics]:
    scores, resampled = counts.class_scores(confusion), counts.class_scores(drawn)
    occurs = resampled.support > 0
    answers = confusion.sum(0)

    def interval(what: str, place: int) -> Interval | None:
        support = int(scores.support[place])
        if not support:
            return None
        trials = int(answers[place]) if what == "precision" else support
        known = getattr(resampled, what)[occurs[:, place], place]
        return Interval.of(float(getattr(scores, what)[place]), known, trials / effect)

    return {
        name: ClassMetrics(
            precision=interval("precision", place),
            recall=interval("recall", place),
            f1=interval("f1", place),
            support=int(scores.support[place]),
        )
        for place, name in enumerate(class_names)
    }
