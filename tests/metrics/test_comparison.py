"""Paired comparisons see small differences that two separate intervals would not."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from smearlab.errors import DataError
from smearlab.metrics import balanced_accuracy, confusion_matrix, mcnemar, paired_difference
from smearlab.metrics.comparison import PairedMetric

TRIPLES = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=80)


@given(TRIPLES)
def test_mcnemar_is_the_exact_binomial_test(triples: list[tuple[int, int, int]]) -> None:
    labels, first, second = np.array(triples).T
    test = mcnemar(labels, first, second)
    discordant = test.only_a + test.only_b
    expected = binomtest(test.only_a, discordant).pvalue if discordant else 1.0
    assert test.p_value == pytest.approx(expected)
    assert discordant == ((first == labels) != (second == labels)).sum()


def test_mcnemar_bears_many_pictures() -> None:
    labels = np.zeros(20_000, dtype=np.int64)
    first, second = labels.copy(), labels.copy()
    first[:5000], second[5000:10_300] = 1, 1
    assert mcnemar(labels, first, second).p_value == pytest.approx(binomtest(5000, 10_300).pvalue)


@settings(max_examples=40, deadline=None)
@given(TRIPLES, st.sampled_from(get_args(PairedMetric)))
def test_the_difference_is_that_of_the_figures_and_changes_sign(
    triples: list[tuple[int, int, int]], metric: PairedMetric
) -> None:
    labels, first, second = np.array(triples).T
    forward = paired_difference(labels, first, second, metric, resamples=50)
    backward = paired_difference(labels, second, first, metric, resamples=50)
    assert forward.difference.value == pytest.approx(forward.b - forward.a)
    assert backward.difference.value == pytest.approx(-forward.difference.value)
    assert -1 <= forward.difference.low <= forward.difference.value <= forward.difference.high <= 1


def test_the_figures_are_those_of_each_model() -> None:
    rng = np.random.default_rng(0)
    labels, first, second = rng.integers(0, 4, (3, 200))
    compared = paired_difference(labels, first, second, "balanced_accuracy")
    assert compared.a == pytest.approx(float(balanced_accuracy(confusion_matrix(labels, first, 4))))
    assert compared.b == pytest.approx(float(balanced_accuracy(confusion_matrix(labels, second, 4))))


def test_equal_models_do_not_differ() -> None:
    labels = np.arange(60) % 3
    compared = paired_difference(labels, labels[::-1], labels[::-1])
    assert (compared.difference.low, compared.difference.high) == (0, 0)
    assert compared.mcnemar.p_value == 1


def test_pairing_sees_a_small_but_steady_gain() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1000)
    first = np.where(rng.random(1000) < 0.3, 1 - labels, labels)
    second = first.copy()
    mended = np.flatnonzero(first != labels)[:25]
    second[mended] = labels[mended]
    compared = paired_difference(labels, first, second, "accuracy")
    assert compared.difference.value == pytest.approx(0.025)
    assert compared.difference.low > 0.01
    assert compared.mcnemar.p_value < 1e-6


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="2 labels, 1 and 2 predictions"):
        mcnemar([0, 1], [0], [0, 1])
    with pytest.raises(DataError, match="cannot be compared"):
        paired_difference([0], [0], [0], "auc")  # type: ignore[arg-type]
