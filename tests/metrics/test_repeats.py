"""Figures over runs and conditions, with intervals over pictures and runs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score

from smearlab.errors import DataError
from smearlab.metrics.repeats import condition_figures, difference_over_runs, interval_over_runs, picture_weights

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(4), [30, 20, 10, 5])


def answers(rate: float, rng: np.random.Generator, conditions: int = 3) -> np.ndarray:
    return (rng.random((len(LABELS), conditions)) < rate).astype(np.int8)


def _macro_recall(labels: np.ndarray, predicted: np.ndarray) -> float:
    return float(recall_score(labels, predicted, labels=np.unique(labels), average="macro"))


def test_weights_keep_every_class_as_large_as_it_is() -> None:
    weights = picture_weights(LABELS, 0, 50)
    assert weights.shape == (51, len(LABELS))
    assert (weights[0] == 1).all()
    for label, size in enumerate(np.bincount(LABELS)):
        assert (weights[:, label == LABELS].sum(axis=1) == size).all()
    assert not (weights[1] == weights[2]).all()


def test_undisturbed_figures_are_the_balanced_accuracy_of_the_pictures_shown() -> None:
    correct = answers(0.7, RNG)
    correct[::3, 1] = -1
    figures = condition_figures(correct, LABELS, picture_weights(LABELS, 0, 5))
    for condition in range(3):
        shown = correct[:, condition] >= 0
        predicted = np.where(correct[shown, condition] == 1, LABELS[shown], (LABELS[shown] + 1) % 4)
        assert figures[0, condition] == pytest.approx(_macro_recall(LABELS[shown], predicted))


def test_resampled_figures_weigh_the_pictures_as_drawn() -> None:
    correct, weights = answers(0.6, RNG), picture_weights(LABELS, 3, 4)
    figures = condition_figures(correct, LABELS, weights)
    drawn = np.repeat(np.arange(len(LABELS)), weights[2].astype(int))
    expected = np.mean([correct[drawn][LABELS[drawn] == label, 0].mean() for label in range(4)])
    assert figures[2, 0] == pytest.approx(expected)


def test_a_class_that_was_not_shown_is_left_out() -> None:
    correct = np.ones((len(LABELS), 1), np.int8)
    correct[LABELS == 3] = -1
    assert condition_figures(correct, LABELS, picture_weights(LABELS, 0, 3))[:, 0] == pytest.approx(np.ones(4))


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match="differ"):
        condition_figures(answers(1.0, RNG)[:-1], LABELS, picture_weights(LABELS, 0, 3))
    with pytest.raises(DataError, match="paired"):
        difference_over_runs(np.zeros((2, 4)), np.zeros((3, 4)))


def test_runs_that_differ_widen_the_interval() -> None:
    pictures = RNG.normal(0, 0.01, 2001)
    alike = np.stack([0.8 + pictures] * 3)
    apart = alike + np.array([[-0.1], [0.0], [0.1]])
    narrow, wide = interval_over_runs(alike), interval_over_runs(apart)
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_the_interval_over_runs_has_the_variance_of_a_mean_of_runs() -> None:
    runs = RNG.normal(0.8, 0.02, 8)
    interval = interval_over_runs(np.repeat(runs[:, None], 20001, axis=1))
    expected = 2 * 1.96 * runs.std(ddof=1) / np.sqrt(8)
    assert interval.high - interval.low == pytest.approx(expected, rel=0.12)


def test_what_both_recipes_share_cancels_in_their_difference() -> None:
    shared = RNG.normal(0, 0.1, (3, 501))
    difference = difference_over_runs(shared, shared + 0.02)
    assert (difference.low, difference.value, difference.high) == pytest.approx((0.02, 0.02, 0.02))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    labels, hits, trials = np.repeat(np.arange(2), 60), 0, 120
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        weights = picture_weights(labels, trial, 200)
        runs = [
            condition_figures((rng.random((120, 1)) < 0.8 + rng.normal(0, 0.03)).astype(np.int8), labels, weights)[:, 0]
            for _ in range(5)
        ]
        interval = interval_over_runs(np.stack(runs), trial)
        hits += interval.low <= 0.8 <= interval.high
    assert 0.86 <= hits / trials <= 1.0


def test_a_single_run_has_an_interval_over_pictures_alone() -> None:
    labels = np.repeat(np.arange(2), 50)
    figures = condition_figures((RNG.random((100, 1)) < 0.7).astype(np.int8), labels, picture_weights(labels, 0, 2000))
    interval = interval_over_runs(figures.T)
    assert 0.12 < interval.high - interval.low < 0.25
