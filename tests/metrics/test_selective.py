from __future__ import annotations

import numpy as np
import pytest

from smearlab.metrics.selective import abstention, set_coverage


def test_the_most_confident_are_answered_first() -> None:
    curve = abstention(np.array([0.6, 0.9, 0.8, 0.7]), np.array([False, True, True, False]))
    assert curve.answered.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 0.5])
    assert curve.threshold.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert curve.share_at(0.9) == 0.5
    assert curve.share_at(0.4) == 1.0
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidences_are_not_told_apart() -> None:
    curve = abstention(np.full(4, 0.5), np.array([True, True, False, False]))
    assert (curve.answered.tolist(), curve.accuracy.tolist()) == ([1.0], [0.5])
    assert curve.share_at(0.9) == 0.0


def test_sets_are_counted_by_class() -> None:
    masks = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], bool)
    found = set_coverage(masks, np.array([0, 0, 1, 1]))
    assert found.coverage.value == 0.75
    assert [one and one.value for one in found.per_class] == [1.0, 0.5, None]
    assert (found.mean_size, found.single, found.empty) == (1.0, 0.5, 0.25)
