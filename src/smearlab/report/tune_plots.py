"""Plots of a search: how it went, what mattered, and where the good values lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.cells import FloatArray
from smearlab.report.drawing import Palette
from smearlab.report.plots import Plot
from smearlab.report.text import decimal, percent, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

_WIDTH = 340.0
_ROW = 26.0
_SLICE = 204.0  # height
_LETTER = 15  # letters of a choice that a tick has room for


@dataclass(frozen=True)
class Axis:
    """The values of one key that were searched.

    Attributes:
        key: of the recipe.
        log: whether they are drawn evenly over orders of magnitude.
        choices: in order, as text; empty for numbers.
    """

    key: str
    log: bool = False
    choices: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The key without the section of its phase: ``learning_rate``."""
        return self.key.rpartition(".")[2]

    def places(self, values: Sequence[object]) -> FloatArray:
        """Return where values lie on the axis: ``float64 (n,)``; choices by their number."""
        if self.choices:
            return np.array([self.choices.index(str(value)) for value in values], dtype=np.float64)
        return np.array([float(str(value)) for value in values], dtype=np.float64)

    def scaled(self, values: Sequence[object]) -> FloatArray:
        """Return where values lie between the least (0) and the greatest (1) tried: ``float64 (n,)``."""
        places = self.places(values)
        if self.choices:
            return places / max(1, len(self.choices) - 1)
        places = np.log(places) if self.log else places
        low, high = places.min(), places.max()
        return (places - low) / (high - low) if high > low else np.full(len(places), 0.5)


@dataclass(frozen=True)
class Measure:
    """What trials are compared by.

    Attributes:
        name: in words.
        as_percent: whether it is a share.
        maximise: whether greater is better.
    """

    name: str
    as_percent: bool = True
    maximise: bool = True

    def text(self, value: float) -> str:
        """Return a value in words."""
        if not math.isfinite(value):
            return "–"
        return percent(value, 2) if self.as_percent else decimal(value, 4)

    def mark(self, axes: Axes) -> None:
        """Name the axis of values and write its ticks."""
        axes.set_ylabel(self.name)
        if self.as_percent:
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")


@dataclass(frozen=True)
class TrialPoint:
    """One trial.

    Attributes:
        number: from 0.
        state: ``complete``, ``pruned``, ``failed`` or ``unfinished``.
        value: of a whole trial, else the last that was measured; NaN where there is none.
        values: key to what was tried.
        curve: epoch and value, each measured.
        best: whether it is the best.
        start: whether it is the starting recipe.
    """

    number: int
    state: str
    value: float
    values: Mapping[str, object]
    curve: Sequence[tuple[int, float]]
    best: bool = False
    start: bool = False


def history_plot(trials: Sequence[TrialPoint], measure: Measure) -> Plot:
    """Plot every trial's value in order, the best so far, and the starting recipe.

    Args:
        trials: in order of their numbers.
        measure: what they are compared by.
    """
    whole = [trial for trial in trials if trial.state == "complete"]
    pruned = [trial for trial in trials if trial.state == "pruned" and math.isfinite(trial.value)]
    values = np.array([trial.value for trial in whole])
    best = np.maximum.accumulate(values) if measure.maximise else np.minimum.accumulate(values)

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        places = [*(trial.number for trial in whole), max(trial.number for trial in trials)]
        axes.step(places, [*best, *best[-1:]], where="post", color=palette.second, label="best so far")
        _dots(axes, [trial.number for trial in pruned], pruned, palette.muted, "stopped early", marker="x")
        _dots(axes, [trial.number for trial in whole], whole, palette.first, "whole")
        start = next((trial for trial in whole if trial.start), None)
        if start is not None:
            axes.axhline(start.value, color=palette.third, linewidth=1.2, linestyle=(0, (4, 3)), label="start")
        axes.set_xlabel("trial")
        measure.mark(axes)
        _whole_ticks(axes)
        figure.legend(loc="outside upper left", ncols=2)

    told = f"; the best is {measure.text(float(best[-1]))}" if len(best) else ""
    alt = f"{measure.name} of {plural(len(whole), 'whole trial')}{told}"
    return Plot(draw, "How the search went", alt, "Of a trial that was stopped early, the last value.", height=260)


def _dots(
    axes: Axes, places: Sequence[float], trials: Sequence[TrialPoint], shade: str, name: str, marker: str = "o"
) -> None:
    if trials:
        values = [trial.value for trial in trials]
        axes.scatter(places, values, s=26, color=shade, alpha=0.75, marker=marker, linewidths=1.2, label=name, zorder=3)


def _whole_ticks(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def curves_plot(trials: Sequence[TrialPoint], measure: Measure) -> Plot:
    """Plot the learning curves of all trials: whole ones, those stopped early, the best and the starting recipe."""

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        named: set[str] = set()
        for trial in sorted(trials, key=lambda one: (one.start, one.best)):
            if not trial.curve:
                continue
            shade, width, name = palette.muted, 0.9, "stopped early"
            if trial.state == "complete":
                shade, name = palette.first, "whole"
            if trial.start:
                shade, width, name = palette.third, 2.2, "start"
            if trial.best:
                shade, width, name = palette.second, 2.2, "best"
            epochs, values = zip(*trial.curve, strict=True)
            label = "" if name in named else name
            named.add(name)
            marker = "x" if trial.state == "pruned" else ""
            clear = 1.0 if width > 2 else 0.45
            axes.plot(epochs, values, color=shade, linewidth=width, alpha=clear, label=label)
            axes.plot(epochs[-1:], values[-1:], color=shade, marker=marker, markersize=5, alpha=clear)
        axes.set_xlabel("epoch")
        measure.mark(axes)
        _whole_ticks(axes)
        figure.legend(loc="outside upper left", ncols=2)

    alt = f"{measure.name} over the epochs of {plural(len(trials), 'trial')}"
    return Plot(draw, "Every trial's epochs", alt, "A cross marks where a trial was stopped.", height=260)


def importance_plot(importance: Mapping[str, float]) -> Plot:
    """Plot how much of the variance between trials each key explains.

    Args:
        importance: key to share, the greatest first.
    """
    keys, shares = list(importance), list(importance.values())

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        places = np.arange(len(keys))
        axes.barh(places, shares, height=0.6, color=palette.first)
        for place, share in zip(places, shares, strict=True):
            axes.annotate(
                f"{100 * share:.0f} %", (share, place), (4, 0), textcoords="offset points", va="center", fontsize=9
            )
        axes.set_yticks(places, labels=keys)
        axes.tick_params(axis="y", labelcolor=palette.ink)
        axes.set_ylim(len(keys) - 0.45, -0.55)
        axes.set_xlim(0, max(0.05, *shares) * 1.16)
        axes.set_xticklabels([])
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)

    alt = ", ".join(f"{key} {share:.0%}" for key, share in importance.items())
    caption = "Share of the variance between whole trials that a key explains by itself (fANOVA, Hutter et al. 2014)."
    return Plot(draw, "Importance of each key", alt, caption, height=34 + _ROW * len(keys))


def slice_plot(axis: Axis, trials: Sequence[TrialPoint], measure: Measure) -> Plot:
    """Plot the value of whole trials against one key's values; later trials are darker.

    Args:
        axis: the key.
        trials: whole ones.
        measure: what they are compared by.
    """
    places = axis.places([trial.values[axis.key] for trial in trials])
    last = max((trial.number for trial in trials), default=0)

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for place, trial in zip(_apart(axis, places), trials, strict=True):
            shade = palette.second if trial.best else palette.third if trial.start else palette.first
            depth = 1.0 if trial.best or trial.start else 0.25 + 0.6 * trial.number / max(1, last)
            axes.scatter([place], [trial.value], s=34 if trial.best else 22, color=shade, alpha=depth, linewidths=0)
        if axis.choices:
            axes.set_xticks(range(len(axis.choices)), labels=[_cut(choice) for choice in axis.choices])
            axes.set_xlim(-0.5, len(axis.choices) - 0.5)
            turned = sum(len(_cut(choice)) for choice in axis.choices) > 28
            axes.tick_params(axis="x", labelrotation=35 if turned else 0)
            axes.grid(visible=False, axis="x")
        elif axis.log:
            _logarithmic(axes)
        measure.mark(axes)

    return Plot(draw, axis.key, f"{measure.name} against {axis.key}", height=_SLICE)


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    few = math.log10(high / low) < 2
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _apart(axis: Axis, places: FloatArray) -> FloatArray:
    """Draw dots of one choice a little beside each other, always alike."""
    if not axis.choices:
        return places
    return places + np.random.default_rng(0).uniform(-0.14, 0.14, len(places))


def _cut(text: str) -> str:
    return text if len(text) <= _LETTER else f"{text[: _LETTER - 1]}…"


def parallel_plot(axes_of: Sequence[Axis], trials: Sequence[TrialPoint], measure: Measure) -> Plot:
    """Plot each whole trial as a line down through all keys to its value: the best third in colour.

    Args:
        axes_of: the keys, each a row from its least value to its greatest.
        trials: whole ones.
        measure: what they are compared by.
    """
    values = np.array([trial.value for trial in trials])
    columns = [axis.scaled([trial.values[axis.key] for trial in trials]) for axis in axes_of]
    low, high = float(values.min()), float(values.max())
    table = np.stack([*columns, (values - low) / max(high - low, 1e-12)], axis=1)
    order = np.argsort(values if measure.maximise else -values)
    good = set(order[-max(1, len(order) // 3) :].tolist())
    names = [*(axis.short for axis in axes_of), measure.name]
    ends = [*(_ends(axis, trials) for axis in axes_of), (measure.text(low), measure.text(high))]

    def draw(figure: MplFigure, palette: Palette) -> None:
        plot = figure.add_subplot()
        for place, (least, greatest) in enumerate(ends):
            plot.axhline(place, color=palette.line, linewidth=1.2, zorder=0)
            for side, text, where in ((0, least, "left"), (1, greatest, "right")):
                plot.annotate(
                    text,
                    (side, place),
                    (0, -3),
                    textcoords="offset points",
                    ha=where,
                    va="top",
                    fontsize=8,
                    color=palette.muted,
                )
        for place in order.tolist():
            best = trials[place].best
            shade = palette.second if best else palette.first if place in good else palette.muted
            width, clear = (2.4, 1.0) if best else (1.3, 0.75) if place in good else (0.8, 0.35)
            plot.plot(table[place], range(len(names)), color=shade, linewidth=width, alpha=clear)
        plot.set_yticks(range(len(names)), labels=names)
        plot.tick_params(axis="y", labelcolor=palette.ink)
        plot.set(ylim=(len(names) - 0.5, -0.3), xlim=(-0.02, 1.02))
        plot.set_xticks([])
        plot.grid(visible=False)
        plot.spines[:].set_visible(False)

    alt = f"{plural(len(trials), 'whole trial')} as lines through {', '.join(names)}"
    caption = "A line for each whole trial: the best in orange, the best third in violet."
    return Plot(draw, "Values that go together", alt, caption, height=24 + 34 * len(names))


def _ends(axis: Axis, trials: Sequence[TrialPoint]) -> tuple[str, str]:
    """Return what stands at both ends of a key's row."""
    if axis.choices:
        return _cut(axis.choices[0]), _cut(axis.choices[-1])
    values = axis.places([trial.values[axis.key] for trial in trials])
    return f"{values.min():.3g}", f"{values.max():.3g}"
