"""The page about a stress test."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smearlab.report import sections
from smearlab.report.blocks import (
    Block,
    Cell,
    Code,
    Columns,
    EstimateCell,
    Figure,
    Figures,
    Heading,
    Note,
    ShareCell,
    Table,
    confusion_matrix,
    heat_table,
)
from smearlab.report.estimates import Estimate, estimate
from smearlab.report.page import Page
from smearlab.report.stress_contents import StressReport, SuiteFacts
from smearlab.report.stress_grids import corruption_examples, corruption_title, flips_grid
from smearlab.report.stress_plots import axis_start, magnification_curve, severity_curves
from smearlab.report.text import THIN, count, duration, join_words, percent, plural, source_name

SCALE = "scale"
GROUP_TITLES = {
    "geometry": "Geometry",
    "colour": "Colour and tone",
    "degradation": "Blur, noise and compression",
    "occlusion": "Occlusion",
}
_FIGURE = "balanced_accuracy"
_DIVIDED = {
    "seen": "Seen families",
    "unseen": "Unseen families",
    "unseen_groups": "Unseen groups",
    "seen_minus_unseen": "Seen minus unseen, points",
}


def write_stress_report(path: Path, report: StressReport) -> None:
    """Write the page.

    Args:
        path: the HTML file, usually ``report.html``.
        report: what is shown.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    stress_page(report).write(path)


def stress_page(report: StressReport) -> Page:
    """Build the page about a stress test.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    page = Page(report.data, "Stress report", _lead(report))
    page.headline = _headline(report)
    page.remarks = [Note(text, "warn") for text in report.notes]
    page.section("In short", *_overview(report))
    for suite in report.suites:
        page.section(suite.name, *_suite_blocks(report, suite))
    page.section("What is taken for what", *_confusions(report))
    for suite in report.suites:
        page.section(f"Flipped by {suite.name}", *_flips(suite))
    page.section("Model", *sections.model_blocks(report.model))
    page.section("To repeat it", _command(report), *sections.machine_blocks(report.machine))
    return page


def _lead(report: StressReport) -> str:
    suites = join_words([suite.name for suite in report.suites])
    conditions = sum(int(np.isfinite(suite.accuracy).sum()) for suite in report.suites)
    what = plural(int(report.summary["n"]), "picture")
    return f"The model {source_name(report.name)} named {what}, each altered in {count(conditions)} ways: {suites}."


def _headline(report: StressReport) -> Figures:
    suites, clean = report.summary["suites"], estimate(report.summary["clean"][_FIGURE])
    first = report.suites[0].name
    share = estimate(suites[first]["mean"][_FIGURE])
    note = f"95{THIN}% interval {share.interval()}"
    tiles = [Figure(f"Balanced accuracy under {first}", share.text(), note, share)]
    tiles.append(Figure("As they are", clean.text(), clean.interval()))
    tiles += _seen_tiles(first, suites[first]["seen_and_unseen"])
    tiles += [_tile(name, suites[name]["mean"]) for name in suites if name != first and name != SCALE]
    if (scale := report.summary.get("scale")) is not None:
        tiles.append(_points(f"Lost at × {scale['at']:g}", estimate(scale["largest_loss"][_FIGURE])))
    tiles += _medmnist_tiles(report.summary)
    tiles.append(Figure("Pictures", count(int(report.summary["n"]))))
    tiles.append(Figure("Time", duration(sum(report.machine.seconds.values()))))
    return Figures(tiles)


def _tile(name: str, figures: Mapping[str, Any]) -> Figure:
    share = estimate(figures[_FIGURE])
    return Figure(name, share.text(), share.interval())


def _seen_tiles(suite: str, parts: Mapping[str, Any] | None) -> list[Figure]:
    if not parts or not parts["unseen"]:  # where all are seen, theirs is the suite's own figure
        return []
    titles = {"seen": f"{suite}: families trained on", "unseen": f"{suite}: families not seen"}
    return [_tile(title, parts[name]) for name, title in titles.items() if parts[name]]


def _points(label: str, loss: Estimate) -> Figure:
    return Figure(label, f"{100 * loss.value:.1f} points", f"{100 * loss.low:.1f}–{100 * loss.high:.1f}")


def _medmnist_tiles(summary: Mapping[str, Any]) -> list[Figure]:
    figures = summary.get("medmnist_c")
    if not figures:
        return []
    error = estimate(figures["mean_corruption_error"])
    return [Figure("Corruption error (AlexNet 1)", error.text(as_percent=False), error.interval(as_percent=False))]


def _overview(report: StressReport) -> list[Block]:
    summary = report.summary
    heads = ("Suite", "Balanced accuracy", "Accuracy", "Lost to clean, points", "Worst corruption")
    rows: list[list[Cell]] = [["as they are", *_shares(summary["clean"]), "–", "–"]]
    rows += [
        [
            name,
            *_shares(suite["mean"]),
            _points_text(suite["loss"][_FIGURE]),
            f"{corruption_title(suite['worst_corruption'])} "
            f"({percent(suite['corruptions'][suite['worst_corruption']][_FIGURE]['value'])})",
        ]
        for name, suite in summary["suites"].items()
    ]
    return [Table(heads, rows, "Means over corruptions and severities, with 95 % intervals"), *_seen_blocks(summary)]


def _shares(figures: Mapping[str, Any]) -> list[Cell]:
    return [ShareCell(estimate(figures[name])) for name in (_FIGURE, "accuracy")]


def _points_text(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    value, low, high = (100 * figure[end] for end in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})".replace("-", "−")


def _seen_blocks(summary: Mapping[str, Any]) -> list[Block]:
    """Divide into what training showed and what it did not; say so where nobody knows."""
    heading, training = Heading("Seen and unseen in training"), summary["training"]
    if not training["known"]:
        return [heading, Note("The model does not say what it was trained on, so nobody can tell what is new to it.")]
    if not training["seen_families"] and not training["unseen_families"]:
        return [heading, Note("Each alteration mixes several families, so they cannot be divided by them.")]
    divided = {name: suite["seen_and_unseen"] for name, suite in summary["suites"].items() if name != SCALE}
    shown = [key for key in _DIVIDED if any(parts and parts[key] for parts in divided.values())]
    rows: list[list[Cell]] = [
        [name, EstimateCell(estimate(summary["clean"][_FIGURE])), *(_seen_cell(parts, key) for key in shown)]
        for name, parts in divided.items()
        if parts
    ]
    families = [f"Families seen: {', '.join(training['seen_families']) or 'none'}."]
    families.append(f"Not seen: {', '.join(training['unseen_families']) or 'none'}.")
    if training.get("judged_by_families"):
        families.append(f"Not seen, but the epoch was chosen by them: {', '.join(training['judged_by_families'])}.")
    words = "A family counts as seen where training altered pictures by any operation of it. " + " ".join(families)
    heads = ("Suite", "Clean", *(_DIVIDED[key] for key in shown))
    table = [Table(heads, rows, "Balanced accuracy by what training showed")] if rows else []
    return [heading, *table, Note(words)]


def _seen_cell(parts: Mapping[str, Any], key: str) -> Cell:
    figure = parts[key] and parts[key][_FIGURE]
    return _points_text(figure) if key == "seen_minus_unseen" else EstimateCell(estimate(figure))


def _suite_blocks(report: StressReport, suite: SuiteFacts) -> list[Block]:
    figures = report.summary["suites"][suite.name]
    described = Note(figures["description"])
    if suite.name == SCALE:
        curve = magnification_curve(
            {float(f): estimate(v["accuracy"]) for f, v in report.summary["scale"]["factors"].items()}
        )
        return [described, curve.block(), corruption_examples(suite.corruptions, "One cell at every magnification")]
    rows = [corruption_title(corruption.name) for corruption in suite.corruptions]
    columns = [str(severity) for severity in suite.severities]
    heat = heat_table(rows, columns, suite.accuracy, "Accuracy in percent", "corruption", "severity")
    examples = corruption_examples(
        suite.corruptions, "What the corruptions look like: one cell as it is, then milder to more severe"
    )
    return [described, heat, *_curves(report, suite), _corruption_table(figures), *_medmnist(report, suite), examples]


def _curves(report: StressReport, suite: SuiteFacts) -> list[Block]:
    """Plot each family over severity, one plot per group; the corruptions of a family are averaged."""
    figures = report.summary["suites"][suite.name]["corruptions"]
    if len(suite.severities) < 2:
        return []
    groups: dict[str, dict[str, list[int]]] = {}
    for place, corruption in enumerate(suite.corruptions):
        facts = figures[corruption.name]
        group = GROUP_TITLES.get(facts["group"], "Several at once")
        groups.setdefault(group, {}).setdefault(facts["family"] or corruption.name, []).append(place)
    clean, lowest = float(report.summary["clean"]["accuracy"]["value"]), axis_start(suite.accuracy)
    plots = [
        severity_curves(
            {corruption_title(family): suite.accuracy[places].mean(0).tolist() for family, places in families.items()},
            suite.severities,
            clean,
            title,
            lowest,
        ).block()
        for title, families in groups.items()
    ]
    return [Heading("By family and severity"), Columns(plots)]


def _corruption_table(figures: Mapping[str, Any]) -> Table:
    seen = {True: "seen", False: "unseen", None: "–"}
    rows: list[list[Cell]] = [
        [
            corruption_title(name),
            facts["family"] or "mixed",
            seen[facts["seen"]],
            *_shares(facts),
            _points_text(facts["loss"][_FIGURE]),
        ]
        for name, facts in sorted(figures["corruptions"].items(), key=lambda item: item[1][_FIGURE]["value"])
    ]
    heads = ("Corruption", "Family", "In training", "Balanced accuracy", "Accuracy", "Lost to clean, points")
    return Table(heads, rows, "Every corruption, the worst first, means over severities with 95 % intervals")


def _medmnist(report: StressReport, suite: SuiteFacts) -> list[Block]:
    figures = report.summary.get("medmnist_c")
    if not figures or suite.name != "bloodmnist-c":
        return []
    keys = ("balanced_error", "corruption_error", "relative_corruption_error")
    rows: list[list[Cell]] = [
        [corruption_title(name), *(_decimal(facts[key]) for key in keys), f"{facts['alexnet_balanced_error']:.3f}"]
        for name, facts in figures["corruptions"].items()
    ]
    means = ("balanced_error", "mean_corruption_error", "relative_mean_corruption_error")
    rows.append(["mean", *(_decimal(figures[key]) for key in means), ""])
    heads = ("Corruption", "Balanced error", "Error / AlexNet's", "Relative error", "AlexNet's error")
    told = "As Di Salvo et al. (2024) define them: below 1 is better than their AlexNet at 224 px."
    told += " These pictures have another size, so the ratios are only indicative." * bool(figures["indicative"])
    return [Heading("Figures of MedMNIST-C"), Note(told), Table(heads, rows, "Errors by corruption", folded=True)]


def _decimal(figure: Mapping[str, float]) -> Cell:
    return EstimateCell(estimate(figure), as_percent=False)


def _confusions(report: StressReport) -> list[Block]:
    found, names = report.confusions, report.class_names
    worst = confusion_matrix(found.worst, names, f"Under {corruption_title(found.worst_name)}")
    clean = confusion_matrix(found.clean, names, "As they are", compact=True)
    explained = Note(
        "A row is a true class, a column the model's answer. Left, under the corruption that does most harm, all its "
        "severities added up."
    )
    return [explained, Columns([worst, clean], wide_first=True)]


def _flips(suite: SuiteFacts) -> list[Block]:
    grids = [grid for corruption in suite.corruptions if (grid := flips_grid(corruption)) is not None]
    if not grids:
        return [Note("No picture that is named rightly as it is was named wrongly when altered.", "good")]
    explained = "Left: the picture as it is, named rightly. Right: altered, and what the model then says."
    return [Note(explained), *grids]


def _command(report: StressReport) -> Code:
    return Code(f"smearlab stress {shlex.quote(source_name(report.name))} DATA {_options(report)} --out OUT")


def _options(report: StressReport) -> str:
    asked: Sequence[str] = report.summary.get("options", ())
    return " ".join(shlex.quote(word) for word in asked)
