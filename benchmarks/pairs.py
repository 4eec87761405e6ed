"""Judges pairs of rows that are said to be copies, where nothing says of which kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.audit_truth import wilson
from smearlab.metrics.intervals import Interval

if TYPE_CHECKING:
    from benchmarks.audit_truth import Case

_LOOKED_AT = 100
"""Pairs outside the known groups that are compared by their pixels; of more, so many at random stand for all."""


@dataclass(frozen=True)
class PairScore:
    """How well pairs of copies were found.

    Attributes:
        planted: rows that were planted as near copies.
        recalled: of them, those in a pair with a member of their own group.
        right: pairs that are right; an estimate where there were too many to compare.
        pairs: all pairs but those of junk, which is copied so often here that it would hide everything else.
    """

    planted: int
    recalled: int
    right: int
    pairs: int

    @property
    def near_recall(self) -> Interval:
        """Share of the planted near copies that were paired rightly, with Wilson's interval."""
        return wilson(self.recalled, self.planted)

    @property
    def precision(self) -> Interval:
        """Share of the pairs that are right, with Wilson's interval."""
        return wilson(self.right, self.pairs)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 where nothing is right."""
        recall, precision = self.near_recall.value, self.precision.value
        return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def judge_pairs(case: Case, links: Iterable[tuple[int, int]], seed: int = 0) -> PairScore:
    """Judge pairs: right within a known group of copies, or where the pixels show the same thing.

    Args:
        case: what was planted.
        links: pairs of rows, in any order and as often as one likes.
        seed: of which pairs are compared where there are too many.
    """
    pairs = {(min(pair), max(pair)) for pair in links if pair[0] != pair[1]}
    junk, clusters = case.junk, case.clusters
    pairs = {pair for pair in pairs if not set(pair) <= junk}
    inside = {pair for pair in pairs if clusters[pair[0]] == clusters[pair[1]]}
    outside = sorted(pairs - inside)
    chosen = np.random.default_rng(seed).permutation(len(outside))[:_LOOKED_AT]
    alike = sum(case.alike(*outside[place]) for place in chosen)
    natural = round(alike * len(outside) / max(1, len(chosen)))
    paired = {row for pair in inside for row in pair if case.pixels[pair[0]] != case.pixels[pair[1]]}
    planted = case.planted("near_duplicate")
    return PairScore(len(planted), len(planted & paired), len(inside) + natural, len(inside) + len(outside))
