"""How all systems of a study learned, in one figure: loss and F1 on validation over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from smearlab.report.curves import History, column, phases
from smearlab.report.plots import Plot
from smearlab.report.text import decimal, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure

    from smearlab.data.cells import FloatArray
    from smearlab.report.drawing import Palette

_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)))
_WIDTH, _HEIGHT, _LINE = 520.0, 300.0, 13.0


def system_curves(histories: Mapping[str, History]) -> list[Plot]:
    """Plot validation loss and macro F1 of every system, a line each, with a dot where a further phase begins.

    Args:
        histories: title to the rows of its epochs.
    """
    plots = (
        _plot(histories, "validation_loss", "Validation loss", as_percent=False),
        _plot(histories, "validation_macro_f1", "Validation macro F1", as_percent=True),
    )
    return [plot for plot in plots if plot is not None]


def _plot(histories: Mapping[str, History], key: str, title: str, *, as_percent: bool) -> Plot | None:
    lines = {name: (column(rows, "epoch"), column(rows, key)) for name, rows in histories.items()}
    lines = {name: line for name, line in lines.items() if np.isfinite(line[1]).any()}
    if not lines:
        return None

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        looks = product(_STYLES, palette.series)
        for (name, (epochs, values)), (style, shade) in zip(lines.items(), looks, strict=False):
            axes.plot(epochs, values, color=shade, linestyle=style, label=name, linewidth=1.5)
            starts = [first for _, first in phases(histories[name])][1:]
            places = np.flatnonzero(np.isin(epochs, starts))
            axes.plot(epochs[places], values[places], "o", color=shade, markersize=4.5)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _limit(axes, lines, as_percent=as_percent)
        axes.grid(visible=False, axis="x")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)

    shown = percent if as_percent else decimal
    ends = ", ".join(f"{name} {shown(float(values[np.isfinite(values)][-1]))}" for name, (_, values) in lines.items())
    caption = "Dots: where a further phase begins, such as fine-tuning after the head."
    height = _HEIGHT + _LINE * -(-len(lines) // 2)
    return Plot(draw, title, f"{title} over the epochs; at the end: {ends}", caption, _WIDTH, height)


def _limit(axes: object, lines: Mapping[str, tuple[FloatArray, FloatArray]], *, as_percent: bool) -> None:
    """Keep the scale to what can be read: a loss that exploded must not flatten all the others."""
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    if as_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_ylim(top=1.005)
        return
    everything: Sequence[float] = np.concatenate([values[np.isfinite(values)] for _, values in lines.values()]).tolist()
    axes.set_ylim(0, 1.05 * min(max(everything), 4 * float(np.median(everything))))
