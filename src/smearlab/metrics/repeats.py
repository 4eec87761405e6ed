"""Recipes compared over several runs and many conditions: intervals over pictures and runs together.

A recipe that is trained three times differs from itself, and a figure of one run says nothing about the next. Pictures
and runs are therefore resampled independently of each other (the pigeonhole bootstrap of crossed factors, Owen 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.errors import DataError
from smearlab.metrics.intervals import RESAMPLES, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import FloatArray, IntArray


def picture_weights(labels: IntArray, seed: int, resamples: int = RESAMPLES) -> FloatArray:
    """Draw pictures anew within each class, so that no class is ever missing.

    Args:
        labels: ``int64 (P,)``.
        seed: of the resampling; the same seed gives the same draws, which makes a comparison a paired one.
        resamples: number of bootstrap samples B.

    Returns:
        ``float64 (B + 1, P)`` how often each picture was drawn; the first row is the pictures as they are.
    """
    rng, weights = np.random.default_rng(seed), np.ones((resamples + 1, len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        weights[1:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return weights


def condition_figures(correct: NDArray[np.int8], labels: IntArray, weights: FloatArray) -> FloatArray:
    """Return the balanced accuracy of one run under each condition, for each resample.

    Args:
        correct: ``int8 (P, C)``: 1 right, 0 wrong, -1 where a picture was not shown under a condition.
        labels: ``int64 (P,)``.
        weights: ``float64 (B + 1, P)`` from `picture_weights`.

    Returns:
        ``float64 (B + 1, C)``, the first row undisturbed. A class none of whose pictures was drawn is left out of the
        mean; NaN where nothing was drawn.

    Raises:
        DataError: the shapes do not belong together.
    """
    if not len(correct) == len(labels) == weights.shape[1]:
        raise DataError(f"{len(correct)} rows of answers, {len(labels)} labels, {weights.shape[1]} weights differ.")
    shown, right = (correct >= 0).astype(np.float64), (correct == 1).astype(np.float64)
    total = np.zeros((len(weights), correct.shape[1]))
    classes = np.zeros_like(total)
    for label in np.unique(labels):
        members = labels == label
        drawn = weights[:, members] @ shown[members]
        hits = weights[:, members] @ right[members]
        total += np.divide(hits, drawn, out=np.zeros_like(hits), where=drawn > 0)
        classes += drawn > 0
    return np.divide(total, classes, out=np.full_like(total, np.nan), where=classes > 0)


def interval_over_runs(figures: FloatArray, seed: int = 0) -> Interval:
    """Return the mean of a figure over runs with its 95 % interval over pictures and runs.

    Args:
        figures: ``float64 (S, B + 1)``: a figure of each of S runs, undisturbed and for B resamples of the pictures.
        seed: of the resampling of the runs.

    Returns:
        The mean of the undisturbed figures. Drawing S of S runs understates their variance by (S - 1)/S, which with
        three runs is a third, so the deviations are stretched by the root of its inverse (Davison & Hinkley 1997). Of
        a single run, the interval is over pictures alone.
    """
    runs, draws = len(figures), figures.shape[1] - 1
    value, resampled = float(figures[:, 0].mean()), figures[:, 1:]
    over_pictures = resampled.mean(axis=0)
    if runs == 1:
        return Interval.of(value, over_pictures)
    rng = np.random.default_rng(seed)
    often = rng.multinomial(runs, np.full(runs, 1 / runs), draws).T / runs
    deviation = (often * resampled).sum(axis=0) - over_pictures
    return Interval.of(value, over_pictures + deviation * np.sqrt(runs / (runs - 1)))


def difference_over_runs(first: FloatArray, second: FloatArray, seed: int = 0) -> Interval:
    """Return by how much the second recipe's figure exceeds the first's, paired over runs and pictures.

    Args:
        first: ``float64 (S, B + 1)`` as for `interval_over_runs`; run s of both began with the same seed.
        second: the same of the other recipe, on the same pictures and resamples.
        seed: of the resampling of the runs.

    Raises:
        DataError: the numbers of runs or resamples differ.
    """
    if first.shape != second.shape:
        raise DataError(f"Runs and resamples of shape {first.shape} and {second.shape} cannot be paired.")
    return interval_over_runs(second - first, seed)
