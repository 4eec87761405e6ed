"""How far probabilities can be believed: calibration error, reliability bins, Brier score, log-likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, IntArray

BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """Top-label confidence against accuracy in bins of equal width.

    Attributes:
        edges: ``float64 (bins + 1,)`` from 0 to 1.
        confidence: ``float64 (bins,)`` mean confidence; NaN in an empty bin.
        accuracy: ``float64 (bins,)`` share of right answers; NaN in an empty bin.
        count: ``int64 (bins,)`` pictures.
    """

    edges: FloatArray
    confidence: FloatArray
    accuracy: FloatArray
    count: IntArray


def expected_calibration_error(
    labels: IntArray, probabilities: FloatArray, bins: int = BINS, weights: FloatArray | None = None
) -> FloatArray:
    """Return the expected calibration error of the top label (Guo et al. 2017), on 0 to 1.

    Args:
        labels: ``int64 (N,)``.
        probabilities: ``float64 (N, k)``.
        bins: bins of equal width; a confidence on an edge belongs to the bin below.
        weights: ``float64 (B, N)`` how often each picture counts; once where None.

    Returns:
        ``float64 (B,)``, or a single number ``float64 ()`` without weights.
    """
    confidence, correct, place = _top_label(labels, probabilities, bins)
    gaps = np.zeros((len(labels), bins))
    gaps[np.arange(len(labels)), place] = confidence - correct
    if weights is None:
        return np.asarray(np.abs(gaps.sum(0)).sum() / len(labels))
    return np.asarray(np.abs(weights @ gaps).sum(1) / weights.sum(1))


def reliability(labels: IntArray, probabilities: FloatArray, bins: int = BINS) -> Reliability:
    """Return the points of a reliability diagram; see `expected_calibration_error` for the arguments."""
    confidence, correct, place = _top_label(labels, probabilities, bins)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, minlength=bins) / count
        share = np.bincount(place, correct, minlength=bins) / count
    return Reliability(np.linspace(0, 1, bins + 1), mean_confidence, share, count.astype(np.int64))


def brier_score(labels: IntArray, probabilities: FloatArray) -> float:
    """Return the mean squared distance of the probabilities from the truth (Brier 1950), on 0 to 2."""
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(labels)), labels] = 1
    return float(((probabilities - truth) ** 2).sum(1).mean())


def negative_log_likelihood(labels: IntArray, probabilities: FloatArray) -> float:
    """Return the mean negative log-probability of the true class in nats; probabilities below 1e-12 count as that."""
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, 1e-12)).mean())


def _top_label(labels: IntArray, probabilities: FloatArray, bins: int) -> tuple[FloatArray, FloatArray, IntArray]:
    confidence = probabilities.max(1).astype(np.float64)
    correct = (probabilities.argmax(1) == labels).astype(np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return confidence, correct, place
