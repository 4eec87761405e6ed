from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from smearlab.errors import DataError
from smearlab.inference.conformal import COVERAGES, conformal_scores, fit_quantiles, prediction_masks
from smearlab.inference.spread import Floats
from smearlab.inference.trust import softmax


def answers(count: int, seed: int) -> tuple[Floats, np.ndarray]:
    """Probabilities of four classes of which the last is rare, and hard."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, count, p=[0.4, 0.3, 0.2, 0.1])
    logits = np.array([4.0, 3.0, 3.0, 1.0])[labels][:, None] * np.eye(4)[labels] + rng.normal(0, 1, (count, 4))
    return softmax(logits).astype(np.float32), labels


@pytest.mark.parametrize("coverage", COVERAGES)
def test_every_class_is_covered_as_promised(coverage: float) -> None:
    known, labels = answers(20000, 0)
    quantiles = fit_quantiles(conformal_scores(known), labels)
    new, truth = answers(20000, 1)
    masks = prediction_masks(new, quantiles, np.array(COVERAGES, np.float32), coverage)
    hit = masks[np.arange(len(new)), truth]
    for label in range(4):
        assert hit[truth == label].mean() == pytest.approx(coverage, abs=0.03)
    assert hit.mean() == pytest.approx(coverage, abs=0.015)


def test_the_promise_holds_in_a_small_sample_on_average() -> None:
    shares = []
    for seed in range(200):
        known, labels = answers(200, seed)
        quantiles = fit_quantiles(conformal_scores(known), labels, (0.9,))
        new, truth = answers(300, 1000 + seed)
        masks = prediction_masks(new, quantiles, np.array([0.9], np.float32), 0.9)
        shares.append(masks[np.arange(300), truth].mean())
    assert 0.9 <= np.mean(shares) <= 0.97


def test_ranks_are_counted_exactly() -> None:
    scores = np.arange(19)[:, None] / 20.0
    assert fit_quantiles(scores, np.zeros(19, np.int64), (0.95,))[0, 0] == pytest.approx(0.9, abs=1e-6)


def test_a_rare_class_takes_the_quantile_of_all_and_too_few_let_everything_in() -> None:
    rng = np.random.default_rng(0)
    labels = np.r_[np.zeros(150, np.int64), np.ones(10, np.int64)]
    scores = rng.uniform(0, 0.5, (160, 2))
    own = np.sort(scores[np.arange(160), labels])
    assert fit_quantiles(scores, labels, (0.99,))[0, 1] == pytest.approx(own[159])
    assert np.all(fit_quantiles(scores[:20], labels[:20], (0.99,)) >= 1)


def test_wider_coverage_never_loses_a_class() -> None:
    known, labels = answers(2000, 2)
    quantiles, coverages = fit_quantiles(conformal_scores(known), labels), np.array(COVERAGES, np.float32)
    masks = [prediction_masks(known, quantiles, coverages, coverage) for coverage in COVERAGES]
    for narrow, wide in pairwise(masks):
        assert np.all(wide | ~narrow)


def test_an_unknown_coverage_names_those_known() -> None:
    known, labels = answers(200, 3)
    quantiles = fit_quantiles(conformal_scores(known), labels)
    with pytest.raises(DataError, match=r"0\.8, 0\.9, 0\.95, 0\.99, not 0\.7"):
        prediction_masks(known, quantiles, np.array(COVERAGES, np.float32), 0.7)
