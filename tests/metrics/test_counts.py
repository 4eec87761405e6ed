"""The count figures agree with scikit-learn, one matrix or many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from smearlab.data.cells import IntArray
from smearlab.errors import DataError
from smearlab.metrics import (
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion_matrix,
    macro_f1,
    macro_precision,
    macro_recall,
)

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def _confusion(pairs: list[tuple[int, int]]) -> IntArray:
    labels, named = np.array(pairs).T
    return confusion_matrix(labels, named, 5)


@given(PAIRS)
def test_figures_agree_with_the_reference(pairs: list[tuple[int, int]]) -> None:
    labels, named = np.array(pairs).T
    confusion = confusion_matrix(labels, named, 5)
    present = np.unique(labels)
    assert np.array_equal(confusion, reference.confusion_matrix(labels, named, labels=range(5)))
    assert accuracy(confusion) == pytest.approx(reference.accuracy_score(labels, named))
    for ours, theirs in (
        (macro_precision, reference.precision_score),
        (macro_recall, reference.recall_score),
        (balanced_accuracy, reference.recall_score),
        (macro_f1, reference.f1_score),
    ):
        expected = theirs(labels, named, labels=present, average="macro", zero_division=0)
        assert ours(confusion) == pytest.approx(expected)


@given(PAIRS)
def test_class_scores_agree_with_the_reference(pairs: list[tuple[int, int]]) -> None:
    labels, named = np.array(pairs).T
    expected = reference.precision_recall_fscore_support(labels, named, labels=range(5), zero_division=0)
    for ours, theirs in zip(class_scores(confusion_matrix(labels, named, 5)), expected, strict=True):
        assert np.allclose(ours, theirs)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_pictures_does_not_matter(pairs: list[tuple[int, int]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (_confusion(order) for order in (pairs, shuffled))
    assert np.array_equal(first, second)


@given(PAIRS)
def test_figures_lie_between_nought_and_one(pairs: list[tuple[int, int]]) -> None:
    confusion = _confusion(pairs)
    for figure in (accuracy, balanced_accuracy, macro_precision, macro_f1):
        assert 0 <= figure(confusion) <= 1


def test_many_matrices_at_once_give_what_each_gives_alone() -> None:
    matrices = np.random.default_rng(0).integers(0, 9, (7, 4, 4))
    for figure in (accuracy, balanced_accuracy, macro_precision, macro_f1):
        assert np.allclose(figure(matrices), [figure(matrix) for matrix in matrices])


def test_a_class_that_does_not_occur_is_left_out_of_the_mean() -> None:
    confusion = confusion_matrix([0, 0, 1], [0, 2, 1], 3)
    assert balanced_accuracy(confusion) == pytest.approx(0.75)
    assert class_scores(confusion).support.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("labels", "named", "message"),
    [
        ([], [], "at least one"),
        ([0, 1], [0], "2 labels but 1 predicted"),
        ([0, 3], [0, 1], "Row 1 of the labels is 3"),
        ([0, -1], [0, 1], "Row 1 of the labels is -1"),
        ([0.5, 1.0], [0, 1], "whole class indices"),
        ([[0], [1]], [0, 1], "shape"),
    ],
)
def test_wrong_input_is_named(labels: list[int], named: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        confusion_matrix(labels, named, 3)
