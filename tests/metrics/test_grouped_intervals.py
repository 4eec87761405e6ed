"""Whole slides and patients are resampled, and what they hold alike widens the intervals."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tests.metrics.predicted import Predicted, make_predictions

from smearlab.data.cells import IntArray
from smearlab.errors import DataError
from smearlab.metrics import Metrics, evaluate_predictions
from smearlab.metrics.resampling import Grouping, design_effect, resampled_confusions

NAMES = ("a", "b")
OVERALL = ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1", "macro_auc", "ece")


def _slides(rng: np.random.Generator, slides: int, each: int, spread: float = 0.25) -> tuple[Predicted, IntArray]:
    """Draw pictures of slides that are easy or hard as a whole: right in .8 of the pictures on average."""
    groups = np.repeat(np.arange(slides), each)
    share = np.clip(0.8 + spread * rng.choice([-0.8, 0.8], slides), 0, 1)[groups]
    labels = rng.integers(0, 2, slides * each)
    right = rng.random(slides * each) < share
    confidence = rng.uniform(0.6, 0.9, slides * each)
    own = np.where(right, confidence, 1 - confidence)
    return Predicted(labels, np.where(np.arange(2) == labels[:, None], own[:, None], 1 - own[:, None])), groups


def _width(metrics: Metrics, name: str) -> float:
    figure = metrics.to_json()[name]
    return float(figure["high"] - figure["low"])


def test_slides_widen_every_interval_and_change_no_value() -> None:
    predicted, groups = _slides(np.random.default_rng(0), slides=30, each=40)
    single, grouped = (evaluate_predictions(*predicted, NAMES, groups=ids) for ids in (None, groups))
    for name in OVERALL:
        assert _width(grouped, name) > 1.5 * _width(single, name)
        assert grouped.to_json()[name]["value"] == single.to_json()[name]["value"]
    first, second = (metrics.per_class["a"].recall for metrics in (single, grouped))
    assert first is not None
    assert second is not None
    assert second.high - second.low > 1.5 * (first.high - first.low)


def test_with_slides_the_interval_covers_the_truth_and_without_them_it_does_not() -> None:
    rng = np.random.default_rng(0)
    covered = {"single": 0, "grouped": 0}
    for seed in range(100):
        predicted, groups = _slides(rng, slides=30, each=20)
        for name, ids in (("single", None), ("grouped", groups)):
            found = evaluate_predictions(*predicted, NAMES, seed, resamples=200, groups=ids).accuracy
            covered[name] += found.low <= 0.8 <= found.high
    assert covered["grouped"] >= 86
    assert covered["single"] < 75


def test_groups_of_one_picture_are_no_groups(predicted: Predicted) -> None:
    names = tuple("abcde")
    plain = evaluate_predictions(*predicted, names)
    rows = len(predicted.labels)
    assert evaluate_predictions(*predicted, names, groups=np.arange(rows)) == plain
    assert evaluate_predictions(*predicted, names, groups=[""] * rows) == plain


def test_a_single_group_is_resampled_by_its_pictures(predicted: Predicted) -> None:
    """Drawing the only slide again and again would give every interval no width at all."""
    names = tuple("abcde")
    alone = evaluate_predictions(*predicted, names, groups=["slide"] * len(predicted.labels))
    assert alone == evaluate_predictions(*predicted, names)


def test_names_and_numbers_of_groups_mean_the_same(predicted: Predicted) -> None:
    names, numbers = tuple("abcde"), np.arange(len(predicted.labels)) // 10 + 1000
    by_name = evaluate_predictions(*predicted, names, groups=numbers.astype(str))
    assert by_name == evaluate_predictions(*predicted, names, groups=numbers)


def test_an_empty_name_is_a_group_of_its_own() -> None:
    grouping = Grouping.of(["x", "", "y", "x", ""], 5)
    assert grouping.count == 4
    assert grouping.numbers is not None
    assert grouping.numbers[0] == grouping.numbers[3]
    assert len(set(grouping.numbers.tolist())) == 4


@pytest.mark.parametrize("groups", [["a"], [0.5, 1.5], [["a"], ["b"]]])
def test_wrong_groups_are_named(groups: list[object]) -> None:
    with pytest.raises(DataError, match="one string or whole number for each of the 2 pictures"):
        evaluate_predictions([0, 1], np.eye(2), NAMES, groups=np.array(groups))


def test_drawn_groups_come_whole() -> None:
    labels, named = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    grouping = Grouping.of([0, 0, 1, 1, 1], 5)
    drawn = resampled_confusions(labels, named, 2, grouping, seed=0, resamples=50)
    often = drawn[:, 0, 0]
    assert set(often.tolist()) == {0, 1, 2}
    assert np.array_equal(drawn[:, 0, 1], often)
    assert np.array_equal(drawn[:, 1, 1], 2 * (2 - often))
    assert np.array_equal(drawn[:, 1, 0], 2 - often)


def test_the_design_effect_is_the_number_of_copies() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.zeros(300, dtype=np.int64), 4)
    named = np.repeat(rng.integers(0, 2, 300), 4)
    drawn = resampled_confusions(labels, named, 2, Grouping.of(np.arange(1200) // 4, 1200), seed=0, resamples=2000)
    confusion = np.array([[(named == 0).sum(), (named == 1).sum()], [0, 0]])
    assert design_effect(confusion, drawn) == pytest.approx(4, rel=0.15)
    assert design_effect(np.array([[9, 0], [0, 9]]), np.ones((5, 2, 2))) == 1


def test_a_thousand_resamples_of_slides_are_quick() -> None:
    predicted = make_predictions(3000, 8, seed=0)
    start = time.process_time()
    evaluate_predictions(*predicted, tuple("abcdefgh"), groups=np.arange(3000) // 30)
    assert time.process_time() - start < 1.5
