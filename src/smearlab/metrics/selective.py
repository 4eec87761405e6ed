"""Models that may abstain: accuracy against the share answered, and how well prediction sets keep their promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.metrics.intervals import Interval, wilson

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Abstention:
    """Accuracy where only the most confident answers are given (El-Yaniv & Wiener 2010).

    Attributes:
        answered: ``float64 (n,)`` share answered, rising to 1.
        accuracy: ``float64 (n,)`` of those.
        threshold: ``float64 (n,)`` the least confidence that was answered.
    """

    answered: FloatArray
    accuracy: FloatArray
    threshold: FloatArray

    @property
    def area(self) -> float:
        """Mean of the error over all shares answered (AURC, Geifman et al. 2019); 0 is best."""
        return float((1 - self.accuracy).mean())

    def share_at(self, accuracy: float) -> float:
        """Return the largest share that can be answered with at least this accuracy; 0 where there is none."""
        good = np.flatnonzero(self.accuracy >= accuracy)
        return float(self.answered[good[-1]]) if len(good) else 0.0


@dataclass(frozen=True)
class SetCoverage:
    """How well prediction sets keep their promise.

    Attributes:
        coverage: share of pictures whose own class is in the set.
        per_class: the same of each class; None for one without a picture.
        mean_size: classes per set.
        single: share of sets of exactly one class.
        empty: share of sets without any.
    """

    coverage: Interval
    per_class: tuple[Interval | None, ...]
    mean_size: float
    single: float
    empty: float


def abstention(confidence: FloatArray, correct: BoolArray) -> Abstention:
    """Return accuracy against the share answered.

    Args:
        confidence: ``float (n,)``, n at least 1; of equal ones all are answered together or none.
        correct: ``bool (n,)``.
    """
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    sorted_confidence = np.asarray(confidence, np.float64)[order]
    number = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(np.asarray(correct)[order]) / number
    last = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    return Abstention(number[last] / len(order), accuracy[last], sorted_confidence[last])


def set_coverage(masks: BoolArray, labels: IntArray) -> SetCoverage:
    """Measure prediction sets.

    Args:
        masks: ``bool (n, k)``, n at least 1: which classes are in each set.
        labels: ``int64 (n,)`` true classes.
    """
    hit, sizes = masks[np.arange(len(labels)), labels], masks.sum(1)
    own = [hit[labels == label] for label in range(masks.shape[1])]
    return SetCoverage(
        coverage=wilson(int(hit.sum()), len(hit)),
        per_class=tuple(wilson(int(one.sum()), len(one)) if len(one) else None for one in own),
        mean_size=float(sizes.mean()),
        single=float((sizes == 1).mean()),
        empty=float((sizes == 0).mean()),
    )
