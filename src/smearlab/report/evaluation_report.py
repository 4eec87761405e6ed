"""The page about a model measured on one data set."""

from __future__ import annotations

from pathlib import Path

from smearlab.report import sections
from smearlab.report.blocks import Block, Note
from smearlab.report.contents import EvaluationReport, PartResult
from smearlab.report.page import Page
from smearlab.report.tables import write_figures
from smearlab.report.text import plural, source_name


def write_evaluation_report(path: Path, report: EvaluationReport) -> None:
    """Write the page and, beside it, its figures as CSV.

    Args:
        path: the HTML file, usually ``report.html``.
        report: what is shown.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    evaluation_page(report).write(path)
    write_figures(path.parent, _results(report), report.data.class_names)


def evaluation_page(report: EvaluationReport) -> Page:
    """Build the page about a model measured on one data set.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    data, names, part = report.data, report.data.class_names, report.data.name
    page = Page(data.name, "Evaluation report", lead(report))
    page.headline = sections.headline(report.result, part, data.total, sum(report.machine.seconds.values()))
    page.remarks = _remarks(report)
    confusion = sections.confusion_blocks({part: report.result}, names)
    page.section("Results", *confusion, *sections.results_blocks(report.result, part, names))
    page.section("Mistakes", *sections.mistakes_blocks(report.mistakes, report.mistake_count, report.result, part))
    page.section("Cells", sections.examples_grid(data))
    page.section("Data", *sections.data_blocks(data))
    page.section("Model", *sections.model_blocks(report.model))
    page.section("Use it", *sections.usage_blocks(report.name))
    page.section("To repeat it", *sections.machine_blocks(report.machine))
    return page


def lead(report: EvaluationReport) -> str:
    """Return in a sentence what was done."""
    types = plural(len(report.data.class_names), "cell type")
    model = source_name(report.name)
    return f"The model {model} ({report.model.network}) named {plural(report.data.total, 'picture')} of {types}."


def _results(report: EvaluationReport) -> dict[str, PartResult]:
    return {"evaluation": report.result}


def _remarks(report: EvaluationReport) -> list[Block]:
    remarks: list[Block] = [Note(text, "warn") for text in report.notes]
    skipped = len(report.data.unreadable)
    if skipped:
        remarks.append(Note(f"{plural(skipped, 'picture')} could not be read; see Data.", "warn"))
    return remarks
