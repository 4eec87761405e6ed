"""A linear discriminant between cells and junk, on a network's features and numbers that describe the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from smearlab.audit.features import View
    from smearlab.data.cells import IntArray
    from smearlab.inference.trust import Trust

Doubles: TypeAlias = NDArray[np.float64]

SHRINKAGE = 0.1
"""Share of the mean variance that is added to every direction (Friedman 1989)."""
CLIP = 5.0
"""Standard deviations beyond which a number just counts as far away: junk can make a network's numbers huge."""

_CHUNK = 4096
_USUAL_DISTANCE = 0.8  # mean distance of a normal variable from its mean, in deviations


@dataclass(frozen=True, eq=False)
class Columns:
    """How pictures are made into rows of numbers: centred and scaled by what is usual among cells.

    Attributes:
        features: mean and scale, float32 ``(2, d)``.
        appearance: mean and scale, float32 ``(2, a)``; None leaves the appearance out.
    """

    features: NDArray[np.float32]
    appearance: NDArray[np.float32] | None

    def of(self, view: View) -> NDArray[np.float32]:
        """Return the numbers of pictures, float32 ``(n, d)`` or ``(n, d + 2a)``.

        Of the appearance also the distance from what is usual counts, whichever the side: a ground whiter and one
        darker than usual are both strange.
        """
        parts = [_scaled(view.features, self.features)]
        if self.appearance is not None:
            pixels = _scaled(view.appearance, self.appearance)
            parts += [pixels, np.abs(pixels) - np.float32(_USUAL_DISTANCE)]
        return np.concatenate(parts, axis=1)


def _scaled(values: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped: NDArray[np.float32] = np.clip((values - usual[0]) / usual[1], -CLIP, CLIP)
    return clipped


def columns_of(view: View) -> Columns:
    """Take what is usual from pictures of cells."""
    return Columns(_usual(view.features), _usual(view.appearance))


def _usual(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = values.std(0)
    # A number that hardly varies among cells must not decide by a hair's breadth.
    return np.stack([values.mean(0), np.maximum(scale, 0.1 * scale.mean() + 1e-6)]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean ``(c,)`` and covariance ``(c, c)`` of rows of numbers, float64."""

    mean: Doubles
    covariance: Doubles

    def mixed(self, other: Moments, share: float) -> Moments:
        """Return the moments of a mixture that has this share of another kind."""
        mean = (1 - share) * self.mean + share * other.mean
        spread = sum(
            weight * (part.covariance + np.outer(part.mean - mean, part.mean - mean))
            for weight, part in ((1 - share, self), (share, other))
        )
        return Moments(mean, np.asarray(spread))


def moments_of(rows: NDArray[np.float32]) -> Moments:
    """Return the moments of rows ``float32 (n, c)``."""
    mean: Doubles = rows.mean(0, dtype=np.float64)
    left = rows - mean.astype(np.float32)
    return Moments(mean, (left.T @ left).astype(np.float64) / max(1, len(rows)))


@dataclass(frozen=True, eq=False)
class Discriminant:
    """Scores pictures: -1 on average for cells, 1 on average for junk.

    Attributes:
        columns: how pictures become rows of numbers.
        weights: float64 ``(c,)``.
        offset: subtracted from the weighted sum.
    """

    columns: Columns
    weights: Doubles
    offset: float

    def scores(self, view: View) -> Doubles:
        """Score pictures: ``float64 (n,)``; memory is bounded however many they are."""
        parts = [
            self.columns.of(view.take(slice(start, start + _CHUNK))) @ self.weights
            for start in range(0, len(view), _CHUNK)
        ]
        return np.concatenate([*parts, np.zeros(0)]) - self.offset


def fit_discriminant(columns: Columns, cells: Moments, junk: Moments) -> Discriminant:
    """Fit Fisher's linear discriminant with a shrunken covariance (Fisher 1936; Friedman 1989).

    Args:
        columns: how pictures became the rows that the moments are of.
        cells: of cells.
        junk: of junk.
    """
    spread = (cells.covariance + junk.covariance) / 2
    spread[np.diag_indices_from(spread)] += SHRINKAGE * np.trace(spread) / len(spread)
    gap = junk.mean - cells.mean
    direction = np.linalg.solve(spread, gap).astype(np.float64)
    weights: Doubles = direction * (2 / max(float(gap @ direction), 1e-12))
    return Discriminant(columns, weights, float(weights @ (junk.mean + cells.mean) / 2))


def known_cells(trust: Trust) -> tuple[Columns, Moments]:
    """Return columns and moments of the cells that a model was fitted on, from its statistics alone."""
    means = trust.class_means.astype(np.float64)
    residual, axes = float(trust.residual_variance[0]), trust.directions.astype(np.float64)
    # A direction's length is sqrt(1/residual - 1/variance); see `Trust`.
    squared = np.clip((axes**2).sum(0), 1e-12, (1 - 1e-6) / residual)
    extra = 1 / (1 / residual - squared) - residual
    covariance = (axes * (extra / squared)) @ axes.T + np.cov(means.T, bias=True).reshape(2 * means.shape[1:])
    covariance[np.diag_indices_from(covariance)] += residual
    scale = np.sqrt(np.diag(covariance))
    usual = np.stack([means.mean(0), scale]).astype(np.float32)
    return Columns(usual, None), Moments(np.zeros(len(scale)), covariance / np.outer(scale, scale))


def sample(positions: IntArray, most: int) -> IntArray:
    """Return at most so many positions, evenly spread."""
    if len(positions) <= most:
        return positions
    return np.asarray(positions[np.arange(most) * len(positions) // most])
