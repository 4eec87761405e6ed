"""The page about one training run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smearlab.report import sections
from smearlab.report.blocks import Block, Cell, Code, Columns, EstimateCell, Figures, Note, Table
from smearlab.report.contents import PartResult, RunReport
from smearlab.report.curves import phases, training_curves
from smearlab.report.estimates import estimate
from smearlab.report.page import Page
from smearlab.report.robustness import robustness_blocks
from smearlab.report.tables import write_figures
from smearlab.report.text import THIN, count, known, plural

_ORDER = ("test", "validation", "train")


def write_run_report(path: Path, report: RunReport) -> None:
    """Write the page and, beside it, its figures as CSV.

    Args:
        path: the HTML file, usually ``report.html`` in the run folder.
        report: what is shown.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    run_page(report).write(path)
    write_figures(path.parent, report.results, report.data.class_names)


def run_page(report: RunReport) -> Page:
    """Build the page about one training run.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    results = ordered(report.results)
    part = next(iter(results), "test")
    page = Page(report.data.name, "Training report", lead(report, part))
    page.headline = _headline(report, results, part)
    page.remarks = _remarks(report)
    names = report.data.class_names
    if results:
        page.section("Results", *sections.confusion_blocks(results, names), *_part_blocks(report, results, part))
        mistakes = sections.mistakes_blocks(report.mistakes, report.mistake_count, results[part], part)
        page.section("Mistakes", *mistakes)
    if report.robustness is not None:
        page.section("Altered pictures", *robustness_blocks(report.robustness, part))
    page.section("Cells", sections.examples_grid(report.data))
    page.section("Data", *sections.data_blocks(report.data))
    page.section("Training", *_training_blocks(report))
    page.section("Model", *sections.model_blocks(report.model))
    page.section("Use it", *sections.usage_blocks(report.name))
    page.section("To repeat it", *sections.machine_blocks(report.machine), _recipe(report))
    return page


def ordered(results: Mapping[str, PartResult]) -> dict[str, PartResult]:
    """Order the parts: test first, then validation, train, and any others."""
    names = [name for name in _ORDER if name in results] + [name for name in results if name not in _ORDER]
    return {name: results[name] for name in names}


def lead(report: RunReport, part: str) -> str:
    """Return in a sentence or two what was done."""
    counts = {name: sum(numbers) for name, numbers in report.data.counts.items()}
    recipe = f" by the recipe “{report.recipe_name}”" if report.recipe_name else ""
    words = [
        f"{report.model.network} learned {plural(len(report.data.class_names), 'cell type')} from "
        f"{plural(counts.get('train', 0), 'picture')}"
    ]
    if report.history:
        words.append(f" in {plural(len(report.history), 'epoch')}")
    words.append(f"{recipe}.")
    if counts.get("validation"):
        did = "chose the weights to keep" if report.chosen else "were watched meanwhile"
        words.append(f" {count(counts['validation'])} others {did}")
        words.append("," if part == "test" else ".")
    if part == "test":
        words.append(f" {'and' if counts.get('validation') else ''} it was measured on {count(counts.get('test', 0))}")
        words.append(" that it had never seen.")
    return "".join(words).replace("  ", " ")


def _headline(report: RunReport, results: Mapping[str, PartResult], part: str) -> Figures | None:
    if not results:
        return None
    seconds = sum(report.machine.seconds.values())
    return sections.headline(results[part], f"{part} pictures", report.data.total, seconds)


def _remarks(report: RunReport) -> list[Block]:
    remarks: list[Block] = [Note(text, "warn") for text in report.notes]
    if report.data.leakage and not report.data.leakage_ok:
        remarks.append(Note(report.data.leakage, "warn", title="Leakage"))
    skipped = len(report.data.unreadable)
    if skipped:
        remarks.append(Note(f"{plural(skipped, 'picture')} could not be read; see Data.", "warn"))
    return remarks


def _part_blocks(report: RunReport, results: Mapping[str, PartResult], part: str) -> list[Block]:
    table = sections.parts_table(results)
    blocks = sections.results_blocks(results[part], part, report.data.class_names)
    return [*blocks, *([table] if table is not None else [])]


def _training_blocks(report: RunReport) -> list[Block]:
    curves = [plot.block() for plot in training_curves(report.history, report.best_epoch)]
    if not curves:
        return []
    names = [name for name, _ in phases(report.history) if name]
    words = [plural(len(report.history), "epoch")]
    if len(names) > 1:
        words.append(f" in {len(names)} phases ({', '.join(names)})")
    if report.best_epoch is not None:
        words.append(f"; the weights of epoch {report.best_epoch} were kept")
    speed = report.history[-1].get("pictures_per_second")
    if isinstance(speed, (int, float)):
        words.append(f"; {count(round(speed))}{THIN}pictures/s at the end")
    return [Note("".join(words) + "."), Columns(curves), _epochs_table(report)]


def _epochs_table(report: RunReport) -> Table:
    heads = ("Epoch", "Phase", "Train loss", "Validation loss", "Validation balanced accuracy", "Learning rate")
    keys = ("train_loss", "validation_loss", "validation_balanced_accuracy")
    rows: list[list[Cell]] = []
    for row in report.history:
        loss, other_loss, accuracy = (estimate(row.get(key)) for key in keys)
        rate = estimate(row.get("learning_rate")).value
        cells = (
            EstimateCell(loss, as_percent=False),
            EstimateCell(other_loss, as_percent=False),
            EstimateCell(accuracy),
        )
        rows.append(
            [str(row.get("epoch", "")), str(row.get("phase", "")), *cells, f"{rate:.3g}" if known(rate) else "–"]
        )
    return Table(heads, rows, "Every epoch", folded=True)


def _recipe(report: RunReport) -> Code | None:
    if not report.recipe_toml:
        return None
    return Code(
        report.recipe_toml.strip(), f"The recipe{': ' * bool(report.recipe_name)}{report.recipe_name}", folded=True
    )
