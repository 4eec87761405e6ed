"""The page about a search for a recipe: how it went, what mattered, and what it is worth on the test part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smearlab.report import sections
from smearlab.report.blocks import Block, Cell, Code, Columns, EstimateCell, Facts, Figure, Figures, Note, Table
from smearlab.report.contents import Machine
from smearlab.report.estimates import METRIC_TITLES, Estimate
from smearlab.report.page import Page
from smearlab.report.study_report import Difference
from smearlab.report.text import NBSP, count, duration, plural
from smearlab.report.tune_plots import (
    Axis,
    Measure,
    TrialPoint,
    curves_plot,
    history_plot,
    importance_plot,
    parallel_plot,
    slice_plot,
)

_FEW = 2  # whole trials, below which there is nothing to compare


@dataclass(frozen=True)
class TrialFacts:
    """One trial for the table.

    Attributes:
        point: what the plots show of it.
        texts: key to what was tried, as text.
        epochs: trained.
        seconds: taken.
        reason: why it failed; empty for others.
    """

    point: TrialPoint
    texts: Mapping[str, str]
    epochs: int
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class OnTest:
    """The best recipe beside the starting one on the test part.

    Attributes:
        pictures: how many.
        start: figure to value with interval.
        best: the same.
        differences: the best minus the start, paired over pictures.
        p_value: of McNemar's test.
    """

    pictures: int
    start: Mapping[str, Estimate]
    best: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    p_value: float


@dataclass(frozen=True)
class TuneReport:
    """What the page shows.

    Attributes:
        data: name of the data.
        recipe: name of the starting recipe.
        measure: what trials were compared by.
        axes: the keys that were searched.
        space: key to its values, in words.
        trials: in order.
        start_texts: key to the starting recipe's value, as text.
        start_value: of the starting recipe on validation; NaN where it was not measured.
        importance: key to share of the variance, the greatest first; empty where it cannot be told.
        tested: on the test part; None where there is none, or where nothing better was found.
        best_toml: the best recipe.
        facts: what the search was.
        machine: what it was done with.
        notes: what the reader should know.
    """

    data: str
    recipe: str
    measure: Measure
    axes: Sequence[Axis]
    space: Mapping[str, str]
    trials: Sequence[TrialFacts]
    start_texts: Mapping[str, str]
    start_value: float
    importance: Mapping[str, float]
    tested: OnTest | None
    best_toml: str
    facts: Sequence[tuple[str, str]]
    machine: Machine
    notes: Sequence[str] = ()

    @property
    def best(self) -> TrialFacts:
        """The best trial."""
        return next(trial for trial in self.trials if trial.point.best)

    @property
    def whole(self) -> list[TrialPoint]:
        """The trials that were trained to their end."""
        return [trial.point for trial in self.trials if trial.point.state == "complete"]


def write_tune_report(path: Path, report: TuneReport) -> None:
    """Write the page, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    tune_page(report).write(path)


def tune_page(report: TuneReport) -> Page:
    """Build the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    page = Page(report.data, "Search for a recipe", _lead(report))
    page.headline = _headline(report)
    page.remarks = [Note(text, "warn") for text in report.notes]
    page.section("The best against the start", *_tested_blocks(report), _changes(report))
    points = [trial.point for trial in report.trials]
    plots = [history_plot(points, report.measure), curves_plot(points, report.measure)]
    page.section("The search", Columns([plot.block() for plot in plots]))
    page.section("What mattered", *_importance_blocks(report))
    page.section("Where the good values lie", *_value_blocks(report))
    page.section("Trials", *_trial_blocks(report))
    space: list[list[Cell]] = [[key, words, report.start_texts[key]] for key, words in report.space.items()]
    table = Table(("Key", "Values tried", "Start"), space, "The space that was searched")
    page.section("To repeat it", Facts(report.facts), table, *sections.machine_blocks(report.machine), _recipe(report))
    return page


def _lead(report: TuneReport) -> str:
    return (
        f"{plural(len(report.trials), 'training')} by recipes that differ from “{report.recipe}” in up to "
        f"{plural(len(report.space), 'key')}, compared by {report.measure.name} on validation pictures. The test "
        "pictures took no part in the search."
    )


def _headline(report: TuneReport) -> Figures:
    best = report.best.point
    share = Estimate(best.value) if report.measure.as_percent else None
    note = f"trial {best.number}, on validation"
    tiles = [Figure(f"Best {report.measure.name}", report.measure.text(best.value), note, share)]
    if math.isfinite(report.start_value):
        tiles.append(Figure("Starting recipe", report.measure.text(report.start_value), "on validation"))
    if report.tested is not None:
        gain = Difference(*_ends(report.tested.differences["balanced_accuracy"]))
        tiles.append(Figure("Gained on test pictures", f"{gain.text()} points", gain.interval()))
    counts = [sum(trial.point.state == state for trial in report.trials) for state in ("pruned", "failed")]
    words = [
        f"{count(number)} {what}" for number, what in zip(counts, ("stopped early", "failed"), strict=True) if number
    ]
    tiles.append(Figure("Trials", str(len(report.trials)), ", ".join(words)))
    tiles.append(Figure("Time of all trials", duration(sum(trial.seconds for trial in report.trials))))
    return Figures(tiles)


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _tested_blocks(report: TuneReport) -> list[Block]:
    if report.best.point.start:
        return [
            Note("No trial did better on validation than the starting recipe, which is therefore the best.", "warn")
        ]
    if report.tested is None:
        return [Note("There is no test part, so that what the search gained cannot be told honestly.", "warn")]
    tested = report.tested
    rows: list[list[Cell]] = [
        [
            METRIC_TITLES.get(name, name),
            EstimateCell(tested.start[name]),
            EstimateCell(tested.best[name]),
            EstimateCell(Difference(*_ends(tested.differences[name]))),
        ]
        for name in tested.differences
    ]
    heads = ("Figure", f"Start: {report.recipe}", f"Best: trial {report.best.point.number}", "Difference, points")
    caption = f"Both on {plural(tested.pictures, 'test picture')}, with 95 % intervals; the difference is paired"
    balanced = tested.differences["balanced_accuracy"]
    sure = balanced.low > 0 or balanced.high < 0
    words = "better" if balanced.value > 0 else "worse"
    told = (
        f"On pictures that the search never saw, the best recipe is {words} than the start"
        if sure
        else ("On pictures that the search never saw, the difference could be chance: its interval holds 0")
    )
    tone = "plain" if not sure else "good" if balanced.value > 0 else "warn"
    return [Note(f"{told} (McNemar's test: p {_chance(tested.p_value)}).", tone), Table(heads, rows, caption)]


def _chance(p_value: float) -> str:
    return "< 0.0001" if p_value < 1e-4 else f"= {p_value:.2g}"


def _changes(report: TuneReport) -> Table:
    best = report.best.texts
    rows: list[list[Cell]] = [
        [
            key,
            report.start_texts[key],
            best[key] if best[key] != report.start_texts[key] else f"{best[key]} (as it was)",
        ]
        for key in report.space
    ]
    return Table(("Key", "Start", "Best"), rows, "What the best recipe changes")


def _importance_blocks(report: TuneReport) -> list[Block]:
    if not report.importance:
        return [Note("Too few whole trials, or all alike: what mattered cannot be told.")]
    explained = Note(
        "How much a key matters is told within the values that were tried. A key that matters little there may still "
        "ruin a training beyond them."
    )
    return [Columns([importance_plot(report.importance).block(), explained])]


def _value_blocks(report: TuneReport) -> list[Block]:
    whole = report.whole
    if len(whole) < _FEW:
        return []
    order = list(report.importance) or [axis.key for axis in report.axes]
    axes = sorted(report.axes, key=lambda axis: order.index(axis.key) if axis.key in order else len(order))
    plots = [slice_plot(axis, whole, report.measure).block() for axis in axes]
    explained = Note("A dot for each whole trial, later ones darker; the best is orange, the starting recipe green.")
    return [explained, Columns(plots), parallel_plot(axes, whole, report.measure).block()]


def _trial_blocks(report: TuneReport) -> list[Block]:
    ordered = sorted(report.trials, key=lambda trial: _rank(trial, report))
    words = {"complete": "whole", "pruned": f"stopped{NBSP}early", "failed": "failed", "unfinished": "not finished"}
    rows: list[list[Cell]] = [
        [
            f"{trial.point.number}{f'{NBSP}(start)' * trial.point.start}",
            words[trial.point.state],
            report.measure.text(trial.point.value),
            *(trial.texts.get(key, "–") for key in report.space),
            str(trial.epochs),
            duration(trial.seconds),
        ]
        for trial in ordered
    ]
    heads = (
        "Trial",
        "State",
        report.measure.name.capitalize(),
        *(axis.short for axis in report.axes),
        "Epochs",
        "Time",
    )
    blocks: list[Block] = [Table(heads, rows[:10], f"The best {min(10, len(rows))} trials")]
    if len(rows) > 10:
        blocks.append(Table(heads, rows, f"All {len(rows)} trials, the best first", folded=True))
    failed: list[list[Cell]] = [
        [str(trial.point.number), trial.reason] for trial in report.trials if trial.point.state == "failed"
    ]
    return [
        *blocks,
        *([Table(("Trial", "Why it failed"), failed, plural(len(failed), "failed trial"))] if failed else []),
    ]


def _rank(trial: TrialFacts, report: TuneReport) -> tuple[bool, float, int]:
    point = trial.point
    value = point.value if math.isfinite(point.value) else -math.inf if report.measure.maximise else math.inf
    return point.state != "complete", -value if report.measure.maximise else value, point.number


def _recipe(report: TuneReport) -> Code:
    return Code(report.best_toml.strip(), "The best recipe, as in best.toml", folded=True)
