"""Calibration figures agree with their definitions and with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from tests.metrics.predicted import Predicted, make_predictions

from smearlab.metrics import (
    Interval,
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)
from smearlab.metrics.calibration import bin_gaps, calibration_interval
from smearlab.metrics.intervals import resampled_weights


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


def _sample(rng: np.random.Generator, rows: int, stretch: float) -> tuple[Predicted, np.ndarray]:
    """Draw labels from probabilities, and say them with logits stretched; also how likely the answer is right."""
    logits = rng.normal(0, 1.5, (rows, 4))
    logits[np.arange(rows), rng.integers(0, 4, rows)] += 2.5
    truth, said = (np.exp(factor * logits) for factor in (1.0, stretch))
    truth, said = truth / truth.sum(1, keepdims=True), said / said.sum(1, keepdims=True)
    labels = (truth.cumsum(1) < rng.random((rows, 1))).sum(1).clip(0, 3)
    return Predicted(labels, said), truth[np.arange(rows), said.argmax(1)]


def _interval(predicted: Predicted, seed: int) -> Interval:
    weights = resampled_weights(len(predicted.labels), seed, resamples=200)
    return calibration_interval(*predicted, np.concatenate([bin_gaps(*predicted, block) for block in weights]), seed)


def _true_error(rng: np.random.Generator, stretch: float) -> float:
    """Return the binned error of very many pictures, without the chance of their labels."""
    predicted, right = _sample(rng, 400_000, stretch)
    confidence = predicted.probabilities.max(1)
    return float(np.abs(np.bincount(np.ceil(confidence * 15).astype(int), confidence - right)).sum() / 400_000)


@pytest.mark.parametrize("stretch", [1.0, 1.2, 1.8, 0.6])
@pytest.mark.parametrize("rows", [200, 600])
def test_the_interval_of_the_calibration_error_covers_the_truth(stretch: float, rows: int) -> None:
    rng = np.random.default_rng(1)
    truth = 0.0 if stretch == 1 else _true_error(rng, stretch)
    intervals = [_interval(_sample(rng, rows, stretch)[0], seed) for seed in range(80)]
    covered = [interval.low <= truth <= interval.high for interval in intervals]
    assert np.mean(covered) >= 0.87
    assert all(0 <= interval.low <= interval.value <= interval.high <= 1 for interval in intervals)


def test_a_badly_calibrated_model_is_told_from_a_calibrated_one() -> None:
    rng = np.random.default_rng(2)
    assert all(_interval(_sample(rng, 3000, 0.5)[0], seed).low > 0.1 for seed in range(5))


def test_right_answers_without_doubt_may_still_hide_some_error() -> None:
    labels = np.repeat([0, 1], 25)
    interval = _interval(Predicted(labels, np.eye(2)[labels]), seed=0)
    assert (interval.value, interval.low) == (0, 0)
    assert 0.01 < interval.high < 0.1
