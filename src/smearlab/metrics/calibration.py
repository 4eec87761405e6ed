"""How far probabilities can be believed: calibration error, reliability bins, Brier score, log-likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.metrics.intervals import Interval

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
    drawn = np.ones((1, len(labels))) if weights is None else weights
    errors = np.abs(bin_gaps(labels, probabilities, drawn, bins)).sum(1)
    return np.asarray(errors[0]) if weights is None else np.asarray(errors)


def bin_gaps(labels: IntArray, probabilities: FloatArray, weights: FloatArray, bins: int = BINS) -> FloatArray:
    """Return confidence minus accuracy of each bin times its share of the pictures, ``float64 (B, bins)``.

    The sum of their sizes is the expected calibration error; see there for the arguments.
    """
    confidence, correct, place = _top_label(labels, probabilities, bins)
    gaps = np.zeros((len(labels), bins))
    gaps[np.arange(len(labels)), place] = confidence - correct
    return np.asarray(weights @ gaps / weights.sum(1, keepdims=True))


def calibration_interval(
    labels: IntArray, probabilities: FloatArray, drawn: FloatArray, seed: int = 0, design_effect: float = 1.0
) -> Interval:
    """Return the expected calibration error with an interval that allows for its upward bias.

    The error adds up sizes of gaps, so chance alone makes it positive (Kumar et al. 2019), and every resample adds
    chance once more: plain percentiles lie too high and never reach 0, which a calibrated model deserves.

    - The lower end is that of a basic interval (Davison & Hinkley 1997, 5.2) with its centre mended: gaps within two
      standard errors of 0 are taken as 0 and the resamples' noise is put around the gaps that remain; how far those
      resamples exceed their centre is how far the error may exceed the truth.
    - The upper end is the value plus 1.96 standard errors. It does not count on the bias, which is small where the
      gaps are large; the reflected end of a basic interval fell short there.
    - A bin where all answers are right, or all wrong, shows no noise; its accuracy is drawn from the posterior under
      Jeffreys' prior (Brown et al. 2001).

    Simulated with 8 classes, accuracy 0.5 to 0.995, calibrated and with logits stretched or shrunk 0.6- to 1.5-fold,
    200, 600 and 3,000 pictures: the truth lay inside in 87 to 100 % of the samples, in 97 % on average. Percentiles
    covered it for calibrated models never, the plain basic interval in 40 to 85 %.

    Args:
        labels: ``int64 (N,)``.
        probabilities: ``float64 (N, k)``.
        drawn: ``float64 (B, bins)`` the `bin_gaps` of the resamples.
        seed: of the draws from the posterior.
        design_effect: how many pictures count as much as one independent picture, at least 1.
    """
    bins = drawn.shape[1]
    gaps = bin_gaps(labels, probabilities, np.ones((1, len(labels))), bins)[0]
    noise = drawn + _unseen_errors(labels, probabilities, drawn, seed, design_effect) - gaps
    value = float(np.abs(gaps).sum())
    beyond_chance = np.where(np.abs(gaps) > 2 * np.sqrt((noise**2).mean(0)), gaps, 0)
    excess = np.abs(beyond_chance + noise).sum(1) - np.abs(beyond_chance).sum()
    low = value - max(0.0, float(np.quantile(excess, 0.975)))
    high = value + 1.96 * float(np.abs(gaps + noise).sum(1).std())
    return Interval(value=value, low=max(0.0, low), high=min(1.0, high))


def _unseen_errors(
    labels: IntArray, probabilities: FloatArray, drawn: FloatArray, seed: int, design_effect: float
) -> FloatArray:
    """Draw what all-right and all-wrong bins may hide, as gaps ``float64 (B, bins)``; 0 in all other bins."""
    resamples, bins = drawn.shape
    _, correct, place = _top_label(labels, probabilities, bins)
    count, right = np.bincount(place, minlength=bins), np.bincount(place, correct, minlength=bins)
    rng = np.random.default_rng(seed)
    hidden = np.zeros_like(drawn)
    for number in np.flatnonzero((count > 0) & ((right == 0) | (right == count))):
        share = rng.beta(0.5, count[number] / design_effect + 0.5, resamples) * count[number] / len(labels)
        hidden[:, number] = share if right[number] else -share
    return hidden


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
