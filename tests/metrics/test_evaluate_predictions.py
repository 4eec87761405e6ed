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


def test_a_class_without_pictures_has_no_figures_and_no_part_in_the_means() -> None:
    metrics = evaluate_predictions([0, 0, 1], np.eye(3)[[0, 0, 1]], ("a", "b", "never"))
    assert metrics.balanced_accuracy.value == 1
    never = metrics.to_json()["per_class"]["never"]
    assert never == {"precision": None, "recall": None, "f1": None, "support": 0}


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

    basophil, monocyte = metrics.per_class["basophil"], metrics.per_class["monocyte"]
    assert basophil.recall is not None
    assert monocyte.precision is not None
    assert basophil.recall.low == pytest.approx(0.025 ** (1 / 19))
    assert basophil.recall.high == 1
    assert monocyte.precision.low == pytest.approx(0.025 ** (1 / 40))
    assert metrics.accuracy.low == pytest.approx(0.025 ** (1 / 59))


def test_all_wrong_is_not_certainty_either() -> None:
    labels = np.array([0, 0, 0, 1])
    probabilities = np.eye(2)[[1, 1, 1, 1]]

    recall = evaluate_predictions(labels, probabilities, ("basophil", "monocyte")).per_class["basophil"].recall

    assert recall is not None
    assert (recall.value, recall.low) == (0, 0)
    assert recall.high == pytest.approx(1 - 0.025 ** (1 / 3))


MACRO = ("balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "macro_auc")


@pytest.mark.parametrize("grouped", [False, True])
def test_macro_figures_of_a_model_that_is_always_right_have_a_width(grouped: bool) -> None:
    labels = np.repeat([0, 1, 2], 20)
    groups = np.arange(60) % 12 if grouped else None
    found = evaluate_predictions(labels, np.eye(3)[labels], tuple("abc"), groups=groups).to_json()
    for name in MACRO:
        assert found[name]["high"] == found[name]["value"] == 1
        assert 0.9 < found[name]["low"] < 0.985
    assert (found["ece"]["low"], found["ece"]["value"]) == (0, 0)
    assert found["ece"]["high"] > 0.02


def test_one_class_always_right_and_the_others_always_wrong_has_a_width() -> None:
    """One recall is all and two are none, so that no resample differs from another."""
    labels = np.repeat([0, 1, 2], 20)
    found = evaluate_predictions(labels, np.eye(3)[np.zeros(60, dtype=int)], tuple("abc"))
    assert found.balanced_accuracy.value == pytest.approx(1 / 3)
    assert 0.29 < found.balanced_accuracy.low < 0.335
    assert 0.36 < found.balanced_accuracy.high < 0.45


def test_more_pictures_leave_less_doubt_about_a_class_that_is_always_right() -> None:
    lows = []
    for rows in (10, 1000):
        labels = np.repeat([0, 1], rows)
        lows.append(evaluate_predictions(labels, np.eye(2)[labels], ("a", "b")).balanced_accuracy.low)
    assert lows[0] < 0.95
    assert lows[1] > 0.997


def test_the_balanced_accuracy_covers_the_truth_where_classes_are_small_and_well_known() -> None:
    """With recalls of .97 and twenty pictures, half of the classes have no mistake in a sample."""
    rng = np.random.default_rng(0)
    labels, covered = np.repeat(np.arange(4), 20), 0
    for seed in range(150):
        named = np.where(rng.random(80) < 0.97, labels, (labels + 1) % 4)
        found = evaluate_predictions(labels, np.eye(4)[named], tuple("abcd"), seed, resamples=200)
        covered += found.balanced_accuracy.low <= 0.97 <= found.balanced_accuracy.high
    assert covered / 150 > 0.9
