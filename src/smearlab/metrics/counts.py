"""Figures that follow from the confusion matrix: accuracy, precision, recall and F1.

Every function takes ``(…, k, k)`` matrices, true classes down and predicted classes across, so that one call serves a
single matrix and a thousand resampled ones. Macro figures are means over the classes that occur among the true labels;
a class that is never predicted has precision 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smearlab.data.cells import FloatArray, IntArray


class ClassScores(NamedTuple):
    """Scores of each class, ``float64 (…, k)`` on 0 to 1; 0 where a class is never predicted or never occurs."""

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


def confusion_matrix(labels: ArrayLike, predicted: ArrayLike, classes: int) -> IntArray:
    """Count true against predicted classes: ``int64 (classes, classes)``, true classes down.

    Args:
        labels: ``(N,)`` true class indices.
        predicted: ``(N,)`` predicted class indices.
        classes: number of classes.

    Raises:
        DataError: lengths differ, nothing is given, or an index is out of range.
    """
    true, named = class_indices(labels, classes, "labels"), class_indices(predicted, classes, "predicted classes")
    if len(true) != len(named):
        raise DataError(f"{len(true)} labels but {len(named)} predicted classes; give one of each for every picture.")
    counts: IntArray = np.bincount(true * classes + named, minlength=classes * classes).astype(np.int64)
    return counts.reshape(classes, classes)


def class_indices(values: ArrayLike, classes: int, what: str) -> IntArray:
    """Return class indices as ``int64 (N,)``, checked.

    Raises:
        DataError: there are none, they are no whole numbers, or one is outside ``0 … classes - 1``.
    """
    array = np.asarray(values)
    if array.ndim != 1 or not len(array):
        raise DataError(f"The {what} have shape {array.shape}; give one class index for each picture, at least one.")
    if array.dtype.kind not in "iu":
        raise DataError(f"The {what} are {array.dtype}; give whole class indices.")
    wrong = np.flatnonzero((array < 0) | (array >= classes))
    if len(wrong):
        raise DataError(
            f"Row {wrong[0]} of the {what} is {array[wrong[0]]}; "
            f"with {classes} classes they go from 0 to {classes - 1}."
        )
    return array.astype(np.int64)


def class_scores(confusion: NDArray[np.generic]) -> ClassScores:
    """Return precision, recall, F1 and support of each class."""
    counts = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    support, named = counts.sum(-1), counts.sum(-2)
    return ClassScores(_ratio(hits, named), _ratio(hits, support), _ratio(2 * hits, support + named), support)


def accuracy(confusion: NDArray[np.generic]) -> FloatArray:
    """Return the share of right answers, ``float64 (…,)``."""
    counts = np.asarray(confusion, dtype=np.float64)
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-1, -2)))


def balanced_accuracy(confusion: NDArray[np.generic]) -> FloatArray:
    """Return the mean recall of the classes that occur, ``float64 (…,)``."""
    scores = class_scores(confusion)
    return _macro(scores.recall, scores.support)


def macro_recall(confusion: NDArray[np.generic]) -> FloatArray:
    """Return the mean recall, ``float64 (…,)``: another name of the balanced accuracy."""
    return balanced_accuracy(confusion)


def macro_precision(confusion: NDArray[np.generic]) -> FloatArray:
    """Return the mean precision of the classes that occur, ``float64 (…,)``."""
    scores = class_scores(confusion)
    return _macro(scores.precision, scores.support)


def macro_f1(confusion: NDArray[np.generic]) -> FloatArray:
    """Return the mean F1 of the classes that occur, ``float64 (…,)``."""
    scores = class_scores(confusion)
    return _macro(scores.f1, scores.support)


def _macro(values: FloatArray, support: FloatArray) -> FloatArray:
    occurs = support > 0
    return _ratio((values * occurs).sum(-1), occurs.sum(-1))


def _ratio(top: NDArray[np.generic], bottom: NDArray[np.generic]) -> FloatArray:
    upper, lower = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    return np.divide(upper, lower, out=np.zeros(np.broadcast(upper, lower).shape), where=lower > 0)
