"""Plots of a study: figures of many recipes below one another, and what each gains or loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smearlab.report.estimates import Estimate
from smearlab.report.plots import Plot
from smearlab.report.text import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

    from smearlab.report.drawing import Palette

_WIDTH = 400.0
_ROW = 17.0  # of a bar, in CSS pixels


def bars(titles: Sequence[str], series: Mapping[str, Sequence[Estimate]], title: str, caption: str = "") -> Plot:
    """Plot shares as horizontal bars with their intervals, up to three for each row.

    Args:
        titles: of the rows.
        series: name to one estimate per row, shares from 0 to 1; unknown ones have no bar.
        title: heading of the plot.
        caption: how to read it.
    """
    thick = 0.8 / len(series)

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for number, ((name, values), shade) in enumerate(zip(series.items(), palette.series, strict=False)):
            places = np.arange(len(titles)) + (number - (len(series) - 1) / 2) * thick
            centre, spread = _spread(values)
            axes.barh(places, centre, height=thick * 0.86, color=shade, alpha=0.82, label=name)
            axes.errorbar(centre, places, xerr=spread, fmt="none", ecolor=palette.ink, elinewidth=1.1)
        _rows(axes, titles, palette)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        if len(series) > 1:
            figure.legend(loc="outside upper left", ncols=len(series))

    return Plot(draw, title, _alt(titles, series), caption, _WIDTH, 62 + _ROW * len(titles) * max(1.15, len(series)))


def gains(titles: Sequence[str], differences: Sequence[Estimate], title: str, caption: str = "") -> Plot:
    """Plot differences as points with their intervals around nothing; those that are beyond doubt have a colour.

    Args:
        titles: of the rows.
        differences: one per row, in shares.
        title: heading of the plot.
        caption: how to read it.
    """

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        axes.axvline(0, color=palette.muted, linewidth=1)
        for place, value in enumerate(differences):
            shade = palette.muted
            if value.has_interval and value.low > 0:
                shade = palette.third
            if value.has_interval and value.high < 0:
                shade = palette.second
            centre, spread = _spread([value])
            axes.errorbar(centre, [place], xerr=spread, fmt="o", markersize=5, color=shade, elinewidth=1.6)
        _rows(axes, titles, palette)
        axes.set_xlabel("percentage points")
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+g}" if value else "0")

    return Plot(draw, title, _alt(titles, {"difference": differences}), caption, _WIDTH, 66 + _ROW * 1.2 * len(titles))


def _spread(values: Sequence[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    centre = np.array([value.value for value in values])
    low = np.array([value.low if value.has_interval else value.value for value in values])
    high = np.array([value.high if value.has_interval else value.value for value in values])
    return centre, np.maximum(np.stack([centre - low, high - centre]), 0)


def _rows(axes: Axes, titles: Sequence[str], palette: Palette) -> None:
    axes.set_yticks(range(len(titles)), labels=list(titles))
    axes.tick_params(axis="y", labelcolor=palette.ink)
    axes.set_ylim(len(titles) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def _alt(titles: Sequence[str], series: Mapping[str, Sequence[Estimate]]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{title} {percent(value.value)}" for title, value in zip(titles, values, strict=True))
        for name, values in series.items()
    )
