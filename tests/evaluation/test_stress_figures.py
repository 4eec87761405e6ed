"""Figures of many conditions with paired intervals."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.evaluation.stress_figures import CLEAN, draw_figures
from smearlab.metrics import accuracy, balanced_accuracy, confusion_matrix, evaluate_predictions

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(3), (60, 30, 10)).astype(np.int64)
CLEAN_RIGHT = RNG.random(100) < 0.95
ALTERED_RIGHT = CLEAN_RIGHT & (RNG.random(100) < 0.8)
CORRECT = np.stack([CLEAN_RIGHT, ALTERED_RIGHT, ALTERED_RIGHT])


def test_the_figures_are_those_of_the_confusion_matrix() -> None:
    drawn = draw_figures(LABELS, CORRECT)
    for place, right in enumerate(CORRECT):
        confusion = confusion_matrix(LABELS, np.where(right, LABELS, (LABELS + 1) % 3), 3)
        assert drawn.accuracy[0, place] == pytest.approx(float(accuracy(confusion)))
        assert drawn.balanced_accuracy[0, place] == pytest.approx(float(balanced_accuracy(confusion)))
    assert drawn.accuracy.shape == (1001, 3)
    assert drawn.pictures == 100


def test_intervals_are_like_those_of_an_evaluation() -> None:
    found = draw_figures(LABELS, CORRECT).mean([1])
    probabilities = np.eye(3)[np.where(ALTERED_RIGHT, LABELS, (LABELS + 1) % 3)]
    expected = evaluate_predictions(LABELS, probabilities, ("a", "b", "c")).to_json()
    for name in ("accuracy", "balanced_accuracy"):
        for end in ("value", "low", "high"):
            assert found[name][end] == pytest.approx(expected[name][end], abs=0.02)


def test_equal_conditions_do_not_differ_by_chance() -> None:
    difference = draw_figures(LABELS, CORRECT).difference([1], [2])
    assert difference["accuracy"] == {"value": 0, "low": 0, "high": 0}
    assert difference["balanced_accuracy"] == {"value": 0, "low": 0, "high": 0}


def test_pairing_narrows_a_difference() -> None:
    """Two conditions that fail on the same pictures: their difference is surer than either figure."""
    hard = RNG.random(100) < 0.5
    slightly = hard.copy()
    slightly[np.flatnonzero(~hard)[:3]] = True
    drawn = draw_figures(LABELS, np.stack([slightly, hard]))
    loss, single = drawn.loss([1])["accuracy"], drawn.mean([1])["accuracy"]
    assert loss["value"] == pytest.approx(0.03)
    assert loss["high"] - loss["low"] < 0.5 * (single["high"] - single["low"])


def test_a_class_that_is_always_right_still_leaves_doubt() -> None:
    everything = np.ones((2, 100), np.bool_)
    drawn = draw_figures(LABELS, everything)
    assert drawn.mean([CLEAN])["balanced_accuracy"]["low"] < 0.99
    assert drawn.mean([CLEAN])["accuracy"]["low"] < 1
    assert drawn.difference([0], [1])["balanced_accuracy"] == {"value": 0, "low": 0, "high": 0}


def test_a_class_that_is_never_right_does_too() -> None:
    never = draw_figures(LABELS, np.zeros((1, 100), np.bool_)).mean([0])
    assert never["accuracy"]["value"] == never["balanced_accuracy"]["value"] == 0
    assert never["accuracy"]["high"] > 0
    assert never["balanced_accuracy"]["high"] > 0


def test_the_doubt_about_a_class_does_not_shift_means_over_conditions() -> None:
    """Ten pictures, all right as they are, half of them altered: the mean of both is 3/4 of them, give or take."""
    labels = np.zeros(10, np.int64)
    drawn = draw_figures(labels, np.array([[True] * 10, [True, False] * 5]))
    both = drawn.mean([0, 1])["balanced_accuracy"]
    assert both["value"] == pytest.approx(0.75)
    assert both["high"] - 0.75 == pytest.approx(0.75 - both["low"], abs=0.06)
    loss = drawn.loss([1])["balanced_accuracy"]
    assert loss["high"] - 0.5 == pytest.approx(0.5 - loss["low"], abs=0.11)


def test_slides_are_drawn_whole() -> None:
    """Ten slides, all right or all wrong: ten draws, not a hundred."""
    groups = np.array([f"slide {row % 10}" for row in range(100)])
    right = np.array([[row % 10 < 7 for row in range(100)]])
    single, whole = draw_figures(LABELS, right), draw_figures(LABELS, right, groups)
    width = [
        figures.mean([0])["accuracy"]["high"] - figures.mean([0])["accuracy"]["low"] for figures in (single, whole)
    ]
    assert width[1] > 2 * width[0]


def test_the_seed_decides() -> None:
    first, again, other = (draw_figures(LABELS, CORRECT, seed=seed).accuracy for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
