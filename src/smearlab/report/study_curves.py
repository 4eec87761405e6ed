"""How all systems of a study learned, in one figure: loss and F1 on validation over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smearlab.data.cells import FloatArray
from smearlab.report.curves import History, column, phases
from smearlab.report.plots import Plot
from smearlab.report.text import decimal, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

    from smearlab.report.drawing import Palette

_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)))
_WIDTH, _PANEL, _LINE = 560.0, 225.0, 15.0
_PANELS = {"validation_loss": "loss", "validation_macro_f1": "macro F1"}
_TITLE = "Loss and F1 on validation"

Lines: TypeAlias = Mapping[str, tuple[FloatArray, FloatArray]]
"""Title of a system to its epochs and values."""


def system_curves(histories: Mapping[str, History]) -> Plot | None:
    """Plot validation loss and macro F1 of every system, a line each, with a dot where a further phase begins.

    Args:
        histories: title to the rows of its epochs.

    Returns:
        One figure of both; None where no history has either.
    """
    panels = {key: _lines(histories, key) for key in _PANELS}
    panels = {key: lines for key, lines in panels.items() if lines}
    if not panels:
        return None
    starts = {name: [first for _, first in phases(rows)][1:] for name, rows in histories.items()}
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))

    def draw(figure: MplFigure, palette: Palette) -> None:
        looks = dict(zip(names, product(_STYLES, palette.series), strict=False))
        every = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (key, lines) in zip(every, panels.items(), strict=True):
            for name, (epochs, values) in lines.items():
                style, shade = looks[name]
                axes.plot(epochs, values, color=shade, linestyle=style, linewidth=1.5)
                places = np.flatnonzero(np.isin(epochs, starts[name]))
                axes.plot(epochs[places], values[places], "o", color=shade, markersize=4.5)
            _scale(axes, lines, as_percent=key != "validation_loss")
            axes.set_ylabel(_PANELS[key])
        every[-1].set_xlabel("epoch")
        handles = [every[0].plot([], [], color=shade, linestyle=style)[0] for style, shade in looks.values()]
        figure.legend(handles, list(looks), loc="outside lower center", ncols=2)

    height = _PANEL * len(panels) + _LINE * -(-len(names) // 2) + 20
    caption = "Dots: where a further phase begins, such as fine-tuning after the head."
    return Plot(draw, _TITLE, _described(panels), caption, _WIDTH, height)


def _lines(histories: Mapping[str, History], key: str) -> Lines:
    found = {name: (column(rows, "epoch"), column(rows, key)) for name, rows in histories.items()}
    return {name: line for name, line in found.items() if np.isfinite(line[1]).any()}


def _described(panels: Mapping[str, Lines]) -> str:
    parts = []
    for key, lines in panels.items():
        shown = decimal if key == "validation_loss" else percent
        ends = (f"{name} {shown(float(values[np.isfinite(values)][-1]))}" for name, (_, values) in lines.items())
        parts.append(f"{_PANELS[key]} at the end: {', '.join(ends)}")
    return f"{_TITLE} over the epochs; {'; '.join(parts)}"


def _scale(axes: Axes, lines: Lines, *, as_percent: bool) -> None:
    """Keep the scale to what can be read: a loss that exploded must not flatten all the others."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")
    if as_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_ylim(top=1.005)
        return
    everything = np.concatenate([values[np.isfinite(values)] for _, values in lines.values()])
    axes.set_ylim(0, 1.05 * min(float(everything.max()), 4 * float(np.median(everything))))
