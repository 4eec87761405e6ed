"""Bootstrap intervals (Efron 1979): resample the pictures with replacement and read off percentiles.

Pictures of one slide or patient resemble each other; drawn singly they would promise more than they know. Where the
data has groups, whole groups are drawn (the cluster bootstrap, Field & Welsh 2007).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from smearlab.data.cells import FloatArray, IntArray

RESAMPLES = 1000
LEVEL = 0.95
_BLOCK_ENTRIES = 1 << 22  # weights held at once: 32 MiB


class Interval(BaseModel):
    """A figure with its 95 % interval.

    Attributes:
        value: the figure on the pictures as they are.
        low: lower end.
        high: upper end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, resampled: FloatArray, trials: float = 0) -> Interval:
        """Make the percentile interval of resampled figures ``float64 (B,)``; undefined ones (NaN) are left out.

        For figures that resampling does not shift; for a calibration error see `calibration.calibration_interval`.

        Resampling nineteen right answers out of nineteen never gives a wrong one, and an interval of 100–100 % would
        claim certainty. Where the figure is all or none of `trials`, the interval therefore reaches at least as far as
        the exact one of Clopper & Pearson (1934).

        The interval always reaches to the value itself, from which a class of a few pictures can hold it back.
        """
        known = resampled[np.isfinite(resampled)]
        low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) else (value, value)
        doubt = ((1 - LEVEL) / 2) ** (1 / trials) if trials else 1.0
        low = min(float(low), doubt if value == 1.0 else float(value))
        high = max(float(high), 1 - doubt if value == 0.0 else float(value))
        return cls(value=float(value), low=low, high=high)


def wilson(found: int, trials: int) -> Interval:
    """Return a share with the score interval of Wilson (1927), which holds also for rare things and few trials.

    >>> wilson(0, 10).low, round(wilson(0, 10).high, 3), round(wilson(5, 10).low, 3)
    (0.0, 0.278, 0.237)

    Args:
        found: how many of the trials, 0 to `trials`.
        trials: how many there were; where 0, nothing is known, and the interval is all of 0 to 1.
    """
    if not trials:
        return Interval(value=0.0, low=0.0, high=1.0)
    share = found / trials
    z2 = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2 / trials
    middle, half = (share + z2 / 2) / (1 + z2), math.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    # At both ends rounding could leave the interval a hair's breadth short of the share itself.
    return Interval(value=share, low=min(share, max(0.0, middle - half)), high=max(share, min(1.0, middle + half)))


def bootstrap(
    rows: int, figure: Callable[[FloatArray], FloatArray], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Return any figure that can be computed from weighted rows, with its interval.

    Args:
        rows: number of pictures N.
        figure: takes weights ``float64 (B, N)``, how often each picture was drawn, and returns ``float64 (B,)``.
        seed: of the resampling.
        resamples: number of bootstrap samples.
    """
    value = figure(np.ones((1, rows)))[0]
    resampled = [figure(weights) for weights in resampled_weights(rows, seed, resamples)]
    return Interval.of(float(value), np.concatenate(resampled))


def resampled_weights(
    rows: int, seed: int, resamples: int = RESAMPLES, groups: IntArray | None = None
) -> Iterator[FloatArray]:
    """Yield how often each picture is drawn in each bootstrap sample, in blocks ``float64 (b, rows)``.

    Args:
        rows: number of pictures.
        seed: of the resampling.
        resamples: number of bootstrap samples.
        groups: ``int64 (rows,)`` numbers from 0 without gaps; whole groups are drawn. Where None, single pictures.
    """
    rng = np.random.default_rng(seed)
    units = rows if groups is None else int(groups.max()) + 1
    block = max(1, _BLOCK_ENTRIES // max(1, rows))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = rng.integers(0, units, (count, units)) + np.arange(count)[:, None] * units
        often = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units).astype(np.float64)
        yield often if groups is None else often[:, groups]


def resampled_counts(counts: IntArray, seed: int, resamples: int = RESAMPLES) -> NDArray[np.int64]:
    """Resample a table of counts of any shape: ``int64 (resamples, *shape)``.

    Drawing pictures with replacement and counting them is a multinomial draw of the table's cells.
    """
    flat = counts.ravel().astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(int(counts.sum()), flat / flat.sum(), size=resamples)
    return drawn.reshape(resamples, *counts.shape)
