"""Figures of many conditions on the same pictures, with intervals that know that the pictures are the same.

Each bootstrap sample draws pictures (or whole slides) once and measures every condition on them, so that what makes a
sample hard for all conditions cancels out of differences and ratios.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.metrics.intervals import RESAMPLES, Interval, resampled_weights
from smearlab.metrics.resampling import Grouping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import BoolArray, FloatArray, IntArray, StrArray

CLEAN = 0
"""Position of the unaltered pictures among the conditions."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Figures of every condition as they are, and on every bootstrap sample.

    Attributes:
        accuracy: ``float64 (1 + B, C)``; the first row is the figure itself, the others are resampled.
        recalls: ``float64 (k, 1 + B, C)`` of the classes that occur; NaN where a sample has no picture of a class.
        turned: ``float64 (k, B)`` how much of a recall of 1 or 0 may be chance, see `draw_figures`.
        pictures: number of pictures.
    """

    accuracy: FloatArray
    recalls: FloatArray
    turned: FloatArray
    pictures: int

    @property
    def balanced_accuracy(self) -> FloatArray:
        """Mean recall of the classes: ``float64 (1 + B, C)``."""
        return np.asarray(np.nanmean(self.recalls, axis=0))

    def mean(self, places: Sequence[int]) -> dict[str, dict[str, float]]:
        """Return both figures averaged over some conditions, as ``{name: {value, low, high}}``."""
        chosen = list(places)
        recalls = self._doubted(self.recalls[:, :, chosen].mean(axis=2))
        return {
            "accuracy": interval(self.accuracy[:, chosen].mean(1), self.pictures if len(chosen) == 1 else 0),
            "balanced_accuracy": interval(np.nanmean(recalls, axis=0)),
        }

    def difference(self, first: Sequence[int], second: Sequence[int]) -> dict[str, dict[str, float]]:
        """Return the mean over `first` minus that over `second`, pictures paired."""
        tables = {"accuracy": self.accuracy, "balanced_accuracy": self.balanced_accuracy}
        return {
            name: interval(table[:, list(first)].mean(1) - table[:, list(second)].mean(1))
            for name, table in tables.items()
        }

    def loss(self, places: Sequence[int]) -> dict[str, dict[str, float]]:
        """Return how much lower the mean over some conditions is than the figure of unaltered pictures."""
        return self.difference([CLEAN], places)

    def _doubted(self, recalls: FloatArray) -> FloatArray:
        """Give width to recalls ``(k, 1 + B)`` that are 1 or 0."""
        doubted = recalls.copy()
        doubted[recalls[:, 0] == 1, 1:] = 1 - self.turned[recalls[:, 0] == 1]
        doubted[recalls[:, 0] == 0, 1:] = self.turned[recalls[:, 0] == 0]
        return doubted


def draw_figures(
    labels: IntArray,
    correct: BoolArray,
    groups: StrArray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Drawn:
    """Measure every condition on the pictures and on bootstrap samples of them.

    A class that is always or never recognised does not vary between samples; its recall is drawn from its posterior
    under Jeffreys' prior instead (Brown, Cai & DasGupta 2001), as the figures of an evaluation do.

    Args:
        labels: ``int64 (n,)`` true classes.
        correct: ``bool (C, n)`` whether each condition's answer was right; unaltered pictures first.
        groups: ``str (n,)`` slides or patients, drawn whole; None draws single pictures.
        seed: of the resampling.
        resamples: number of bootstrap samples.
    """
    grouping = Grouping.of(groups, len(labels))
    weights = [np.ones((1, len(labels))), *resampled_weights(len(labels), seed, resamples, grouping.numbers)]
    present, counts = np.unique(labels, return_counts=True)
    recalls = np.full((len(present), 1 + resamples, len(correct)), np.nan)
    right, total = np.zeros((1 + resamples, len(correct))), np.zeros((1 + resamples, 1))
    for place, label in enumerate(present):
        rows = np.flatnonzero(labels == label)
        hits = correct[:, rows].T.astype(np.float64)
        counted = np.concatenate([block[:, rows] @ hits for block in weights])
        drawn = np.concatenate([block[:, rows].sum(1, keepdims=True) for block in weights])
        np.divide(counted, drawn, out=recalls[place], where=drawn > 0)
        right, total = right + counted, total + drawn
    turned = np.random.default_rng(seed).beta(0.5, counts[:, None] + 0.5, (len(present), resamples))
    return Drawn(right / total, recalls, turned, len(labels))


def interval(drawn: FloatArray, trials: int = 0) -> dict[str, float]:
    """Return ``{value, low, high}`` of figures ``float64 (1 + B,)`` whose first is the figure itself."""
    return Interval.of(float(drawn[0]), drawn[1:], trials).model_dump()
