"""The page about a study: every recipe's figures, what each gains over the reference, and what leaving out costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from smearlab.report.blocks import Block, Cell, Columns, EstimateCell, Facts, Figure, Figures, Note, Table, heat_table
from smearlab.report.estimates import Estimate
from smearlab.report.page import Page
from smearlab.report.study_plots import bars, gains
from smearlab.report.text import THIN, duration, plural

_MOST_BARS = 20  # recipes; of a longer study, those beside the reference are drawn
_SURE = "An arrow marks a difference whose 95 % interval does not hold 0."


class Difference(Estimate):
    """A difference of two shares, in percentage points and with its sign."""

    def interval(self, *, as_percent: bool = True, unit: bool = True) -> str:
        """Return the interval in words; empty where there is none."""
        return f"{_points(self.low)} to {_points(self.high)}" if self.has_interval else ""

    def text(self, *, as_percent: bool = True) -> str:
        """Return the difference, with an arrow where its interval leaves no doubt of its sign."""
        if not self.known:
            return "–"
        sure = self.has_interval and (self.low > 0 or self.high < 0)
        arrow = ("↑" if self.value > 0 else "↓") + THIN if sure else ""
        return f"{arrow}{_points(self.value)}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


@dataclass(frozen=True)
class StudyRow:
    """One recipe of a study.

    Attributes:
        title: as a person reads it.
        section: heading under which it stands.
        figures: name to share with interval.
        differences: name to difference to the reference with interval; empty for the reference.
        focus: the figure that the recipe is about, empty for none.
        runs: trainings.
        seconds: of one.
    """

    title: str
    section: str
    figures: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    focus: str = ""
    runs: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class StudyReport:
    """What a study's page shows.

    Attributes:
        title: of the study.
        description: what was asked.
        reference: title of the recipe that all are compared with.
        rows: one per recipe, the reference among them.
        figures: names of the figures that every recipe has, in the order of the tables.
        main: the figure that sums up.
        facts: what the figures rest on.
        notes: what the reader should know.
    """

    title: str
    description: str
    reference: str
    rows: Sequence[StudyRow]
    figures: Sequence[str]
    main: str
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=list)

    @property
    def reference_row(self) -> StudyRow:
        """The recipe that all are compared with."""
        return next(row for row in self.rows if row.title == self.reference)

    def sections(self) -> dict[str, list[StudyRow]]:
        """Return the rows under their headings, in order."""
        found: dict[str, list[StudyRow]] = {}
        for row in self.rows:
            found.setdefault(row.section, []).append(row)
        return found


def write_study_report(path: Path, report: StudyReport) -> None:
    """Write the page, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    study_page(report).write(path)


def study_page(report: StudyReport) -> Page:
    """Build the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    page = Page(report.title, "Study", report.description)
    page.headline = _headline(report)
    page.remarks = [Note(text, "warn") for text in report.notes]
    page.section("At a glance", *_glance(report))
    page.section("Left out of training", *_left_out(report))
    for title, rows in report.sections().items():
        page.section(title, figures_table(report, rows, title), differences_table(report, rows, title))
    page.section("To repeat it", Facts(report.facts))
    return page


def _headline(report: StudyReport) -> Figures:
    best = max(report.rows, key=lambda row: _value(row, report.main))
    tiles = [_tile(f"Best {report.main}: {best.title}", best.figures[report.main])]
    if best.title != report.reference:
        tiles.append(_tile(f"{report.reference}, {report.main}", report.reference_row.figures[report.main]))
    worst = min(report.rows, key=lambda row: _value(row, report.main))
    tiles.append(_tile(f"Worst {report.main}: {worst.title}", worst.figures[report.main]))
    tiles.append(Figure("Recipes", str(len(report.rows)), plural(sum(row.runs for row in report.rows), "training")))
    return Figures(tiles)


def _tile(label: str, share: Estimate) -> Figure:
    return Figure(label, share.text(), share.interval(), share)


def _glance(report: StudyReport) -> list[Block]:
    titles = [row.title for row in report.rows]
    first = report.rows if len(titles) <= _MOST_BARS else report.sections()[report.reference_row.section]
    names = [name for name in report.figures if any(name in row.figures for row in report.rows)]
    grid = np.array([[_value(row, name) for name in names] for row in report.rows])
    series = {name: [row.figures.get(name, _UNKNOWN) for row in first] for name in ("clean", report.main)}
    others = [row for row in report.rows if report.main in row.differences]
    plots: list[Block] = [bars([row.title for row in first], series, "Clean and altered pictures").block()]
    if others:
        differences = [row.differences[report.main] for row in others]
        caption = "Paired over pictures and trainings, 95 % intervals; grey where they hold 0."
        title = f"{report.main.capitalize()}: gained over {report.reference}"
        plots.append(gains([row.title for row in others], differences, title, caption).block())
    caption = "Balanced accuracy in per cent: the mean over a suite's or group's corruptions and over trainings"
    heat = replace(heat_table(titles, names, grid, caption, "recipe", "pictures"), upright=False)
    return [heat, Columns(plots)]


def _left_out(report: StudyReport) -> list[Block]:
    """Compare, for each recipe that is about one figure, that figure with the reference's."""
    about = [row for row in report.rows if row.focus and row.focus in row.differences]
    if not about:
        return []
    reference = report.reference_row
    cells: list[list[Cell]] = [
        [
            row.title,
            row.focus,
            EstimateCell(reference.figures[row.focus]),
            EstimateCell(row.figures[row.focus]),
            EstimateCell(_difference(row.differences[row.focus])),
        ]
        for row in about
    ]
    caption = f"On the pictures that each recipe is about, with {report.reference} and with the recipe. {_SURE}"
    columns = ("Recipe", "Pictures", report.reference.capitalize(), "Recipe's own", "Difference, points")
    series = {
        report.reference: [reference.figures[row.focus] for row in about],
        "the recipe": [row.figures[row.focus] for row in about],
    }
    labels = [f"{row.title}: {row.focus}" for row in about]
    explained = Note(
        "A network that was trained on a kind of alteration has seen it. What it does on a kind that was left out is "
        "the honest measure of how it will meet what nobody thought of."
    )
    return [explained, Table(columns, cells, caption), bars(labels, series, "Trained on, and left out").block()]


def figures_table(report: StudyReport, rows: Sequence[StudyRow], title: str) -> Table:
    """Return the figures of some recipes, with intervals."""
    names = [*report.figures, *(name for name in ("seen families", "unseen families") if _any(rows, name))]
    cells: list[list[Cell]] = [
        [row.title, *(EstimateCell(row.figures.get(name, _UNKNOWN)) for name in names), row.runs, _time(row)]
        for row in rows
    ]
    caption = f"{title}: balanced accuracy with 95 % intervals over pictures and trainings"
    return Table(("Recipe", *(name.capitalize() for name in names), "Trainings", "Time of one"), cells, caption)


def differences_table(report: StudyReport, rows: Sequence[StudyRow], title: str) -> Table | None:
    """Return the differences of some recipes to the reference; None where there are none."""
    others = [row for row in rows if row.differences]
    if not others:
        return None
    cells: list[list[Cell]] = [
        [row.title, *(EstimateCell(_difference(row.differences.get(name, _UNKNOWN))) for name in report.figures)]
        for row in others
    ]
    caption = f"{title}: percentage points gained over {report.reference}, paired over pictures and trainings. {_SURE}"
    return Table(("Recipe", *(name.capitalize() for name in report.figures)), cells, caption)


_UNKNOWN = Estimate(math.nan)


def _difference(value: Estimate) -> Difference:
    return Difference(value.value, value.low, value.high)


def _value(row: StudyRow, name: str) -> float:
    return row.figures.get(name, _UNKNOWN).value


def _any(rows: Sequence[StudyRow], name: str) -> bool:
    return any(name in row.figures for row in rows)


def _time(row: StudyRow) -> str:
    return duration(row.seconds)
