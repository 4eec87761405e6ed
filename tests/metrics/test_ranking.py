"""The area under the curve agrees with scikit-learn, ties and weights included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from tests.metrics.predicted import Predicted, make_predictions

from smearlab.metrics import macro_auc


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 6), st.integers(1, 3))
def test_auc_agrees_with_the_reference(seed: int, classes: int, decimals: int) -> None:
    labels, probabilities = make_predictions(120, classes, seed)
    rounded = np.round(probabilities, decimals)  # few decimals make many ties
    expected = [
        reference.roc_auc_score(labels == label, rounded[:, label])
        for label in np.unique(labels)
        if not (labels == label).all()
    ]
    assert macro_auc(labels, rounded) == pytest.approx(np.mean(expected))


def test_weights_count_pictures_as_often_as_they_say(predicted: Predicted) -> None:
    rng = np.random.default_rng(0)
    often = rng.integers(0, 3, (3, len(predicted.labels)))
    weighted = macro_auc(*predicted, weights=often.astype(float))
    for row, value in zip(often, weighted, strict=True):
        repeated = np.repeat(np.arange(len(row)), row)
        plain = macro_auc(predicted.labels[repeated], predicted.probabilities[repeated])
        assert value == pytest.approx(float(plain))


def test_perfect_reversed_and_constant_scores() -> None:
    labels = np.array([0, 0, 1, 1])
    perfect = np.eye(2)[labels]
    assert macro_auc(labels, perfect) == 1
    assert macro_auc(labels, 1 - perfect) == 0
    assert macro_auc(labels, np.full((4, 2), 0.5)) == 0.5


def test_absent_classes_are_left_out_and_a_single_class_is_undefined() -> None:
    labels = np.array([0, 2, 0, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1], [0.2, 0.5, 0.3]])
    assert macro_auc(labels, probabilities) == 1
    assert np.isnan(macro_auc(np.zeros(4, dtype=np.int64), probabilities))
