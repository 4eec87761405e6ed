"""Weights of the classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from smearlab.training.balancing import class_weights, recalls_of, worst_class_weights
from smearlab.training.recipe import BalanceConfig

COUNTS = np.array([10, 30, 60])


def weights(counts: np.ndarray = COUNTS, kind: str = "class_weights", **config: object) -> np.ndarray:
    balance = BalanceConfig.model_validate({"kind": kind, **config})
    return class_weights(counts, balance).numpy()


def test_full_power_is_scikit_learns_balanced() -> None:
    labels = np.repeat([0, 1, 2], COUNTS)
    np.testing.assert_allclose(weights(), compute_class_weight("balanced", classes=np.arange(3), y=labels), rtol=1e-6)
    assert float((weights() * COUNTS).sum()) == pytest.approx(100)


def test_plain_weights_are_all_pictures_over_the_class() -> None:
    np.testing.assert_allclose(weights(normalise="none"), [10, 100 / 30, 100 / 60], rtol=1e-6)


def test_weights_may_have_a_mean_of_one_over_the_classes() -> None:
    assert weights(normalise="classes").mean() == pytest.approx(1)
    np.testing.assert_allclose(weights(normalise="classes") / weights(), weights(normalise="classes")[0] / weights()[0])
    with_absent = weights(np.array([4, 0, 8]), normalise="classes")
    np.testing.assert_allclose(with_absent, [4 / 3, 0, 2 / 3], rtol=1e-6)


@pytest.mark.parametrize("normalise", ["pictures", "none"])
def test_half_power_is_the_root(normalise: str) -> None:
    whole = weights(normalise=normalise)
    np.testing.assert_allclose(weights(normalise=normalise, power=0.5), np.sqrt(whole), rtol=1e-6)


def test_a_class_without_pictures_weighs_nothing() -> None:
    assert weights(np.array([4, 0, 4])).tolist() == pytest.approx([8 / 12, 0, 8 / 12])


@pytest.mark.parametrize("kind", ["none", "oversample", "batches", "synthetic", "worst_classes"])
def test_other_kinds_begin_with_all_alike(kind: str) -> None:
    assert weights(kind=kind).tolist() == [1, 1, 1]


def test_the_worst_class_weighs_most_and_the_best_one() -> None:
    assert worst_class_weights([0.9, 0.5, None, 0.8], 2.0).tolist() == pytest.approx([1.0, 1.8, 1.0, 1.2])
    assert worst_class_weights([0.9, 0.5], 0.0).tolist() == [1.0, 1.0]
    assert worst_class_weights([None, None], 2.0).tolist() == [1.0, 1.0]


def test_recalls_are_read_in_the_order_of_the_classes() -> None:
    row = {"validation_recall_b": 0.5, "validation_recall_a": 0.25, "validation_loss": 1.0}
    assert recalls_of(row, ("a", "b", "c")) == [0.25, 0.5, None]
