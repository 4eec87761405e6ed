"""The page with a map of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab import celltypes
from smearlab.data.cells import FloatArray, IntArray
from smearlab.report.blocks import Note, heat_table
from smearlab.report.drawing import Palette
from smearlab.report.page import Page
from smearlab.report.plots import Plot
from smearlab.report.text import left_out, percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure

_OVERLAP = 0.1  # share of neighbours from which two classes are said to overlap


@dataclass(frozen=True, eq=False)
class MapReport:
    """What the page shows.

    Attributes:
        name: of the data.
        words: what was laid out, and how.
        class_names: identifiers.
        labels: ``int64 (n,)`` into them.
        points: ``float64 (n, 2)``.
        labelled: whether the labels are the data's own, not the model's answers.
        neighbours: ``float64 (classes, classes)``, of which classes a class's nearest neighbours are.
        unreadable: pictures that could not be decoded.
    """

    name: str
    words: str
    class_names: Sequence[str]
    labels: IntArray
    points: FloatArray
    labelled: bool
    neighbours: FloatArray
    unreadable: int = 0


def write_map_report(path: Path, picture: Path, report: MapReport) -> None:
    """Write the page and the map as a picture, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    plot = map_plot(report)
    plot.save(picture)
    page = Page(
        report.name, "Map", f"{plural(len(report.labels), 'picture')}. {report.words}.{left_out(report.unreadable)}"
    )
    page.section("Map", plot.block(), Note(overlap_words(report)))
    titles = [celltypes.title(name) for name in report.class_names]
    caption = "Of which class the nearest neighbours of a class's pictures are, in the network's features, per cent"
    table = heat_table(titles, titles, report.neighbours, caption, "picture", "neighbour")
    page.section("Neighbours", replace(table, upright=False))
    page.write(path)


def map_plot(report: MapReport) -> Plot:
    """Plot the pictures as dots in the colours of their classes."""
    present = np.unique(report.labels).tolist()

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        size = float(np.clip(9000 / max(1, len(report.labels)), 2.5, 24))
        for index in present:
            own = report.points[report.labels == index]
            name = report.class_names[index]
            colour = celltypes.colour(name, index)
            axes.scatter(own[:, 0], own[:, 1], s=size, color=colour, alpha=0.6, linewidths=0)
            axes.scatter([], [], s=36, color=colour, label=celltypes.title(name))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        figure.legend(loc="outside upper left", ncols=3)

    rows = -(-len(present) // 3)
    titles = ", ".join(celltypes.title(report.class_names[index]) for index in present)
    colours = "labels" if report.labelled else "the model's answers"
    return Plot(
        draw,
        "Map of the pictures",
        f"A dot for each picture: {titles}.",
        f"Colours: {colours}.",
        height=320 + 18 * rows,
    )


def overlap_words(report: MapReport) -> str:
    """Say which classes lie apart and which overlap, by their pictures' nearest neighbours."""
    table, names = report.neighbours, report.class_names
    apart, words = [], []
    for index in range(len(names)):
        if not np.isfinite(table[index]).all():
            continue
        others = [place for place in np.argsort(-table[index]).tolist() if place != index]
        near = [place for place in others if table[index, place] >= _OVERLAP]
        title = celltypes.title(names[index])
        if near:
            with_whom = ", ".join(f"{celltypes.title(names[place])} ({percent(table[index, place])})" for place in near)
            words.append(f"{title} with {with_whom}")
        else:
            apart.append(title)
    if len(apart) + len(words) < 2:
        return "All pictures are of one class."
    overlapping = f"Overlapping: {'; '.join(words)}." if words else "No two classes overlap."
    return f"{overlapping} Lying apart: {', '.join(apart)}." if apart else overlapping
