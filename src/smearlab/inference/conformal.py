"""Prediction sets: the classes a picture may be, so that its own is among them at a chosen rate.

Split conformal prediction with a quantile of its own for each class (Vovk 2012, "Conditional validity of inductive
conformal predictors"; Sadinle, Lei & Wasserman 2019, "Least ambiguous set-valued classifiers"): the promise holds for
every class by itself, for pictures that come from where the validation cells came from.
"""

from __future__ import annotations

import math

import numpy as np

from smearlab.data.cells import BoolArray, IntArray
from smearlab.errors import DataError
from smearlab.inference.spread import Doubles, Floats

COVERAGES = (0.8, 0.9, 0.95, 0.99)
"""Shares of pictures whose own class is to be in the set, for which quantiles are stored."""


def conformal_scores(probabilities: Doubles | Floats) -> Doubles:
    """How little each class is believed, ``1 - p``, on ``(n, k)`` probabilities: float64 ``(n, k)`` in 0 to 1.

    Of the scores that were compared (with APS, RAPS and margins) it gives the smallest sets at the measured coverage.
    """
    scores: Doubles = 1.0 - np.asarray(probabilities, np.float64)
    return scores


def fit_quantiles(scores: Doubles, labels: IntArray, coverages: tuple[float, ...] = COVERAGES) -> Floats:
    """Find the score up to which a class is in the set.

    A class of too few cells for a coverage (of fewer than 99 for 0.99) has the quantile of all cells together, as
    rare classes have in Ding et al. 2023; where even those are too few, 1, which lets every class in.

    Args:
        scores: float64 ``(n, k)``, of cells on which nothing was trained.
        labels: int64 ``(n,)``, true class indices.
        coverages: the shares wanted, each above 0 and below 1.

    Returns:
        float32 ``(q, k)``: one row per coverage.
    """
    own = scores[np.arange(len(labels)), labels]
    found = np.ones((len(coverages), scores.shape[1]))
    for row, coverage in enumerate(coverages):
        found[row] = _quantile(own, coverage) or 1.0
        for label in np.unique(labels):
            quantile = _quantile(own[labels == label], coverage)
            if quantile is not None:
                found[row, label] = quantile
    # Rounded up, because rounding down would drop the very cell at which the quantile lies.
    return np.nextafter(found.astype(np.float32), np.float32(2.0))


def prediction_masks(
    probabilities: Doubles | Floats, quantiles: Floats, coverages: Floats, coverage: float
) -> BoolArray:
    """Tell which classes are in each picture's set.

    Args:
        probabilities: ``(n, k)``, made as those that the quantiles were fitted to.
        quantiles: float32 ``(q, k)`` of `fit_quantiles`.
        coverages: float32 ``(q,)``, the coverage of each row.
        coverage: one of these.

    Returns:
        bool ``(n, k)``; a row may be empty: the picture is less typical than that share of every class.

    Raises:
        DataError: there are no quantiles for this coverage.
    """
    near = np.flatnonzero(np.isclose(coverages, coverage, atol=1e-4))
    if not len(near):
        known = ", ".join(f"{value:g}" for value in np.round(coverages.astype(np.float64), 4))
        raise DataError(f"The model has prediction sets for a coverage of {known}, not {coverage:g}. Choose one.")
    return np.asarray(conformal_scores(probabilities) <= quantiles[near[0]])


def _quantile(scores: Doubles, coverage: float) -> float | None:
    """Return the order statistic that promises the coverage in a finite sample; None where there is none so high."""
    # The small term: 0.95 * 20 is 19.000000000000004 in binary, and must not count as twenty.
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else None
