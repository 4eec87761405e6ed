"""Predictions that several tests of the figures share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smearlab.data.cells import FloatArray, IntArray


class Predicted(NamedTuple):
    """Labels ``(N,)`` and probabilities ``(N, k)``."""

    labels: IntArray
    probabilities: FloatArray


def make_predictions(rows: int, classes: int, seed: int, skill: float = 1.5) -> Predicted:
    """Draw labels of uneven classes and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, rows, p=rng.dirichlet(np.full(classes, 5.0))).astype(np.int64)
    logits = rng.normal(0, 1, (rows, classes))
    logits[np.arange(rows), labels] += skill
    weights = np.exp(logits)
    return Predicted(labels, weights / weights.sum(1, keepdims=True))
