"""Plots of a cross-validation: every fold's learning curve, and how far the folds' figures lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.cells import FloatArray
from smearlab.report.curves import History, column
from smearlab.report.drawing import Palette
from smearlab.report.plots import Plot
from smearlab.report.text import decimal, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

_WIDTH = 340.0
_ROW = 30.0


def fold_curves(histories: Sequence[History]) -> list[Plot]:
    """Plot loss and balanced accuracy of every fold over the epochs, thin, and their means, thick.

    Args:
        histories: of each fold, rows of ``history.jsonl``.
    """
    loss = {"train_loss": "train", "validation_loss": "validation"}
    accuracy = {"train_accuracy": "train", "validation_balanced_accuracy": "validation, balanced"}
    found = (_curves(histories, loss, "Loss"), _curves(histories, accuracy, "Accuracy", as_percent=True))
    return [plot for plot in found if plot is not None]


def _curves(
    histories: Sequence[History], keys: Mapping[str, str], title: str, *, as_percent: bool = False
) -> Plot | None:
    tables = {name: _table(histories, key) for key, name in keys.items()}
    tables = {name: table for name, table in tables.items() if table.size and np.isfinite(table).any()}
    if not tables:
        return None

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for (name, table), shade in zip(tables.items(), palette.series, strict=False):
            epochs = np.arange(1, table.shape[1] + 1)
            for row in table:
                axes.plot(epochs, row, color=shade, linewidth=0.8, alpha=0.4)
            axes.plot(epochs, _means(table), color=shade, linewidth=2.2, label=name)
        _scale(axes, as_percent=as_percent)
        figure.legend(loc="outside upper left", ncols=len(tables))

    shown = percent if as_percent else decimal
    ends = ", ".join(f"{name} {shown(float(_means(table)[-1]))}" for name, table in tables.items())
    caption = "A thin line for each fold, the thick one their mean."
    return Plot(draw, title, f"{title} of {len(histories)} folds; mean at the end: {ends}", caption)


def _table(histories: Sequence[History], key: str) -> FloatArray:
    """Return ``float64 (folds, epochs)``; NaN after the end of folds that stopped early."""
    columns = [column(history, key) for history in histories]
    table = np.full((len(columns), max((len(values) for values in columns), default=0)), np.nan)
    for row, values in zip(table, columns, strict=True):
        row[: len(values)] = values
    return table


def _means(table: FloatArray) -> FloatArray:
    known = np.isfinite(table)
    total = np.where(known, table, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _scale(axes: Axes, *, as_percent: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")
    if as_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_ylim(top=min(1.005, axes.get_ylim()[1]))
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def fold_dots(figures: Mapping[str, Sequence[float]], title: str, caption: str) -> Plot:
    """Plot shares of every fold as dots around their mean, a row for each figure.

    Args:
        figures: title to the figure of each fold, NaN where a fold has none.
        title: heading of the plot.
        caption: how to read it.
    """
    rows = {name: np.array([value for value in values if np.isfinite(value)]) for name, values in figures.items()}

    def draw(figure: MplFigure, palette: Palette) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.add_subplot()
        for place, values in enumerate(rows.values()):
            if len(values):
                axes.plot([values.min(), values.max()], [place, place], color=palette.line, linewidth=5, zorder=1)
                axes.scatter(values, np.full(len(values), place), s=26, color=palette.first, alpha=0.6, linewidths=0)
                axes.plot([values.mean()] * 2, [place - 0.3, place + 0.3], color=palette.second, linewidth=2.4)
        axes.set_yticks(range(len(rows)), labels=list(rows))
        axes.tick_params(axis="y", labelcolor=palette.ink)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")

    alt = "; ".join(f"{name}: " + ", ".join(percent(float(v)) for v in values) for name, values in rows.items())
    return Plot(draw, title, alt, caption, _WIDTH, 40 + _ROW * len(rows))
