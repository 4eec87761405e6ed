"""How features of cells spread about their classes, and how far a picture's features lie outside of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import IntArray

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]

MAX_DIRECTIONS = 64
"""Principal directions of the features' spread kept; the rest shares one variance."""
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Spread:
    """A Gaussian about each class with one covariance for all (Lee et al. 2018).

    The covariance has `directions` as its leading part and one variance in all other directions (probabilistic PCA,
    Tipping & Bishop 1999): it needs ``d × r`` numbers instead of ``d × d``, and is regular however few cells it is
    fitted on.

    Attributes:
        means: float32 ``(m, d)``, mean features of each class.
        directions: float32 ``(d, r)``, principal directions, each scaled by ``sqrt(1/s² - 1/v)`` for its variance
            ``v`` and the residual variance ``s²``.
        residual_variance: float32 ``(1,)``, ``s²``.
    """

    means: Floats
    directions: Floats
    residual_variance: Floats

    def distances(self, features: NDArray[np.floating]) -> Doubles:
        """Squared Mahalanobis distance of features ``(n, d)`` to the nearest class over ``d``: ``float64 (n,)``.

        Near 1 for a typical cell.
        """
        z, means = features.astype(np.float64), self.means.astype(np.float64)
        total = _squared_distances(z, means) / float(self.residual_variance[0])
        axes = self.directions.astype(np.float64)
        distances: Doubles = (total - _squared_distances(z @ axes, means @ axes)).min(1) / z.shape[1]
        return distances

    def fits(self) -> bool:
        """Tell whether the shapes fit together and the variance is positive."""
        single = self.residual_variance.shape == (1,) and self.residual_variance[0] > 0
        shaped = self.means.ndim == 2 and self.directions.ndim == 2 and len(self.means) > 0
        return bool(single and shaped and self.means.shape[1] == self.directions.shape[0])


def fit_spread(features: NDArray[np.floating], labels: IntArray) -> Spread:
    """Fit class means and the shared spread to features ``(n, d)`` of cells with labels ``int64 (n,)``."""
    z = features.astype(np.float64)
    present, codes = np.unique(labels, return_inverse=True)
    means = np.stack([z[codes == code].mean(0) for code in range(len(present))])
    left = z - means[codes]
    freedom = max(1, len(z) - len(present))
    total = float(np.square(left).sum()) / freedom
    kept = min(MAX_DIRECTIONS, freedom // 4, z.shape[1] - 1)
    variances, axes = _leading_axes(left, freedom, kept)
    floor = 1e-6 * max(total, 1e-6) / z.shape[1]
    residual = max((total - float(variances.sum())) / (z.shape[1] - kept), floor)
    scaled = axes * np.sqrt(1.0 / residual - 1.0 / np.maximum(variances, residual))
    return Spread(means.astype(np.float32), scaled.astype(np.float32), np.array([residual], np.float32))


def _leading_axes(left: Doubles, freedom: int, kept: int) -> tuple[Doubles, Doubles]:
    """Return the largest variances of centred rows and their axes, ``(kept,)`` and ``(d, kept)``.

    Where there are fewer rows than columns, by way of the rows' products: the flattened map of a plain network has
    18,432 columns, whose own matrix would take gigabytes and hours.
    """
    start = min(left.shape) - kept
    if left.shape[0] >= left.shape[1]:
        variances, axes = np.linalg.eigh(left.T @ left / freedom)
        return variances[start:], axes[:, start:]
    variances, rows = np.linalg.eigh(left @ left.T / freedom)
    axes = left.T @ rows[:, start:]
    return variances[start:], axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-30)


def held_out_distances(features: NDArray[np.floating], labels: IntArray) -> Doubles:
    """Distances ``float64 (n,)`` of cells to statistics that were fitted without them, fold by fold."""
    fold = folds_of(labels)
    distances = np.empty(len(labels))
    for number in np.unique(fold):
        out = fold == number
        distances[out] = fit_spread(features[~out], labels[~out]).distances(features[out])
    return distances


def folds_of(labels: IntArray) -> IntArray:
    """Deal cells out over folds, every class over all of them in turn: ``int64 (n,)`` from 0."""
    order = np.argsort(labels, kind="stable")
    fold = np.empty(len(labels), np.int64)
    fold[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    return fold


def to_unit(features: NDArray[np.floating]) -> Doubles:
    """Scale each row of features ``(n, d)`` to length 1; a row of zeros stays."""
    z = features.astype(np.float64)
    unit: Doubles = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    return unit


def _squared_distances(rows: Doubles, means: Doubles) -> Doubles:
    cross = rows @ means.T
    result: Doubles = (rows**2).sum(1)[:, None] - 2.0 * cross + (means**2).sum(1)
    return result
