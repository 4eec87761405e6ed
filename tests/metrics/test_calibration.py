"""Calibration figures agree with their definitions and with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from tests.metrics.predicted import Predicted, make_predictions

from smearlab.metrics import brier_score, expected_calibration_error, negative_log_likelihood, reliability


def _ece_in_words(predicted: Predicted, bins: int) -> float:
    """Follow Guo et al. 2017, equations 2 and 3, bin by bin."""
    confidence, right = predicted.probabilities.max(1), predicted.probabilities.argmax(1) == predicted.labels
    error = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 6), st.sampled_from([5, 10, 15]))
def test_ece_follows_its_definition(seed: int, classes: int, bins: int) -> None:
    predicted = make_predictions(80, classes, seed)
    error = float(expected_calibration_error(*predicted, bins=bins))
    assert error == pytest.approx(_ece_in_words(predicted, bins))
    assert 0 <= error <= 1


def test_ece_of_certain_and_right_is_nought_and_of_certain_and_wrong_is_one() -> None:
    certain = np.eye(3)[[0, 1, 2]]
    assert expected_calibration_error(np.array([0, 1, 2]), certain) == 0
    assert expected_calibration_error(np.array([1, 2, 0]), certain) == 1


def test_weights_count_pictures_as_often_as_they_say(predicted: Predicted) -> None:
    often = np.random.default_rng(0).integers(0, 3, len(predicted.labels))
    repeated = np.repeat(np.arange(len(often)), often)
    weighted = expected_calibration_error(*predicted, weights=often[None].astype(float))
    plain = expected_calibration_error(predicted.labels[repeated], predicted.probabilities[repeated])
    assert weighted[0] == pytest.approx(float(plain))


def test_reliability_bins_hold_every_picture_and_give_the_error(predicted: Predicted) -> None:
    diagram = reliability(*predicted)
    filled = diagram.count > 0
    assert diagram.count.sum() == len(predicted.labels)
    gaps = np.abs(diagram.confidence - diagram.accuracy)[filled]
    error = (gaps * diagram.count[filled]).sum() / diagram.count.sum()
    assert error == pytest.approx(float(expected_calibration_error(*predicted)))
    assert (diagram.confidence[filled] <= diagram.edges[1:][filled] + 1e-12).all()
    assert np.isnan(diagram.accuracy[~filled]).all()


def test_likelihood_and_brier_score_agree_with_the_reference(predicted: Predicted) -> None:
    expected = reference.log_loss(predicted.labels, predicted.probabilities, labels=range(5))
    assert negative_log_likelihood(*predicted) == pytest.approx(expected)
    truth = np.eye(5)[predicted.labels]
    assert brier_score(*predicted) == pytest.approx(5 * reference.mean_squared_error(truth, predicted.probabilities))


def test_a_probability_of_nought_costs_much_but_not_everything() -> None:
    assert np.isfinite(negative_log_likelihood(np.array([1]), np.array([[1.0, 0.0]])))
