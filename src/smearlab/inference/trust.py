"""How far a model can be believed: its temperature, and how far a picture's features lie from any class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import IntArray
from smearlab.errors import ModelError

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]

KEPT_SHARE = 0.99
"""Share of the validation cells that pass as cells."""
MAX_DIRECTIONS = 64
"""Principal directions of the features' spread kept; the rest shares one variance."""
TEMPERATURE_LIMITS = (0.1, 10.0)
FOLDS = 5

_REQUIRED = ("temperature", "class_means", "directions", "residual_variance")
_OPTIONAL = ("conformal_quantiles",)


@dataclass(frozen=True, eq=False)
class Trust:
    """The contents of ``trust.safetensors``.

    The features' spread within a class is a Gaussian whose covariance has `directions` as its leading part and
    one variance in all other directions (probabilistic PCA, Tipping & Bishop 1999): it needs ``d × r`` numbers
    instead of ``d × d``, and is regular however few cells it is fitted on.

    Attributes:
        temperature: float32 ``(1,)``, the logits are divided by it (Guo et al. 2017).
        class_means: float32 ``(m, d)``, mean features of each class seen in validation.
        directions: float32 ``(d, r)``, principal directions, each scaled by ``sqrt(1/s² - 1/v)`` for its
            variance ``v`` and the residual variance ``s²``.
        residual_variance: float32 ``(1,)``, ``s²``.
        conformal_quantiles: float32 ``(q,)`` or None; room for prediction sets.
    """

    temperature: Floats
    class_means: Floats
    directions: Floats
    residual_variance: Floats
    conformal_quantiles: Floats | None = None

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits ``float32 (n, k)`` into calibrated probabilities ``float32 (n, k)`` in 0 to 1."""
        return softmax(logits.astype(np.float64) / float(self.temperature[0])).astype(np.float32)

    def distances(self, features: Floats) -> Doubles:
        """Squared Mahalanobis distance of features ``float32 (n, d)`` to the nearest class: ``float64 (n,)``.

        Divided by ``d``, so that it is near 1 for a typical cell. A cell stands out by a large distance (Lee et
        al. 2018, "A simple unified framework for detecting out-of-distribution samples").
        """
        z, means = features.astype(np.float64), self.class_means.astype(np.float64)
        total = _squared_distances(z, means) / float(self.residual_variance[0])
        axes = self.directions.astype(np.float64)
        distances: Doubles = (total - _squared_distances(z @ axes, means @ axes)).min(1) / z.shape[1]
        return distances

    def tensors(self) -> dict[str, Floats]:
        """Return the named arrays as they stand in the file."""
        named = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL)}
        return {name: array for name, array in named.items() if array is not None}


def parse_trust(tensors: dict[str, NDArray[np.generic]], where: str) -> Trust:
    """Check the arrays of a ``trust.safetensors``.

    Raises:
        ModelError: an unknown or missing array, a wrong shape or type, or values that are not finite.
    """
    unknown = sorted(set(tensors) - {*_REQUIRED, *_OPTIONAL})
    missing = [name for name in _REQUIRED if name not in tensors]
    if unknown or missing:
        what = f"holds an unknown array '{unknown[0]}'" if unknown else f"lacks the array '{missing[0]}'"
        raise ModelError(f"{where} {what}. Export the model again with this version of smearlab.")
    for name, array in tensors.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{where}: '{name}' must hold finite float32 values. Export the model again.")
    trust = Trust(**{name: np.asarray(array, np.float32) for name, array in tensors.items()})
    if not _shapes_fit(trust):
        raise ModelError(f"{where}: the arrays' shapes do not fit together. Export the model again.")
    return trust


def fit_trust(logits: Floats, labels: IntArray, features: Floats) -> tuple[dict[str, Floats], float]:
    """Fit temperature and rejection statistics on validation cells.

    Args:
        logits: float32 ``(n, k)``.
        labels: int64 ``(n,)``, true class indices.
        features: float32 ``(n, d)``.

    Returns:
        The arrays for ``trust.safetensors``, and the threshold on `Trust.distances` that keeps `KEPT_SHARE` of
        cells that the statistics were not fitted on.

    Raises:
        ModelError: fewer than two cells, sizes that differ, or values that are not finite.
    """
    if len(labels) < 2 or len(logits) != len(labels) or len(features) != len(labels):
        raise ModelError("Trust needs at least two validation cells with one label and one row of features each.")
    if not (np.isfinite(logits).all() and np.isfinite(features).all()):
        raise ModelError("The network gives values that are not finite. Train it again with a lower learning rate.")
    temperature = np.array([fit_temperature(logits, labels)], np.float32)
    trust = Trust(temperature, *_fit_spread(features, labels))
    held_out = _held_out_distances(trust, features, labels)
    return trust.tensors(), float(np.quantile(held_out, KEPT_SHARE))


def fit_temperature(logits: Floats, labels: IntArray) -> float:
    """Find the temperature of least negative log-likelihood on ``(n, k)`` logits (Guo et al. 2017).

    One made-up cell is spread over all classes (after Platt 1999), so that a validation part
    without a mistake does not ask for boundless confidence. The loss is convex in 1/T: golden-section search.
    """
    count, classes = logits.shape
    doubt = 1.0 / (count + 1)
    targets = np.full((count, classes), doubt / classes)
    targets[np.arange(count), labels] += 1.0 - doubt
    scores = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float((_log_sum_exp(scaled) - (targets * scaled).sum(1)).mean())

    return float(np.exp(_golden_section(loss, *np.log(TEMPERATURE_LIMITS))))


def softmax(logits: Doubles) -> Doubles:
    """Return the softmax of ``(n, k)`` values over the last axis."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    result: Doubles = exponentials / exponentials.sum(1, keepdims=True)
    return result


def _log_sum_exp(scores: Doubles) -> Doubles:
    top = scores.max(1)
    result: Doubles = top + np.log(np.exp(scores - top[:, None]).sum(1))
    return result


def _golden_section(function: Callable[[float], float], low: float, high: float, steps: int = 50) -> float:
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return float((low + high) / 2.0)


def _fit_spread(features: Floats, labels: IntArray) -> tuple[Floats, Floats, Floats]:
    """Fit class means and the shared spread: the arrays of `Trust` after the temperature."""
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
    return means.astype(np.float32), scaled.astype(np.float32), np.array([residual], np.float32)


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


def _held_out_distances(trust: Trust, features: Floats, labels: IntArray) -> Doubles:
    """Distances of cells to statistics that were fitted without them, fold by fold."""
    folds = min(FOLDS, len(labels))
    # Every class is dealt out over all folds in turn, so that its mean is known in each.
    order = np.argsort(labels, kind="stable")
    fold = np.empty(len(labels), np.int64)
    fold[order] = np.arange(len(labels)) % folds
    distances = np.empty(len(labels))
    for number in range(folds):
        out = fold == number
        others = Trust(trust.temperature, *_fit_spread(features[~out], labels[~out]))
        distances[out] = others.distances(features[out])
    return distances


def _squared_distances(rows: Doubles, means: Doubles) -> Doubles:
    cross = rows @ means.T
    result: Doubles = (rows**2).sum(1)[:, None] - 2.0 * cross + (means**2).sum(1)
    return result


def _shapes_fit(trust: Trust) -> bool:
    single = trust.temperature.shape == (1,) and trust.residual_variance.shape == (1,)
    if not single or trust.class_means.ndim != 2 or trust.directions.ndim != 2 or not len(trust.class_means):
        return False
    positive = trust.temperature[0] > 0 and trust.residual_variance[0] > 0
    return bool(positive) and trust.class_means.shape[1] == trust.directions.shape[0]
