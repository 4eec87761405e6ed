"""Intervals hold their value, repeat by seed and cover the truth about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from smearlab.metrics import Interval, bootstrap
from smearlab.metrics.intervals import resampled_counts, resampled_weights, wilson


@given(st.floats(0, 1), st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=30))
def test_an_interval_holds_its_value(value: float, resampled: list[float]) -> None:
    interval = Interval.of(value, np.array(resampled, dtype=np.float64))
    assert interval.low <= interval.value <= interval.high


def test_weights_are_draws_with_replacement() -> None:
    weights = np.concatenate(list(resampled_weights(50, seed=0, resamples=300)))
    assert weights.shape == (300, 50)
    assert (weights.sum(1) == 50).all()
    assert weights.var() == pytest.approx(1, abs=0.1)


def test_weights_come_in_blocks_for_many_pictures() -> None:
    blocks = [block.shape for block in resampled_weights(1_500_000, seed=0, resamples=3)]
    assert blocks == [(2, 1_500_000), (1, 1_500_000)]


def test_resampled_counts_keep_the_total_and_the_mean() -> None:
    counts = np.array([[30, 5], [0, 15]])
    drawn = resampled_counts(counts, seed=0, resamples=2000)
    assert (drawn.sum((1, 2)) == 50).all()
    assert (drawn[:, 1, 0] == 0).all()
    assert np.allclose(drawn.mean(0), counts, atol=0.5)


def test_bootstrap_of_a_mean_agrees_with_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    interval = bootstrap(400, lambda weights: weights @ values / weights.sum(1))
    assert interval.value == pytest.approx(values.mean())
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_the_seed_decides_the_interval() -> None:
    values = np.arange(40.0)

    def mean(weights: np.ndarray) -> np.ndarray:
        return np.asarray(weights @ values / weights.sum(1))

    assert bootstrap(40, mean, seed=1) == bootstrap(40, mean, seed=1)
    assert bootstrap(40, mean, seed=1) != bootstrap(40, mean, seed=2)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_intervals_cover_the_truth_about_as_often_as_they_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covered = 0
    for sample in rng.random((200, 120)) < 0.8:
        drawn = resampled_counts(
            np.array([sample.sum(), (~sample).sum()]), seed=int(rng.integers(1_000_000)), resamples=400
        )
        interval = Interval.of(float(sample.mean()), drawn[:, 0] / 120)
        covered += interval.low <= 0.8 <= interval.high
    assert 0.85 <= covered / 200 <= 1


@pytest.mark.parametrize(("found", "trials"), [(0, 1), (1, 1), (0, 40), (3, 40), (20, 40), (40, 40), (7, 13_000)])
def test_wilsons_interval_is_scipys(found: int, trials: int) -> None:
    expected = binomtest(found, trials).proportion_ci(method="wilson")
    interval = wilson(found, trials)
    assert interval.value == found / trials
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert interval.low <= interval.value <= interval.high


def test_of_no_trials_nothing_is_known() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
