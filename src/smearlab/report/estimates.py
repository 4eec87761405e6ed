"""Figures with their intervals, read from the plain dictionaries of a ``metrics.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from smearlab.report.text import THIN, decimal, known, percent

MetricsJson: TypeAlias = Mapping[str, Any]
"""``{"accuracy": {"value", "low", "high"}, …, "per_class": {name: {"precision": {…}, …, "support": n}}}``."""

METRIC_TITLES: Mapping[str, str] = {
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "macro_precision": "Macro precision",
    "macro_recall": "Macro recall",
    "macro_f1": "Macro F1",
    "macro_auc": "Macro AUC",
    "ece": "Calibration error",
}
PER_CLASS_METRICS: tuple[str, ...] = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; each is NaN where it is unknown.

    Attributes:
        value: the figure itself.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a figure at all."""
        return known(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return known(self.low) and known(self.high)

    def interval(self, *, as_percent: bool = True, unit: bool = True) -> str:
        """Return the interval in words, with or without its unit; empty where there is none."""
        if not self.has_interval:
            return ""
        if not as_percent:
            return f"{decimal(self.low)}–{decimal(self.high)}"
        return f"{100 * self.low:.1f}–{100 * self.high:.1f}" + f"{THIN}%" * unit

    def text(self, *, as_percent: bool = True) -> str:
        """Return the figure in words."""
        return percent(self.value) if as_percent else decimal(self.value)


def estimate(figure: object) -> Estimate:
    """Read ``{"value", "low", "high"}``, a bare number, or nothing (None)."""
    if isinstance(figure, Mapping):
        return Estimate(*(_number(figure.get(key)) for key in ("value", "low", "high")))
    return Estimate(_number(figure))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def metric(metrics: MetricsJson, name: str) -> Estimate:
    """Return one overall figure of a ``metrics.json``; unknown figures are NaN."""
    return estimate(metrics.get(name))


def class_metric(metrics: MetricsJson, class_name: str, name: str) -> Estimate:
    """Return one figure of one class; NaN where the class or the figure is missing."""
    return estimate(metrics.get("per_class", {}).get(class_name, {}).get(name))


def support(metrics: MetricsJson, class_name: str) -> int:
    """Return how many pictures of a class were measured on."""
    number = class_metric(metrics, class_name, "support").value
    return int(number) if known(number) else 0


def known_metrics(metrics: MetricsJson, names: Sequence[str] = tuple(METRIC_TITLES)) -> list[str]:
    """Return the names of the overall figures that are there, in the order of `names`."""
    return [name for name in names if metric(metrics, name).known]
