"""Which pictures an epoch shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smearlab.training.recipe import BalanceConfig, Recipe
from smearlab.training.sampling import epoch_order, fill_epoch, planned_steps, share_done, step_batches

LABELS = np.array([0] * 12 + [1] * 3 + [3] * 6, dtype=np.int64)  # class 2 has no picture


def order(kind: str, power: float = 1.0, seed: int = 0, epoch: int = 0, per_class: int = 0) -> np.ndarray:
    balance = BalanceConfig.model_validate({"kind": kind, "power": power, "per_class": per_class})
    return epoch_order(LABELS, balance, seed, epoch)


KINDS = ["none", "class_weights", "oversample", "batches", "synthetic", "worst_classes"]


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_epoch_decide(kind: str) -> None:
    first = order(kind)
    assert first.dtype == np.int64
    np.testing.assert_array_equal(first, order(kind))
    assert not np.array_equal(first, order(kind, epoch=1))
    assert not np.array_equal(first, order(kind, seed=1))


@pytest.mark.parametrize("kind", ["none", "class_weights", "synthetic", "worst_classes"])
def test_every_picture_comes_once(kind: str) -> None:
    shown = order(kind)
    assert sorted(shown.tolist()) == list(range(len(LABELS)))
    assert shown.tolist() != list(range(len(LABELS)))


@pytest.mark.parametrize(("power", "expected"), [(1.0, [12, 12, 12]), (0.5, [12, 6, 8]), (0.0, [12, 3, 6])])
def test_oversampling_repeats_small_classes(power: float, expected: list[int]) -> None:
    shown = order("oversample", power)
    assert np.bincount(LABELS[shown])[[0, 1, 3]].tolist() == expected
    times = np.bincount(shown, minlength=len(LABELS))
    for label in (0, 1, 3):  # within a class no picture is shown much more often than another
        assert np.ptp(times[label == LABELS]) <= 1
        assert times[label == LABELS].min() >= 1


@pytest.mark.parametrize(("per_class", "expected"), [(20, [20, 20, 20]), (5, [12, 5, 6]), (1, [12, 3, 6])])
def test_oversampling_fills_up_to_a_number_and_leaves_no_picture_out(per_class: int, expected: list[int]) -> None:
    shown = order("oversample", per_class=per_class)
    assert np.bincount(LABELS[shown])[[0, 1, 3]].tolist() == expected
    assert set(shown.tolist()) == set(range(len(LABELS)))


def test_balanced_batches_hold_the_classes_equally() -> None:
    shown = order("batches")
    assert len(shown) == len(LABELS)
    for batch in step_batches(shown, 6):
        assert np.bincount(LABELS[batch], minlength=4).tolist() == [2, 2, 0, 2]


def test_balanced_batches_show_all_pictures_of_small_classes_over_time() -> None:
    seen = {int(position) for epoch in range(30) for position in order("batches", epoch=epoch)}
    assert seen == set(range(len(LABELS)))


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60), batch=st.integers(1, 40), steps=st.integers(1, 12))
def test_an_epoch_has_at_least_the_steps_asked_for(count: int, batch: int, steps: int) -> None:
    shown = fill_epoch(np.arange(count, dtype=np.int64), batch, steps)
    batches = step_batches(shown, batch)
    assert len(batches) >= steps
    assert len(batches) == max(steps, count // batch)
    assert {len(one) for one in batches} == {batch}
    assert len(set(shown.tolist())) == count


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60), batch=st.integers(1, 80))
def test_batches_are_of_one_size_and_do_not_overlap(count: int, batch: int) -> None:
    batches = step_batches(np.arange(count, dtype=np.int64), batch)
    assert {len(one) for one in batches} == {min(batch, count)}
    joined = np.concatenate(batches)
    np.testing.assert_array_equal(joined, np.arange(len(joined)))
    assert count - len(joined) < min(batch, count)


def test_the_planned_steps_are_those_of_an_epoch() -> None:
    phases = ({"batch_size": 4}, {"batch_size": 8, "min_steps_per_epoch": 7}, {"batch_size": 500})
    plain = Recipe.model_validate({"phases": phases})
    assert planned_steps(LABELS, plain) == [5, 7, 1]
    assert planned_steps(LABELS, Recipe.model_validate({"balance": {"kind": "oversample"}, "phases": phases}))[0] == 9


def test_the_share_done_rises_from_0_to_1_over_all_phases() -> None:
    steps, epochs = [5, 2], [2, 3]
    shares = [
        share_done(steps, epochs, phase, epoch, step)
        for phase in (0, 1)
        for epoch in range(epochs[phase])
        for step in range(steps[phase])
    ]
    np.testing.assert_allclose(shares, np.arange(16) / 16)
    assert share_done(steps, epochs, 1, 3, 0) == 1.0
