"""How far a model can be believed: temperature, prediction sets, and how far a picture lies from any class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import BoolArray, IntArray, UInt8Array
from smearlab.errors import ModelError
from smearlab.inference.conformal import COVERAGES, conformal_scores, fit_quantiles, prediction_masks
from smearlab.inference.info import IsCell
from smearlab.inference.outlines import BYTES
from smearlab.inference.spread import Doubles, Floats, Spread, fit_spread, held_out_distances, to_unit
from smearlab.inference.statistics import STATISTICS

KEPT_SHARE = 0.99
"""Share of the validation cells that pass as cells."""
TEMPERATURE_LIMITS = (0.1, 10.0)

_REQUIRED = ("temperature", "class_means", "directions", "residual_variance")
_UNIT = ("unit_means", "unit_directions", "unit_residual_variance")
_CONFORMAL = ("conformal_coverages", "conformal_quantiles")
_OPTIONAL = (*_UNIT, *_CONFORMAL, "picture_statistics")
OUTLINES = "training_outlines"
"""Name of the array of outlines."""


@dataclass(frozen=True, eq=False)
class Trust:
    """The contents of ``trust.safetensors``.

    Attributes:
        temperature: float32 ``(1,)``, the logits are divided by it (Guo et al. 2017).
        class_means: float32 ``(m, d)``, mean features of each class seen in validation.
        directions: float32 ``(d, r)``, the leading part of the features' spread; see `Spread`.
        residual_variance: float32 ``(1,)``, the variance in all other directions.
        unit_means: the same for features scaled to length 1; None in models of earlier versions.
        unit_directions: as `unit_means`.
        unit_residual_variance: as `unit_means`.
        conformal_coverages: float32 ``(q,)``, coverages that prediction sets can be had for; None where none are known.
        conformal_quantiles: float32 ``(q, k)``: the score up to which a class belongs to a set.
        picture_statistics: float32 ``(2, s)``, mean and standard deviation of `statistics.STATISTICS` over the
            validation pictures, to tell another laboratory's by; None where they are not known.
        training_outlines: uint8 ``(n, 32)``, `outlines.outlines` of the pictures it was trained on, whose labels it may
            not judge; None where they are not known.
    """

    temperature: Floats
    class_means: Floats
    directions: Floats
    residual_variance: Floats
    unit_means: Floats | None = None
    unit_directions: Floats | None = None
    unit_residual_variance: Floats | None = None
    conformal_coverages: Floats | None = None
    conformal_quantiles: Floats | None = None
    picture_statistics: Floats | None = None
    training_outlines: UInt8Array | None = None

    @property
    def spread(self) -> Spread:
        """How the features of cells spread."""
        return Spread(self.class_means, self.directions, self.residual_variance)

    @property
    def unit_spread(self) -> Spread | None:
        """How they spread once they are scaled to length 1."""
        if self.unit_means is None or self.unit_directions is None or self.unit_residual_variance is None:
            return None
        return Spread(self.unit_means, self.unit_directions, self.unit_residual_variance)

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits ``float32 (n, k)`` into calibrated probabilities ``float32 (n, k)`` in 0 to 1."""
        return softmax(logits.astype(np.float64) / float(self.temperature[0])).astype(np.float32)

    def distances(self, features: Floats) -> Doubles:
        """Squared Mahalanobis distance of features ``float32 (n, d)`` to the nearest class: ``float64 (n,)``.

        Divided by ``d``, so that it is near 1 for a typical cell. A cell stands out by a large distance (Lee et
        al. 2018, "A simple unified framework for detecting out-of-distribution samples").
        """
        return self.spread.distances(features)

    def strangeness(self, features: Floats, method: str) -> Doubles:
        """How little pictures look like cells, by a method of `IsCell`: ``float64 (n,)``, near 1 for typical cells.

        ``unit_mahalanobis`` is the distance between features scaled to length 1 (Mueller & Hein 2025,
        "Mahalanobis++"): their length says more about contrast than about what is on the picture.

        Raises:
            ModelError: the file lacks the statistics of this method.
        """
        if method == "mahalanobis":
            return self.distances(features)
        if self.unit_spread is None:
            raise ModelError(
                f"trust.safetensors lacks the statistics of the method '{method}'. Export the model again."
            )
        return self.unit_spread.distances(to_unit(features))

    def prediction_masks(self, logits: Floats, coverage: float) -> BoolArray:
        """Tell which classes are in each picture's prediction set: bool ``(n, k)``; see `conformal.prediction_masks`.

        The scores come from logits as they are: the temperature was fitted on the cells that the quantiles are from,
        and sets that knew it would promise more than they keep.

        Raises:
            ModelError: the model has no quantiles.
            DataError: it has none for this coverage.
        """
        if self.conformal_quantiles is None or self.conformal_coverages is None:
            raise ModelError(
                "The model has no prediction sets: it was trained with an earlier smearlab. Train it again, or fit them"
                " on labelled cells that it was not trained on with smearlab.inference.refit.refit_trust."
            )
        chances = softmax(logits.astype(np.float64))
        return prediction_masks(chances, self.conformal_quantiles, self.conformal_coverages, coverage)

    def tensors(self) -> dict[str, Floats]:
        """Return the named arrays of numbers as they stand in the file: all but the outlines."""
        named = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL)}
        return {name: array for name, array in named.items() if array is not None}


def parse_trust(tensors: dict[str, NDArray[np.generic]], where: str) -> Trust:
    """Check the arrays of a ``trust.safetensors``.

    Raises:
        ModelError: an unknown or missing array, a wrong shape or type, or values that are not finite.
    """
    unknown = sorted(set(tensors) - {*_REQUIRED, *_OPTIONAL, OUTLINES})
    missing = [name for name in _REQUIRED if name not in tensors]
    if unknown or missing:
        what = f"holds an unknown array '{unknown[0]}'" if unknown else f"lacks the array '{missing[0]}'"
        raise ModelError(f"{where} {what}. Export the model again with this version of smearlab.")
    numbers = {name: array for name, array in tensors.items() if name != OUTLINES}
    for name, array in numbers.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{where}: '{name}' must hold finite float32 values. Export the model again.")
    trust = Trust(
        **{name: np.asarray(array, np.float32) for name, array in numbers.items()},
        training_outlines=_outlines_of(tensors, where),
    )
    if not _shapes_fit(trust):
        raise ModelError(f"{where}: the arrays' shapes do not fit together. Export the model again.")
    return trust


def _outlines_of(tensors: dict[str, NDArray[np.generic]], where: str) -> UInt8Array | None:
    array = tensors.get(OUTLINES)
    if array is None:
        return None
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != BYTES:
        raise ModelError(f"{where}: '{OUTLINES}' must hold {BYTES} bytes for each picture. Export the model again.")
    return np.asarray(array, np.uint8)


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
    spread = fit_spread(features, labels)
    trust = Trust(temperature, spread.means, spread.directions, spread.residual_variance)
    return trust.tensors(), float(np.quantile(held_out_distances(features, labels), KEPT_SHARE))


def fit_belief(logits: Floats, labels: IntArray, features: Floats) -> tuple[dict[str, Floats], IsCell]:
    """Fit all that a model folder says about trust: temperature, rejection by the best method, prediction sets.

    Args:
        logits: float32 ``(n, k)`` of validation cells.
        labels: int64 ``(n,)``, true class indices.
        features: float32 ``(n, d)``.

    Returns:
        The arrays for ``trust.safetensors``, and how "is it a cell" is decided.

    Raises:
        ModelError: as `fit_trust`.
    """
    tensors, _ = fit_trust(logits, labels, features)
    unit = to_unit(features)
    spread = fit_spread(unit, labels)
    tensors |= dict(zip(_UNIT, (spread.means, spread.directions, spread.residual_variance), strict=True))
    threshold = float(np.quantile(held_out_distances(unit, labels), KEPT_SHARE))
    scores = conformal_scores(softmax(logits.astype(np.float64)))
    tensors["conformal_coverages"] = np.array(COVERAGES, np.float32)
    tensors["conformal_quantiles"] = fit_quantiles(scores, labels)
    return tensors, IsCell(method="unit_mahalanobis", threshold=threshold)


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


def _shapes_fit(trust: Trust) -> bool:
    if trust.temperature.shape != (1,) or not trust.temperature[0] > 0 or not trust.spread.fits():
        return False
    tensors = trust.tensors()
    for group in (_UNIT, _CONFORMAL):
        if len({name in tensors for name in group}) > 1:
            return False
    if trust.picture_statistics is not None and trust.picture_statistics.shape != (2, len(STATISTICS)):
        return False
    unit, quantiles, coverages = trust.unit_spread, trust.conformal_quantiles, trust.conformal_coverages
    if unit is not None and not (unit.fits() and unit.means.shape[1] == trust.class_means.shape[1]):
        return False
    if quantiles is None or coverages is None:
        return True
    return coverages.ndim == 1 and quantiles.ndim == 2 and len(quantiles) == len(coverages)
