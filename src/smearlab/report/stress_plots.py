"""Plots of a stress test: accuracy over severity and over magnification."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smearlab.report.drawing import Palette
from smearlab.report.estimates import Estimate
from smearlab.report.plots import Plot
from smearlab.report.text import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

_DASHES = ("solid", (0, (4, 2)), (0, (1, 1.6)))
_ACROSS = 3  # entries of a legend in one line


def severity_curves(
    curves: Mapping[str, Sequence[float]], severities: Sequence[int], clean: float, title: str, lowest: float
) -> Plot:
    """Plot accuracy over severity, a line for each family.

    Args:
        curves: family to accuracy (0 to 1) at each severity; NaN where it was not tried.
        severities: from 1.
        clean: accuracy of the pictures as they are, at severity 0.
        title: its heading.
        lowest: where the axis begins, so that several plots can be compared.
    """

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for place, (name, values) in enumerate(curves.items()):
            shade, dashes = palette.series[place % 3], _DASHES[place // 3 % 3]
            axes.plot([0, *severities], [clean, *values], color=shade, linestyle=dashes, label=name)
            axes.plot(severities, values, color=shade, linestyle="", marker="o", markersize=4)
        axes.axhline(clean, color=palette.muted, linewidth=1, linestyle=(0, (2, 3)))
        axes.set_xlabel("severity")
        axes.set_xticks([0, *severities])
        axes.grid(visible=False, axis="x")
        _percents(axes, lowest)
        figure.legend(loc="outside upper left", ncols=min(_ACROSS, len(curves)))

    alt = "; ".join(f"{name}: " + ", ".join(percent(value) for value in values) for name, values in curves.items())
    rows = -(-len(curves) // _ACROSS)
    caption = f"Dotted: the pictures as they are, {percent(clean)}." + " The axis does not start at 0." * (lowest > 0)
    return Plot(draw, title, f"{title}, accuracy by severity. {alt}", caption, height=214 + 18 * rows)


def magnification_curve(figures: Mapping[float, Estimate], title: str = "Accuracy over magnification") -> Plot:
    """Plot accuracy with its intervals over magnification, on a logarithmic axis.

    Args:
        figures: magnification to accuracy (0 to 1).
        title: its heading.
    """
    factors = np.array(sorted(figures))
    values, low, high = (np.array([getattr(figures[f], end) for f in factors]) for end in ("value", "low", "high"))

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        axes.fill_between(factors, low, high, color=palette.first, alpha=0.18, linewidth=0)
        axes.plot(factors, values, color=palette.first, marker="o", markersize=5)
        axes.set_xscale("log")
        axes.set_xticks(factors, labels=[f"{factor:g}" for factor in factors])
        axes.minorticks_off()
        axes.set_xlabel("magnification")
        axes.grid(visible=False, axis="x")
        _percents(axes, axis_start(low))

    alt = ", ".join(f"× {factor:g}: {percent(value)}" for factor, value in zip(factors, values, strict=True))
    caption = "With 95 % intervals; at 1 the pictures are what they were."
    return Plot(draw, title, f"{title}: {alt}", caption)


def axis_start(values: Sequence[float] | np.ndarray) -> float:
    """Return where an axis of shares begins: a round number below all of them, 0 where they are widely spread."""
    lowest = float(np.nanmin(np.asarray(values, dtype=np.float64)))
    return max(0.0, math.floor((lowest - 0.02) * 20) / 20) if lowest > 0.5 else 0.0


def _percents(axes: Axes, lowest: float) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_ylim(lowest, 1.005)
