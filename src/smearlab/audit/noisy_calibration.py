"""How sure a judge may be, estimated on labels of which some are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.errors import require
from smearlab.inference.trust import TEMPERATURE_LIMITS, softmax

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, IntArray

FLOOR = 1e-6
"""Least probability that any judge may give: none is so sure that it could overrule all others by itself."""
_LARGEST_NOISE = 0.5


class NoiseFit(NamedTuple):
    """What fits the labels best.

    Attributes:
        temperature: by which the judge's log-probabilities are divided; below 1 for a judge that is too cautious.
        noise: share of labels that were drawn at random, in 0 to 0.5.
    """

    temperature: float
    noise: float


def fit_noise(chances: FloatArray, labels: IntArray) -> NoiseFit:
    """Fit a temperature and a share of random labels by maximum likelihood.

    Plain temperature scaling (Guo et al. 2017) takes every label for right, so that a few wrong ones ask for much
    doubt about all. Here a label is, with a small probability, drawn at random instead of named by the judge.

    Args:
        chances: ``float64 (n, k)`` probabilities by a judge that did not see the labels, n ≥ 1.
        labels: ``int64 (n,)``.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    require("scipy", "train", "Judging labels")
    from scipy.optimize import minimize

    scores, rows = np.log(np.maximum(chances, FLOOR)), np.arange(len(labels))

    def loss(point: FloatArray) -> float:
        named = softmax(scores / np.exp(point[0]))[rows, labels]
        return float(-np.log((1 - point[1]) * named + point[1] / chances.shape[1]).mean())

    low, high = np.log(TEMPERATURE_LIMITS)
    bounds = [(low, high), (1e-4, _LARGEST_NOISE)]
    found = minimize(loss, x0=np.array([0.0, 0.02]), bounds=bounds, method="L-BFGS-B").x
    return NoiseFit(float(np.exp(found[0])), float(found[1]))


def calibrated(chances: FloatArray, fit: NoiseFit) -> FloatArray:
    """Return the probabilities ``float64 (n, k)`` of a judge as sure as it may be of the true class."""
    sharp = np.maximum(softmax(np.log(np.maximum(chances, FLOOR)) / fit.temperature), FLOOR)
    even: FloatArray = sharp / sharp.sum(1, keepdims=True)
    return even
