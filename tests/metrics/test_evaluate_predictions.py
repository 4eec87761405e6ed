"""All figures of one set of predictions: their form, their intervals, their speed."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from sklearn import metrics as reference
from tests.metrics.predicted import Predicted, make_predictions

from smearlab.errors import DataError
from smearlab.metrics import evaluate_predictions

NAMES = ("a", "b", "c", "d", "e")
OVERALL = ("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "macro_auc", "ece")


def test_values_agree_with_the_reference(predicted: Predicted) -> None:
    labels, probabilities = predicted
    metrics = evaluate_predictions(labels, probabilities, NAMES)
    named = probabilities.argmax(1)
    assert metrics.accuracy.value == pytest.approx(reference.accuracy_score(labels, named))
    assert metrics.balanced_accuracy.value == pytest.approx(reference.balanced_accuracy_score(labels, named))
    assert metrics.macro_f1.value == pytest.approx(reference.f1_score(labels, named, average="macro"))
    assert metrics.macro_auc is not None
    expected = reference.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert metrics.macro_auc.value == pytest.approx(expected)
    assert metrics.confusion == reference.confusion_matrix(labels, named).tolist()


def test_the_json_has_the_documented_form(predicted: Predicted) -> None:
    found = json.loads(json.dumps(evaluate_predictions(*predicted, NAMES).to_json(), allow_nan=False))
    for name in OVERALL:
        assert set(found[name]) == {"value", "low", "high"}
    assert list(found["per_class"]) == list(NAMES)
    assert set(found["per_class"]["a"]) == {"precision", "recall", "f1", "support"}
    assert set(found["per_class"]["a"]["f1"]) == {"value", "low", "high"}
    assert found["n"] == 400 == np.sum(found["confusion"])


def test_every_interval_holds_its_value_and_has_a_width(predicted: Predicted) -> None:
    found = evaluate_predictions(*predicted, NAMES).to_json()
    figures = [found[name] for name in OVERALL]
    figures += [scores[what] for scores in found["per_class"].values() for what in ("precision", "recall", "f1")]
    for figure in figures:
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert figure["high"] > figure["low"]


def test_more_pictures_make_narrower_intervals() -> None:
    few, many = (evaluate_predictions(*make_predictions(rows, 5, seed=1), NAMES) for rows in (100, 1600))
    ratio = (few.accuracy.high - few.accuracy.low) / (many.accuracy.high - many.accuracy.low)
    assert ratio == pytest.approx(4, rel=0.3)


def test_the_order_of_the_pictures_changes_no_figure(predicted: Predicted) -> None:
    order = np.random.default_rng(0).permutation(len(predicted.labels))
    straight = evaluate_predictions(*predicted, NAMES).to_json()
    shuffled = evaluate_predictions(predicted.labels[order], predicted.probabilities[order], NAMES).to_json()
    for name in OVERALL:
        assert shuffled[name]["value"] == pytest.approx(straight[name]["value"])


def test_the_seed_decides_every_interval(predicted: Predicted) -> None:
    first, again, other = (evaluate_predictions(*predicted, NAMES, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.ece != other.ece


def test_a_class_without_pictures_has_nought_and_no_part_in_the_means() -> None:
    metrics = evaluate_predictions([0, 0, 1], np.eye(3)[[0, 0, 1]], ("a", "b", "never"))
    assert metrics.balanced_accuracy.value == 1
    assert metrics.per_class["never"].support == 0
    assert metrics.per_class["never"].recall.value == 0


def test_a_single_class_has_no_area_under_the_curve() -> None:
    metrics = evaluate_predictions([0, 0], np.array([[0.9, 0.1], [0.2, 0.8]]), ("a", "b"))
    assert metrics.macro_auc is None
    assert metrics.accuracy.value == 0.5


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.ones((3, 2)), r"2 labels and 2 classes need \(2, 2\)"),
        (np.ones(2), "shape"),
        (np.array([[0.5, 0.5], [np.nan, 0.5]]), "Row 1 of the probabilities is not finite"),
    ],
)
def test_wrong_probabilities_are_named(probabilities: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate_predictions([0, 1], probabilities, ("a", "b"))


def test_a_thousand_resamples_of_a_real_test_part_are_quick() -> None:
    predicted = make_predictions(3000, 8, seed=0)
    start = time.process_time()
    evaluate_predictions(*predicted, tuple("abcdefgh"))
    assert time.process_time() - start < 1.5


def test_all_right_is_not_certainty() -> None:
    """Nineteen of nineteen: the exact 95 % interval of Clopper and Pearson starts at 0.025 ** (1 / 19)."""
    labels = np.repeat([0, 1], [19, 40])
    probabilities = np.eye(2)[labels]

    metrics = evaluate_predictions(labels, probabilities, ("basophil", "monocyte"))

    assert metrics.per_class["basophil"].recall.low == pytest.approx(0.025 ** (1 / 19))
    assert metrics.per_class["basophil"].recall.high == 1
    assert metrics.per_class["monocyte"].precision.low == pytest.approx(0.025 ** (1 / 40))
    assert metrics.accuracy.low == pytest.approx(0.025 ** (1 / 59))


def test_all_wrong_is_not_certainty_either() -> None:
    labels = np.array([0, 0, 0, 1])
    probabilities = np.eye(2)[[1, 1, 1, 1]]

    recall = evaluate_predictions(labels, probabilities, ("basophil", "monocyte")).per_class["basophil"].recall

    assert (recall.value, recall.low) == (0, 0)
    assert recall.high == pytest.approx(1 - 0.025 ** (1 / 3))
