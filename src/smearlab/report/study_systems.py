"""The page about a study of systems: what was reported beside what was measured, verdicts, curves, class by class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab import celltypes
from smearlab.report.blocks import Block, Cell, EstimateCell, Facts, Figure, Figures, Note, Table, heat_table
from smearlab.report.estimates import Estimate
from smearlab.report.page import Page
from smearlab.report.reported import local_figure
from smearlab.report.study_curves import system_curves
from smearlab.report.study_plots import bars, gains
from smearlab.report.study_report import Difference
from smearlab.report.text import THIN, count, decimal, duration, percent, plural

if TYPE_CHECKING:
    from pathlib import Path

_UNKNOWN = Estimate(math.nan)
_TONES = {"held": "↑ held", "did not hold": "↓ did not hold"}
_SHOWN = ("clean", "chain", "bloodmnist-c")


@dataclass(frozen=True)
class SystemLine:
    """One system.

    Attributes:
        title: as a person reads it.
        section: heading under which it stands.
        reported: metric to what others reported, shares of 1.
        reported_parameters: learnable numbers as reported; 0 where nobody says.
        parameters: learnable numbers here.
        figures: name to share with interval; empty where it was left out.
        differences: name to difference to the reference with interval.
        missing: why there are no figures.
        mark: what must be known of it, such as that it was trained from scratch.
        epochs: trained.
        seconds: of one training with its answers.
        per_class: class identifier to precision, recall, F1 and support on clean pictures.
        altered: the same on altered ones.
        history: rows of its epochs.
    """

    title: str
    section: str
    reported: Mapping[str, float]
    reported_parameters: int = 0
    parameters: int = 0
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    missing: str = ""
    mark: str = ""
    epochs: int = 0
    seconds: float = 0.0
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    altered: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class VerdictLine:
    """A finding and what became of it.

    Attributes:
        text: what was stated.
        team: by whom.
        verdict: in words.
        rows: which rows were compared by which figure.
        difference: first minus second; unknown where nothing was measured.
    """

    text: str
    team: str
    verdict: str
    rows: str = ""
    difference: Estimate = _UNKNOWN


@dataclass(frozen=True)
class SystemReport:
    """What the page of a study of systems shows.

    Attributes:
        title: of the study.
        description: what was asked.
        reference: title of the row that all are compared with.
        lines: one for each system, ours last.
        verdicts: on what was found.
        facts: what the figures rest on.
    """

    title: str
    description: str
    reference: str
    lines: Sequence[SystemLine]
    verdicts: Sequence[VerdictLine] = ()
    facts: Sequence[tuple[str, str]] = ()

    @property
    def measured(self) -> list[SystemLine]:
        """The systems that have figures."""
        return [line for line in self.lines if not line.missing]


def write_system_report(path: Path, report: SystemReport) -> None:
    """Write the page, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    system_report_page(report).write(path)


def system_report_page(report: SystemReport) -> Page:
    """Build the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    page = Page(report.title, "Study", report.description)
    page.headline = _headline(report)
    page.section("Reported and measured", *_tables(report), _left_out(report))
    page.section("At a glance", *_glance(report))
    page.section("What the teams found", _verdicts(report))
    histories = {line.title: line.history for line in report.measured if line.history}
    curves = system_curves(histories)
    page.section("How they learned", curves.block() if curves is not None else None)
    page.section("Class by class", *_classes(report))
    page.section("To repeat it", Facts(report.facts))
    return page


def _headline(report: SystemReport) -> Figures:
    tiles = []
    for name in ("clean", "chain"):
        having = [line for line in report.measured if name in line.figures]
        if having:
            best = max(having, key=lambda line: line.figures[name].value)
            share = best.figures[name]
            tiles.append(Figure(f"Best {name}: {best.title}", share.text(), share.interval(), share))
    judged = [line.verdict for line in report.verdicts if line.difference.known]
    if judged:
        tiles.append(Figure("Findings that held", str(judged.count("held")), f"of {len(judged)} measured"))
    left_out = len(report.lines) - len(report.measured)
    tiles.append(Figure("Systems", str(len(report.lines)), f"{left_out} could not be run here" if left_out else ""))
    return Figures(tiles)


def _tables(report: SystemReport) -> list[Block]:
    sections: dict[str, list[SystemLine]] = {}
    for line in report.lines:
        sections.setdefault(line.section, []).append(line)
    heads = ("System", "Reported", "Online", "Clean", "Chain", "BloodMNIST-C", "Parameters", "Epochs", "Time")
    return [
        Table(heads, [_line(line) for line in lines], f"{section}: balanced accuracy with 95 % intervals")
        for section, lines in sections.items()
    ]


def _line(line: SystemLine) -> list[Cell]:
    title = f"{line.title} ({line.mark})" if line.mark else line.title
    shares: list[Cell] = [EstimateCell(line.figures.get(name, _UNKNOWN)) for name in _SHOWN]
    reported: list[Cell] = [local_text(line.reported), percent(line.reported.get("online"))]
    epochs = count(line.epochs) if line.epochs else "–"
    time = duration(line.seconds) if line.seconds else "–"
    return [title, *reported, *shares, _parameters(line), epochs, time]


def local_text(reported: Mapping[str, float]) -> str:
    """Return the local figure of a report with its metric; a dash where there is none."""
    local = local_figure(reported)
    if local is None:
        return "–"
    name, value = local
    return f"{percent(value)} {name.replace('_', ' ').replace('f1', 'F1')}"


def _parameters(line: SystemLine) -> str:
    own = millions(line.parameters) if line.parameters else "–"
    told = line.reported_parameters
    return f"{own} (reported {millions(told)})" if told else own


def millions(number: int) -> str:
    """Return a number of parameters as a person reads it, such as 2.2 M."""
    return f"{number / 1e6:.1f}{THIN}M" if number >= 1e6 else f"{number / 1e3:.0f}{THIN}k"


def _left_out(report: SystemReport) -> Table | None:
    rows: list[list[Cell]] = [[line.title, line.missing] for line in report.lines if line.missing]
    return Table(("System", "Why there are no figures"), rows, "Left out here") if rows else None


def _glance(report: SystemReport) -> list[Block]:
    lines = report.measured
    if not lines:
        return []
    names = [name for name in _SHOWN if any(name in line.figures for line in lines)]
    series = {name: [line.figures.get(name, _UNKNOWN) for line in lines] for name in names}
    blocks: list[Block] = [bars([line.title for line in lines], series, "Clean and altered pictures").block()]
    others = [line for line in lines if "chain" in line.differences]
    if others:
        caption = "Paired over pictures and trainings, 95 % intervals; grey where they hold 0."
        differences = [line.differences["chain"] for line in others]
        title = f"Chain: gained over {report.reference}"
        blocks.append(gains([line.title for line in others], differences, title, caption).block())
    return blocks


def _verdicts(report: SystemReport) -> Table | None:
    rows: list[list[Cell]] = [
        [line.text, line.team, _TONES.get(line.verdict, line.verdict), line.rows or "–", _shown(line.difference)]
        for line in report.verdicts
    ]
    caption = (
        "Held and did not hold are said only where the paired 95 % interval leaves no doubt; no gain means less than "
        "two points more"
    )
    return Table(("Finding", "Team", "Verdict", "Compared", "Difference, points"), rows, caption) if rows else None


def _shown(difference: Estimate) -> EstimateCell:
    return EstimateCell(Difference(difference.value, difference.low, difference.high))


def _classes(report: SystemReport) -> list[Block]:
    lines = [line for line in report.measured if line.per_class]
    if not lines:
        return []
    names = list(lines[0].per_class)
    blocks: list[Block] = [Note("F1 of each class by each system; below, every system's own report.")]
    for title, key in (("as they are", "per_class"), ("altered", "altered")):
        grid = np.array([[getattr(line, key)[name]["f1"] for name in names] for line in lines])
        heads = [celltypes.title(name) for name in names]
        rows = [line.title for line in lines]
        table = heat_table(rows, heads, grid, f"F1 in per cent on pictures {title}", "system", "class")
        blocks.append(replace(table, upright=False))
    return [*blocks, *(_class_report(line) for line in lines)]


def _class_report(line: SystemLine) -> Table:
    rows: list[list[Cell]] = []
    for name, clean in line.per_class.items():
        scores = [decimal(one[key]) for one in (clean, line.altered[name]) for key in ("precision", "recall", "f1")]
        rows.append([celltypes.title(name), *scores, count(int(clean["support"]))])
    heads = ("Class", "Precision", "Recall", "F1", "Precision, altered", "Recall, altered", "F1, altered", "Pictures")
    return Table(heads, rows, f"{line.title}: {plural(len(rows), 'class', 'classes')}", folded=True)
