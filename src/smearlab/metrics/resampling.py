"""What resampling draws, single pictures or whole groups, and the doubt that it cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.errors import DataError
from smearlab.metrics import counts
from smearlab.metrics.intervals import resampled_counts, resampled_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smearlab.data.cells import FloatArray, IntArray

FEW_GROUPS = 10
"""Below this number of groups the cluster bootstrap is known to be rough (Cameron, Gelbach & Miller 2008)."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which pictures are drawn together.

    Attributes:
        count: number of groups; the number of pictures where they are not grouped.
        numbers: ``int64 (N,)`` group of each picture from 0 without gaps, or None where pictures are drawn singly.
    """

    count: int
    numbers: IntArray | None

    @classmethod
    def of(cls, groups: ArrayLike | None, rows: int) -> Grouping:
        """Number the groups of `rows` pictures: ``(rows,)`` strings or whole numbers, or None.

        An empty string is a group of its own. A single group is no group: nothing can be drawn instead of it.

        Raises:
            DataError: the groups are not one string or whole number for each picture.
        """
        if groups is None:
            return cls(rows, None)
        ids = np.asarray(groups)
        if ids.shape != (rows,) or ids.dtype.kind not in "iuU":
            raise DataError(
                f"The groups are {ids.dtype} of shape {ids.shape}; give one string or whole number for each of the "
                f"{rows} pictures."
            )
        names, numbers = np.unique(ids, return_inverse=True)
        if ids.dtype.kind == "U" and names[0] == "":
            alone = np.flatnonzero(numbers == 0)
            numbers = numbers - 1
            numbers[alone] = len(names) - 1 + np.arange(len(alone))
        count = int(numbers.max()) + 1
        return cls(count, numbers.astype(np.int64) if 1 < count < rows else None)


def resampled_confusions(
    labels: IntArray, named: IntArray, classes: int, grouping: Grouping, seed: int, resamples: int
) -> FloatArray:
    """Return confusion matrices of bootstrap samples, ``float64 (resamples, classes, classes)``.

    Drawing groups is drawing their confusion matrices, so that pictures need not be touched again.
    """
    if grouping.numbers is None:
        drawn = resampled_counts(counts.confusion_matrix(labels, named, classes), seed, resamples)
        return drawn.astype(np.float64)
    cells = classes * classes
    entries = grouping.numbers * cells + labels * classes + named
    tables = np.bincount(entries, minlength=grouping.count * cells).reshape(grouping.count, cells).astype(np.float64)
    blocks = [often @ tables for often in resampled_weights(grouping.count, seed, resamples)]
    return np.concatenate(blocks).reshape(resamples, classes, classes)


def design_effect(confusion: IntArray, drawn: FloatArray) -> float:
    """Return how many pictures count as much as one independent picture, at least 1 (Kish 1965).

    It is the variance of the accuracy between resamples of groups over that of independent pictures. Exact intervals
    divide the number of pictures by it (Korn & Graubard 1998). It is 1 where all answers are right, or all wrong:
    then nothing shows how alike the pictures of a group are.
    """
    share = float(counts.accuracy(confusion))
    single = share * (1 - share) / confusion.sum()
    return max(1.0, float(counts.accuracy(drawn).var() / single)) if single > 0 else 1.0


def doubt_recalls(confusion: IntArray, drawn: FloatArray, seed: int, effect: float = 1.0) -> FloatArray:
    """Give width to classes that are always or never recognised, so that macro figures inherit it.

    Resampling nineteen right answers never gives a wrong one. The recall of such a class is therefore drawn from its
    posterior under Jeffreys' prior, Beta(right + 1/2, wrong + 1/2) (Brown, Cai & DasGupta 2001). Mistakes that nobody
    has seen go to all other classes alike.

    Args:
        confusion: ``int64 (k, k)`` the counts as they are.
        drawn: ``float64 (B, k, k)`` resampled.
        seed: of the draws from the posterior.
        effect: see `design_effect`.

    Returns:
        ``float64 (B, k, k)``, every class with the support it had.
    """
    support, hits = confusion.sum(1), np.diagonal(confusion)
    rng, doubted, classes = np.random.default_rng(seed), drawn.copy(), len(confusion)
    if classes == 1:
        return doubted
    for place in np.flatnonzero((support > 0) & ((hits == 0) | (hits == support))):
        turned = rng.beta(0.5, support[place] / effect + 0.5, len(drawn))[:, None]  # right to wrong, or wrong to right
        row, total = drawn[:, place], drawn[:, place].sum(1, keepdims=True)
        other = np.arange(classes) != place
        doubted[:, place] = row * (1 - turned) + total * turned * (other / (classes - 1) if hits[place] else ~other)
    return doubted


def doubt_areas(labels: IntArray, areas: FloatArray, drawn: FloatArray, seed: int, effect: float = 1.0) -> FloatArray:
    """Give width to classes whose area under the curve is all or none, which no resample would change.

    How far such an area can be trusted depends on the smaller side, positives or negatives (Obuchowski & Lieber
    2002); it is drawn from the posterior of that many trials, all of them right or wrong, under Jeffreys' prior.

    Args:
        labels: ``int64 (N,)``.
        areas: ``float64 (c,)`` areas of the classes that occur, as they are.
        drawn: ``float64 (c, B)`` resampled.
        seed: of the draws from the posterior.
        effect: see `design_effect`.
    """
    rng, doubted = np.random.default_rng(seed), drawn.copy()
    positives = np.unique(labels, return_counts=True)[1]
    for place in np.flatnonzero((areas == 0) | (areas == 1)):
        trials = min(positives[place], len(labels) - positives[place]) / effect
        turned = rng.beta(0.5, trials + 0.5, drawn.shape[1])
        doubted[place] = np.where(np.isfinite(drawn[place]), np.abs(areas[place] - turned), np.nan)
    return doubted
