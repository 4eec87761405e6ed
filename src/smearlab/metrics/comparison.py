"""Two models on the same pictures: the difference of a figure with its interval, and McNemar's exact test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from smearlab.errors import DataError
from smearlab.metrics import counts
from smearlab.metrics.intervals import RESAMPLES, Interval, resampled_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smearlab.data.cells import FloatArray, IntArray

PairedMetric = Literal["accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1"]
_FIGURES: dict[PairedMetric, Callable[[NDArray[np.generic]], FloatArray]] = {
    "accuracy": counts.accuracy,
    "balanced_accuracy": counts.balanced_accuracy,
    "macro_precision": counts.macro_precision,
    "macro_recall": counts.macro_recall,
    "macro_f1": counts.macro_f1,
}


class McNemar(BaseModel):
    """McNemar's exact test (McNemar 1947): do two models differ in how many they get right?

    Attributes:
        only_a: pictures that only the first model names right.
        only_b: pictures that only the second model names right.
        p_value: two-sided, from the binomial distribution; 1 where the models never differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    only_a: int
    only_b: int
    p_value: float


class PairedDifference(BaseModel):
    """The figure of the second model minus that of the first on the same pictures.

    Attributes:
        metric: which figure.
        a: the first model's figure.
        b: the second model's figure.
        difference: b - a with its 95 % bootstrap interval.
        mcnemar: the exact test of the number of right answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: PairedMetric
    a: float
    b: float
    difference: Interval
    mcnemar: McNemar


def mcnemar(labels: ArrayLike, predicted_a: ArrayLike, predicted_b: ArrayLike) -> McNemar:
    """Test whether two models differ in how many pictures they name right; all arguments ``(N,)`` class indices.

    Raises:
        DataError: the lengths differ.
    """
    true, first, second = np.asarray(labels), np.asarray(predicted_a), np.asarray(predicted_b)
    if not true.shape == first.shape == second.shape:
        raise DataError(
            f"{len(true)} labels, {len(first)} and {len(second)} predictions; give one of each per picture."
        )
    only_a = int(((first == true) & (second != true)).sum())
    only_b = int(((first != true) & (second == true)).sum())
    return McNemar(only_a=only_a, only_b=only_b, p_value=_binomial_p(min(only_a, only_b), only_a + only_b))


def paired_difference(
    labels: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    metric: PairedMetric = "balanced_accuracy",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> PairedDifference:
    """Compare two models on the same pictures.

    Both are measured on the same resampled pictures, so that what makes a sample hard for both cancels out.

    Args:
        labels: ``(N,)`` true class indices.
        predicted_a: ``(N,)`` answers of the first model.
        predicted_b: ``(N,)`` answers of the second model.
        metric: the figure to compare.
        seed: of the resampling.
        resamples: number of bootstrap samples.

    Raises:
        DataError: lengths differ, nothing is given, or the figure is unknown.
    """
    if metric not in _FIGURES:
        raise DataError(f"'{metric}' cannot be compared; choose one of {', '.join(_FIGURES)}.")
    test = mcnemar(labels, predicted_a, predicted_b)
    classes = 1 + max(int(np.max(np.asarray(part), initial=0)) for part in (labels, predicted_a, predicted_b))
    triples = np.stack(
        [
            counts.class_indices(part, classes, what)
            for part, what in ((labels, "labels"), (predicted_a, "predictions of a"), (predicted_b, "predictions of b"))
        ]
    )
    cells, seen = np.unique(triples, axis=1, return_counts=True)
    figure = _FIGURES[metric]
    (a,), (b,) = (figure(_tables(cells[[0, model]], seen[None], classes)) for model in (1, 2))
    drawn = resampled_counts(seen, seed, resamples)
    first, second = (figure(_tables(cells[[0, model]], drawn, classes)) for model in (1, 2))
    difference = Interval.of(float(b - a), second - first)
    return PairedDifference(metric=metric, a=float(a), b=float(b), difference=difference, mcnemar=test)


def _tables(cells: IntArray, drawn: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Add up counts ``(B, C)`` of cells ``(2, C)`` into confusion matrices ``(B, classes, classes)``."""
    tables = np.zeros((classes, classes, len(drawn)), dtype=np.int64)
    np.add.at(tables, (cells[0], cells[1]), drawn.T)
    return tables.transpose(2, 0, 1)


def _binomial_p(fewer: int, total: int) -> float:
    """Return the two-sided p-value of `fewer` successes in `total` fair draws, in whole numbers and hence exact."""
    if total == 0:
        return 1.0
    ways = term = 1
    for drawn in range(fewer):
        term = term * (total - drawn) // (drawn + 1)
        ways += term
    return min(1.0, 2 * ways / (1 << total))
