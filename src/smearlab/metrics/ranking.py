"""Area under the receiver operating characteristic, one class against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, IntArray


def macro_auc(labels: IntArray, probabilities: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the mean area under the curve of each class against the rest, on 0 to 1.

    Classes that do not occur, or are the only one, are left out; NaN where none remains.

    Args:
        labels: ``int64 (N,)``.
        probabilities: ``float64 (N, k)``; only their order within a class matters.
        weights: ``float64 (B, N)`` how often each picture counts; once where None.

    Returns:
        ``float64 (B,)``, or a single number ``float64 ()`` without weights.
    """
    mean = mean_area(class_areas(labels, probabilities, np.ones((1, len(labels))) if weights is None else weights))
    return np.asarray(mean[0]) if weights is None else mean


def class_areas(labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the area of each class that occurs, ``float64 (classes that occur, B)``; see `macro_auc`."""
    return np.stack([_class_auc(labels == label, probabilities[:, label], weights) for label in np.unique(labels)])


def mean_area(areas: FloatArray) -> FloatArray:
    """Return the mean ``float64 (B,)`` of the areas ``(classes, B)`` that are known; NaN where none is."""
    known = np.isfinite(areas)
    count = known.sum(0)
    total = np.where(known, areas, 0).sum(0)
    mean: FloatArray = np.divide(total, count, out=np.full(areas.shape[1], np.nan), where=count > 0)
    return mean


def _class_auc(
    positive: np.ndarray[tuple[int], np.dtype[np.bool_]], scores: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return ``float64 (B,)``: how often a positive scores above a negative, ties counted half (Mann & Whitney 1947).

    Only sums over the positives and over the negatives below each of them are needed, so the negatives are summed up
    once per resample in the order of their scores.
    """
    negatives = scores[~positive]
    order = np.argsort(negatives, kind="stable")
    below = np.searchsorted(negatives[order], scores[positive], side="left")
    upto = np.searchsorted(negatives[order], scores[positive], side="right")
    of_negatives = weights[:, ~positive][:, order]
    running = np.zeros((len(weights), len(negatives) + 1))
    np.cumsum(of_negatives, axis=1, out=running[:, 1:])
    of_positives = weights[:, positive]
    wins = (of_positives * (running[:, below] + running[:, upto])).sum(1) / 2
    pairs = of_positives.sum(1) * running[:, -1]
    areas: FloatArray = np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return areas
