"""Plots of a training run: loss, accuracy and learning rate over the epochs, with the phases marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smearlab.data.cells import FloatArray
from smearlab.report.drawing import Palette
from smearlab.report.plots import Plot
from smearlab.report.text import decimal, known, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

LETTER = 0.021  # width of a letter of a phase's name as a share of the axis

History: TypeAlias = Sequence[Mapping[str, object]]
"""Rows of ``history.jsonl``, one per epoch."""


def training_curves(history: History, best_epoch: int | None = None) -> list[Plot]:
    """Plot loss, accuracy and learning rate; those without figures are left out.

    Args:
        history: rows of ``history.jsonl``.
        best_epoch: the epoch whose weights were kept, marked in the plots.
    """
    loss = {"train_loss": "train", "validation_loss": "validation"}
    accuracy = {
        "train_accuracy": "train",
        "validation_accuracy": "validation",
        "validation_balanced_accuracy": "validation, balanced",
        "validation_corrupted_balanced_accuracy": "validation altered, balanced",
    }
    plots = (
        _curves(history, loss, "Loss", best_epoch),
        _curves(history, accuracy, "Accuracy", best_epoch, as_percent=True),
        _curves(history, {"learning_rate": "learning rate"}, "Learning rate", best_epoch),
    )
    return [plot for plot in plots if plot is not None]


def phases(history: History) -> list[tuple[str, int]]:
    """Return each phase of training with its first epoch, in order."""
    found: list[tuple[str, int]] = []
    for row, epoch in zip(history, column(history, "epoch"), strict=True):
        name = str(row.get("phase", ""))
        if not found or found[-1][0] != name:
            found.append((name, int(epoch)))
    return found


def column(history: History, key: str) -> FloatArray:
    """Return one figure of every epoch, NaN where it is not known: ``float64 (epochs,)``."""
    values = [row.get(key) for row in history]
    return np.array([float(value) if isinstance(value, (int, float)) else np.nan for value in values])


def _curves(
    history: History, keys: Mapping[str, str], title: str, best_epoch: int | None, *, as_percent: bool = False
) -> Plot | None:
    epochs = column(history, "epoch")
    lines = {name: column(history, key) for key, name in keys.items()}
    lines = {name: values for name, values in lines.items() if np.isfinite(values).any()}
    if not lines:
        return None

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for (name, values), shade in zip(lines.items(), palette.series, strict=False):
            axes.plot(epochs, values, color=shade, label=name, marker="o" if len(epochs) < 4 else "", markersize=5)
        _scale(axes, epochs, lines, as_percent=as_percent)
        _mark_phases(axes, phases(history), palette)
        if known(best_epoch):
            axes.axvline(float(best_epoch or 0), color=palette.muted, linewidth=1, linestyle=(0, (2, 3)))
        if len(lines) > 1:
            figure.legend(loc="outside upper left", ncols=len(lines))

    shown = percent if as_percent else decimal
    ends = ", ".join(f"{name} {shown(float(values[np.isfinite(values)][-1]))}" for name, values in lines.items())
    caption = "Dotted line: the epoch whose weights were kept." if known(best_epoch) else ""
    return Plot(draw, title, f"{title} over {len(epochs)} epochs; at the end: {ends}", caption)


def _scale(axes: Axes, epochs: FloatArray, lines: Mapping[str, FloatArray], *, as_percent: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    margin = 0.5 if len(epochs) < 2 else 0.02 * (epochs[-1] - epochs[0])
    axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    axes.grid(visible=False, axis="x")
    if as_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_ylim(top=min(1.005, axes.get_ylim()[1]))
    if not as_percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylim(bottom=min(0.0, min(float(np.nanmin(values)) for values in lines.values())))


def _mark_phases(axes: Axes, found: Sequence[tuple[str, int]], palette: Palette) -> None:
    """Mark where phases begin and name them above the plot, on two lines where one would not hold all names."""
    if len(found) < 2:
        return
    left, right = axes.get_xlim()
    taken = [0.0, 0.0]  # how far each line of names is filled, as a share of the axis
    for position, (name, first) in enumerate(found):
        start = (first - 0.5 - left) / (right - left) if position else 0.0
        if position:
            axes.axvline(first - 0.5, color=palette.muted, linewidth=1)
        width = len(name) * LETTER
        start = max(0.0, min(start, 1 - width))
        level = next((level for level in (0, 1) if taken[level] <= start), None)
        if level is None:
            continue
        taken[level] = start + width + LETTER
        place, offset = (start, 1.0), (2, 2 + 12 * level)
        axes.annotate(
            name, place, offset, "axes fraction", "offset points", fontsize=9.5, color=palette.muted, va="bottom"
        )
