"""The plots of a report, drawn at the size of a phone and scaled up on wider screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab import celltypes
from smearlab.data.cells import BoolArray, FloatArray, IntArray
from smearlab.report.blocks import PlotBlock, row_shares
from smearlab.report.drawing import Draw, Palette, render_svg, save_figure
from smearlab.report.estimates import Estimate
from smearlab.report.text import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

WIDTH = 340.0
HEIGHT = 236.0


@dataclass(frozen=True)
class Plot:
    """A plot that can be put into a page or written as a file.

    Attributes:
        draw: draws it.
        title: its heading.
        alt: what it shows, for those who cannot see it.
        caption: how to read it.
        width: in CSS pixels.
        height: in CSS pixels.
    """

    draw: Draw
    title: str
    alt: str
    caption: str = ""
    width: float = WIDTH
    height: float = HEIGHT

    def block(self) -> PlotBlock:
        """Draw it for a page.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return PlotBlock(render_svg(self.draw, self.width, self.height), self.alt, self.title, self.caption)

    def save(self, path: Path) -> None:
        """Write it as ``.png``, ``.svg`` or ``.pdf``, atomically.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        save_figure(path, self.draw, self.width, self.height)


def class_distribution(class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Plot:
    """Plot how many pictures of each class are in each part, as stacked bars.

    Args:
        class_names: identifiers.
        counts: part to pictures per class.
    """
    titles = [celltypes.title(name) for name in class_names]
    totals = np.sum([list(numbers) for numbers in counts.values()], axis=0)

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        left, places = np.zeros(len(titles)), np.arange(len(titles))
        for position, (part, numbers) in enumerate(counts.items()):
            shade = palette.series[position % 3]
            axes.barh(places, numbers, left=left, height=0.62, color=shade, label=part)
            left += np.asarray(numbers)
        for place, total in zip(places, totals, strict=True):
            axes.annotate(count(total), (total, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
        _rows(axes, titles, palette)
        axes.set_xlim(0, max(1, totals.max()) * 1.16)
        axes.set_xticklabels([])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        if len(counts) > 1:
            _legend(figure, len(counts))

    alt = "Pictures per class: " + ", ".join(f"{t} {count(n)}" for t, n in zip(titles, totals, strict=True))
    return Plot(draw, "Pictures per class", alt, height=46 + 23 * len(titles))


def per_class_intervals(class_names: Sequence[str], figures: Mapping[str, Sequence[Estimate]]) -> Plot:
    """Plot figures of each class (for example precision and recall) as points with their intervals.

    Args:
        class_names: identifiers.
        figures: name of the figure (up to three) to one estimate per class, all shares from 0 to 1.
    """
    titles = [celltypes.title(name) for name in class_names]
    lowest = min((end for values in figures.values() for v in values for end in _ends(v)), default=0.0)
    start = max(0.0, np.floor(lowest * 20) / 20 - 0.005)

    def draw(figure: MplFigure, palette: Palette) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.add_subplot()
        offsets = (np.arange(len(figures)) - (len(figures) - 1) / 2) * 0.26
        for (name, values), offset, shade in zip(figures.items(), offsets, palette.series, strict=False):
            _intervals(axes, np.arange(len(titles)) + offset, values, name, shade)
        _rows(axes, titles, palette)
        axes.set_xlim(start, 1.004)
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.grid(visible=False, axis="y")
        _legend(figure, len(figures))

    alt = "; ".join(
        f"{name}: " + ", ".join(f"{t} {percent(v.value)}" for t, v in zip(titles, values, strict=True))
        for name, values in figures.items()
    )
    caption = "Points with 95 % intervals." + (" The axis does not start at 0." if start else "")
    return Plot(draw, f"{' and '.join(figures).capitalize()} by class", alt, caption, height=62 + 27 * len(titles))


def _ends(value: Estimate) -> list[float]:
    return [number for number in (value.value, value.low) if np.isfinite(number)]


def _intervals(axes: Axes, places: FloatArray, values: Sequence[Estimate], name: str, shade: str) -> None:
    centre = np.array([value.value for value in values])
    low = np.array([value.low if value.has_interval else value.value for value in values])
    high = np.array([value.high if value.has_interval else value.value for value in values])
    spread = np.maximum(np.stack([centre - low, high - centre]), 0)
    axes.errorbar(
        centre, places, xerr=spread, fmt="o", markersize=5, color=shade, elinewidth=1.6, label=name, clip_on=False
    )


def _rows(axes: Axes, titles: Sequence[str], palette: Palette) -> None:
    axes.set_yticks(range(len(titles)), labels=list(titles))
    axes.tick_params(axis="y", labelcolor=palette.ink)
    axes.set_ylim(len(titles) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)


def _legend(figure: MplFigure, entries: int) -> None:
    figure.legend(loc="outside upper left", ncols=entries)


def reliability(confidence: FloatArray, correct: BoolArray, bins: int = 10) -> Plot:
    """Plot accuracy against confidence (Guo et al. 2017), with Wilson intervals and how many pictures each bin has.

    Args:
        confidence: ``float (n,)`` probability of the answer, 0 to 1.
        correct: ``bool (n,)`` whether it was right.
        bins: of equal width.
    """
    place = np.clip((np.asarray(confidence) * bins).astype(np.int64), 0, bins - 1)
    numbers = np.bincount(place, minlength=bins)
    filled = numbers > 0
    mean = np.bincount(place, confidence, bins)[filled] / numbers[filled]
    rate = np.bincount(place, correct, bins)[filled] / numbers[filled]
    low, high = wilson(rate, numbers[filled])

    def draw(figure: MplFigure, palette: Palette) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
        upper.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
        spread = np.maximum(np.stack([rate - low, high - rate]), 0)
        upper.errorbar(
            mean, rate, yerr=spread, fmt="o", markersize=5.5, color=palette.first, elinewidth=1.5, clip_on=False
        )
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        lower.bar((np.arange(bins) + 0.5) / bins, numbers, width=0.86 / bins, color=palette.first)
        lower.set(ylabel="pictures", xlabel="confidence", yscale="log", ylim=(0.7, max(10, numbers.max() * 3)))
        lower.grid(visible=False)
        tens = [10**power for power in range(1, 7) if 10**power <= max(10, numbers.max() * 3)]
        lower.set_yticks(tens, labels=[count(number) for number in tens])
        lower.yaxis.minorticks_off()
        for axes in (upper, lower):
            axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        upper.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")

    alt = "Reliability: " + ", ".join(
        f"at confidence {percent(m, 0)} accuracy {percent(r, 0)}" for m, r in zip(mean, rate, strict=True)
    )
    caption = "On the dashed line, the model is right exactly as often as it says. Below: pictures per bin."
    return Plot(draw, "Can the confidence be believed?", alt, caption, height=280)


def wilson(rate: FloatArray, number: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's 95 % interval of a share (Wilson 1927): sound also for few pictures and shares of 0 or 1."""
    z = 1.959964
    middle = (rate + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(rate * (1 - rate) / number + z**2 / (4 * number**2))
    return middle - half, middle + half


def confusion_plot(confusion: IntArray, class_names: Sequence[str], title: str = "Confusion matrix") -> Plot:
    """Plot a confusion matrix for a file of its own: counts, coloured by the share of the row.

    Args:
        confusion: ``int64 (classes, classes)``, a row per true class.
        class_names: identifiers.
        title: its heading.
    """
    titles = [celltypes.title(name) for name in class_names]
    texts = [[count(number) for number in row] for row in confusion]
    return _grid_plot(titles, titles, row_shares(confusion), texts, title, ("true", "predicted"))


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: FloatArray,
    title: str = "Accuracy by corruption and severity",
    axes: tuple[str, str] = ("corruption", "severity"),
) -> Plot:
    """Plot shares in a grid, for example accuracy by corruption and severity.

    Args:
        rows: headings of the rows.
        columns: headings of the columns.
        values: ``float (rows, columns)`` from 0 to 1; NaN is left empty.
        title: its heading.
        axes: what rows and columns are.
    """
    grid = np.asarray(values, dtype=np.float64)
    texts = [[f"{100 * value:.0f}" if np.isfinite(value) else "" for value in row] for row in grid]
    return _grid_plot(rows, columns, np.nan_to_num(grid), texts, title, axes)


def _grid_plot(
    rows: Sequence[str],
    columns: Sequence[str],
    depth: FloatArray,
    texts: Sequence[Sequence[str]],
    title: str,
    names: tuple[str, str],
) -> Plot:
    def draw(figure: MplFigure, palette: Palette) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.add_subplot()
        for i, row in enumerate(texts):
            for j, text in enumerate(row):
                share = float(depth[i, j])
                box = Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, facecolor=palette.first, alpha=0.06 + 0.94 * share)
                axes.add_patch(box)
                shade = palette.surface if share > 0.7 else palette.ink
                axes.text(j, i, text, ha="center", va="center", fontsize=9, color=shade)
        turned = max((len(column) for column in columns), default=0) > 4
        axes.set_xticks(range(len(columns)), labels=list(columns), rotation=90 if turned else 0)
        axes.set_yticks(range(len(rows)), labels=list(rows))
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), ylabel=names[0], xlabel=names[1])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    alt = f"{title}: {len(rows)} rows of {len(columns)} figures"
    size = (140 + 38 * len(columns), (130 if max(map(len, columns), default=0) > 4 else 60) + 24 * len(rows))
    return Plot(draw, title, alt, width=max(WIDTH, size[0]), height=size[1])
