"""Mean, standard deviation and interval over folds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smearlab.evaluation.kfold_figures import spread


def test_mean_and_standard_deviation_are_the_usual_ones() -> None:
    values = [0.8, 0.9, 0.7, 0.85, 0.75]
    found = spread(values, 0.25)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert found.folds == tuple(values)


def test_the_interval_is_that_of_nadeau_and_bengio() -> None:
    # t(0.975, 4) = 2.776445; variance (1/5 + 1/4) · s² for five folds, each tested on a quarter of its training.
    values = [0.80, 0.82, 0.78, 0.81, 0.79]
    half = 2.776445 * math.sqrt(0.2 + 0.25) * np.std(values, ddof=1)
    found = spread(values, 0.25)
    assert found.low == pytest.approx(0.80 - half, rel=1e-5)
    assert found.high == pytest.approx(0.80 + half, rel=1e-5)


def test_shares_stay_shares() -> None:
    found = spread([0.99, 1.0, 0.5], 0.5)
    assert (found.low, found.high) == (0.0, 1.0)
    assert spread([0.5, 3.0], 0.5, math.inf).high > 1


def test_folds_without_the_figure_are_left_out() -> None:
    found = spread([0.5, math.nan, 0.7], 0.5)
    assert found.mean == pytest.approx(0.6)
    assert found.to_json()["folds"] == [0.5, None, 0.7]


def test_one_fold_has_no_spread_and_none_no_mean() -> None:
    assert spread([0.5, math.nan], 0.5).to_json() == {
        "mean": 0.5,
        "sd": None,
        "low": None,
        "high": None,
        "folds": [0.5, None],
    }
    assert spread([math.nan], 0.5).to_json()["mean"] is None
