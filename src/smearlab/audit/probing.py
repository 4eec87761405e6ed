"""Logistic regression on a network's features, fold by fold: the cheapest judge that learns the data's own classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.errors import require

if TYPE_CHECKING:
    from smearlab.audit.folds import Folds
    from smearlab.data.cells import FloatArray, IntArray
    from smearlab.inference.spread import Floats

STRENGTH = 1e-4
"""Inverse of the ridge penalty on standardised features: so small that single wrong labels bend no border."""
_STEPS = 200
_CONSTANT = 1e-6


def probe(features: Floats, labels: IntArray, folds: Folds, classes: int, strength: float = STRENGTH) -> FloatArray:
    """Judge every row by a logistic regression that was fitted on the other folds.

    Args:
        features: ``float32 (n, d)`` of a network that is not trained on.
        labels: ``int64 (n,)``.
        folds: who learns from whom.
        classes: how many there are.
        strength: inverse of the penalty, above 0.

    Returns:
        Probabilities ``float64 (n, classes)``; 0 for classes that the other folds do not have.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    require("sklearn", "train", "Judging labels")
    chances = np.zeros((len(labels), classes))
    for taught, judged in folds:
        if len(judged):
            chances[judged] = _fitted(features[taught], labels[taught], features[judged], classes, strength)
    return chances


def _fitted(features: Floats, labels: IntArray, judged: Floats, classes: int, strength: float) -> FloatArray:
    from sklearn.linear_model import LogisticRegression

    chances = np.zeros((len(judged), classes))
    present = np.unique(labels)
    if len(present) == 1:  # nothing to tell apart
        chances[:, present] = 1
        return chances
    mean, deviation = features.mean(0), features.std(0)
    deviation[deviation < _CONSTANT] = 1
    model = LogisticRegression(C=strength, max_iter=_STEPS)
    model.fit((features - mean) / deviation, labels)
    chances[:, model.classes_] = model.predict_proba((judged - mean) / deviation)
    return chances
