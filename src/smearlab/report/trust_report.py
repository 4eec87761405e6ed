"""The page that shows how far a model can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab import celltypes
from smearlab.data.cells import BoolArray, FloatArray
from smearlab.report.blocks import Columns, Figure, Figures, Note, Table, heat_table
from smearlab.report.drawing import Palette
from smearlab.report.page import Page
from smearlab.report.plots import Plot, reliability
from smearlab.report.text import decimal, percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure


@dataclass(frozen=True, eq=False)
class TrustPart:
    """What was measured on pictures of one kind: as they are, or under one stress suite.

    Attributes:
        name: of the kind.
        facts: its part of ``trust.json``.
        before: ``float64 (n,)`` confidence of one look, before the temperature.
        plainly: ``bool (n,)`` whether the answers of one look were right.
        after: ``float64 (n,)`` confidence as `predict` gives it, with the temperature and further looks.
        correct: ``bool (n,)`` whether those answers were right.
        answered: ``float64 (m,)`` share answered, rising to 1.
        accuracy: ``float64 (m,)`` of those.
    """

    name: str
    facts: dict[str, Any]
    before: FloatArray
    plainly: BoolArray
    after: FloatArray
    correct: BoolArray
    answered: FloatArray
    accuracy: FloatArray


@dataclass(frozen=True, eq=False)
class TrustReport:
    """What the page shows.

    Attributes:
        name: of the data.
        facts: the contents of ``trust.json``.
        parts: the kinds of pictures; the first are as they are.
    """

    name: str
    facts: dict[str, Any]
    parts: Sequence[TrustPart]


def write_trust_report(path: Path, report: TrustReport) -> None:
    """Write the page, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    facts = report.facts
    model = f"The model {facts['model']} named {plural(facts['n'], 'picture')}"
    page = Page(report.name, "Trust report", f"{model} as they are, and altered by {_altered(report)}.")
    page.headline = _headline(report.parts[0])
    page.remarks = [Note(text, "warn") for text in facts["notes"]]
    page.section("Calibration", _calibration_table(report), *[_diagrams(part) for part in report.parts])
    page.section("Prediction sets", *_set_blocks(report))
    page.section("Abstention", abstention_plot(report.parts).block(), _abstention_table(report))
    page.section("No cell", _rejection_table(report), Note(_REJECTION))
    page.write(path)


def abstention_plot(parts: Sequence[TrustPart]) -> Plot:
    """Plot accuracy against the share of pictures that is answered, the surest first."""
    lowest = min(float(part.accuracy[-1]) for part in parts)

    def draw(figure: MplFigure, palette: Palette) -> None:
        axes = figure.add_subplot()
        for position, part in enumerate(parts):
            shade = palette.series[position % len(palette.series)]
            axes.plot(part.answered, part.accuracy, color=shade, label=part.name)
        axes.set(xlim=(0, 1), ylim=(max(0.0, lowest - 0.01), 1.001), xlabel="answered", ylabel="accuracy of those")
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.1f} %")
        figure.legend(loc="outside upper left", ncols=min(3, len(parts)))

    alt = "; ".join(
        f"{part.name}: all answered {percent(float(part.accuracy[-1]))} right,"
        f" {percent(part.facts['abstention']['answered_at']['0.99'], 0)} can be answered with 99 % right"
        for part in parts
    )
    caption = "The surest answers first: what is left out to the right is what the model would leave to a person."
    return Plot(draw, "What abstaining brings", alt, caption)


_REJECTION = (
    "Share of these cells that pass as cells. The limit is set so that 99 % of cells like those of validation pass; an"
    " alteration that turns cells away by the dozen would make the model useless in that laboratory."
)


def _altered(report: TrustReport) -> str:
    return ", ".join(part.name for part in report.parts[1:]) or "nothing"


def _headline(clean: TrustPart) -> Figures:
    ece = clean.facts["ece"]
    tiles = [
        Figure("calibration error", decimal(ece["after"], 4), f"{decimal(ece['before'], 4)} before temperature"),
        Figure("pass as cells", percent(clean.facts["kept"]["value"])),
    ]
    for one in clean.facts["prediction_sets"]:
        if one["target"] == 0.95:
            label = "in the 95 % set"
            tiles.append(Figure(label, percent(one["coverage"]["value"]), f"{one['mean_size']:.2f} classes a set"))
    share = clean.facts["abstention"]["answered_at"]["0.999"]
    return Figures([*tiles, Figure("answered at 99.9 %", percent(share), "accuracy of those answered")])


def _calibration_table(report: TrustReport) -> Table:
    temperature = report.facts["temperature"]
    columns = ["pictures", "accuracy", "ECE before", "ECE after", "Brier before", "Brier after"]
    rows = [
        [part.name, percent(part.facts["accuracy"])]
        + [decimal(part.facts[figure][way], 4) for figure in ("ece", "brier") for way in ("before", "after")]
        for part in report.parts
    ]
    return Table(
        columns,
        rows,
        f"Before: one look. After: divided by the temperature {temperature:.3f}, and further looks where unsure",
    )


def _diagrams(part: TrustPart) -> Columns:
    ways = ((part.before, part.plainly, "before"), (part.after, part.correct, "after"))
    plots = [
        replace(reliability(values, right), title=f"{part.name}, {way} temperature") for values, right, way in ways
    ]
    return Columns([plot.block() for plot in plots])


def _set_blocks(report: TrustReport) -> list[Table | Note | Any]:
    if not report.parts[0].facts["prediction_sets"]:
        return [Note("The model has no prediction sets: it was trained with an earlier smearlab.", "warn")]
    names = report.facts["class_names"]
    columns = ["pictures", "target", "in the set", "classes a set", "one class", "none"]
    rows = [
        [
            *(part.name, percent(one["target"], 0), percent(one["coverage"]["value"])),
            *(decimal(one["mean_size"], 2), percent(one["single"]), percent(one["empty"])),
        ]
        for part in report.parts
        for one in part.facts["prediction_sets"]
    ]
    blocks: list[Table | Note | Any] = [Table(columns, rows, "How often a picture's own class is in its set")]
    for part in report.parts:
        sets = part.facts["prediction_sets"]
        shares = [[_share(one["per_class"][name]) for one in sets] for name in names]
        heads = [f"{100 * one['target']:g} %" for one in sets]
        titles = [celltypes.title(name) for name in names]
        caption = f"The same class by class, per cent: {part.name}"
        blocks.append(heat_table(titles, heads, np.array(shares, np.float64), caption, "class", "target"))
    return [*blocks, Note(_SETS)]


_SETS = (
    "The promise holds for pictures like those of validation, for each class by itself; under stress it is measured,"
    " not promised. An empty set says that a picture is less typical than that share of every class: look at it."
)


def _share(interval: dict[str, float] | None) -> float:
    return float("nan") if interval is None else interval["value"]


def _abstention_table(report: TrustReport) -> Table:
    wanted = list(report.parts[0].facts["abstention"]["answered_at"])
    columns = ["pictures", "all answered", *(f"answered at {100 * float(one):g} %" for one in wanted), "area"]
    rows = []
    for part in report.parts:
        found = part.facts["abstention"]
        shares = [percent(found["answered_at"][one]) for one in wanted]
        rows.append([part.name, percent(part.facts["accuracy"]), *shares, decimal(found["area"], 5)])
    return Table(columns, rows, "Share that can be answered so that the answers given have this accuracy")


def _rejection_table(report: TrustReport) -> Table:
    rows = [
        [part.name, *(percent(part.facts["kept"][key]) for key in ("value", "low", "high"))] for part in report.parts
    ]
    method = report.facts["is_cell"]["method"].replace("_", " ")
    return Table(["pictures", "pass", "low", "high"], rows, f"By {method}, with 95 % intervals")
