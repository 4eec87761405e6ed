"""Sections that the reports share: results, mistakes, data, model, machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

import numpy as np

from smearlab import celltypes
from smearlab.report import estimates, grids, plots
from smearlab.report.blocks import (
    Block,
    Cell,
    ClassCell,
    Code,
    Columns,
    EstimateCell,
    Facts,
    Figure,
    Figures,
    Heading,
    Note,
    PictureGrid,
    ShareCell,
    Table,
    confusion_matrix,
)
from smearlab.report.contents import DataFacts, Machine, Mistake, ModelFacts, PartResult
from smearlab.report.text import THIN, count, duration, file_size, join_words, parameters, plural, source_name

UNREADABLE_LIMIT = 100  # rows of the table; the CSV of an audit lists them all
_DECIMAL_METRICS = ("macro_auc",)


def headline(result: PartResult, where: str, pictures: int, seconds: float) -> Figures:
    """Return the tiles at the top: balanced accuracy large, then the other figures, pictures and time.

    Args:
        result: how the model did.
        where: on what, for example ``test pictures``.
        pictures: how many pictures the work was done with.
        seconds: how long the work took; 0 leaves the tile out.
    """
    wanted = ("balanced_accuracy", "accuracy", "macro_f1", "macro_auc", "ece")
    tiles = [_tile(result, name) for name in estimates.known_metrics(result.metrics, wanted)]
    if tiles:
        first = tiles[0]
        share = estimates.metric(result.metrics, "balanced_accuracy")
        note = first.note and f"95{THIN}% interval {first.note}"
        tiles[0] = Figure(f"{first.label} on {where}", first.value, note, share)
    tiles.append(Figure("Pictures", count(pictures)))
    if seconds > 0:
        tiles.append(Figure("Time", duration(seconds)))
    return Figures(tiles)


def _tile(result: PartResult, name: str) -> Figure:
    figure, as_percent = estimates.metric(result.metrics, name), name not in _DECIMAL_METRICS
    return Figure(
        estimates.METRIC_TITLES[name], figure.text(as_percent=as_percent), figure.interval(as_percent=as_percent)
    )


def results_blocks(result: PartResult, part: str, class_names: Sequence[str]) -> list[Block]:
    """Return figures per class (table and plot) and the reliability diagram of one part."""
    blocks: list[Block] = []
    if result.metrics.get("per_class"):
        blocks += [Heading("Class by class"), per_class_table(result, part, class_names)]
    drawn = [_per_class_plot(result, class_names), reliability_plot(result)]
    shown = [plot.block() for plot in drawn if plot is not None]
    return [*blocks, Columns(shown)] if shown else blocks


def _per_class_plot(result: PartResult, class_names: Sequence[str]) -> plots.Plot | None:
    present = [name for name in class_names if estimates.class_metric(result.metrics, name, "recall").known]
    if not present:
        return None
    figures = {
        name: [estimates.class_metric(result.metrics, class_name, name) for class_name in present]
        for name in ("precision", "recall")
    }
    return plots.per_class_intervals(present, figures)


def reliability_plot(result: PartResult) -> plots.Plot | None:
    """Return the reliability diagram, or None where no confidence was measured."""
    if result.confidence is None or result.correct is None or not len(result.confidence):
        return None
    return plots.reliability(result.confidence, result.correct)


def per_class_table(result: PartResult, part: str, class_names: Sequence[str]) -> Table:
    """Return precision, recall and F1 of each class with their intervals, and how many pictures they rest on."""
    rows: list[list[Cell]] = [
        [
            ClassCell(name, position),
            *(ShareCell(estimates.class_metric(result.metrics, name, key)) for key in estimates.PER_CLASS_METRICS),
            estimates.support(result.metrics, name),
        ]
        for position, name in enumerate(class_names)
    ]
    caption = f"Each class on the {part} pictures, with 95 % intervals"
    return Table(("Class", "Precision", "Recall", "F1", "Pictures"), rows, caption)


def parts_table(results: Mapping[str, PartResult]) -> Table | None:
    """Return the overall figures of all parts side by side; None for a single part."""
    if len(results) < 2:
        return None
    names = [
        name
        for name in estimates.METRIC_TITLES
        if any(estimates.metric(result.metrics, name).known for result in results.values())
    ]
    rows: list[list[Cell]] = [
        [
            estimates.METRIC_TITLES[name],
            *(
                EstimateCell(estimates.metric(result.metrics, name), name not in _DECIMAL_METRICS)
                for result in results.values()
            ),
        ]
        for name in names
    ]
    return Table(("Figure", *(part.capitalize() for part in results)), rows, "All figures, with 95 % intervals")


def confusion_blocks(results: Mapping[str, PartResult], class_names: Sequence[str]) -> list[Block]:
    """Return the confusion matrices: the first part large, the others small beside it."""
    matrices = [
        confusion_matrix(
            result.confusion,
            class_names,
            f"{part[:1].upper()}{part[1:]}: {plural(int(np.sum(result.confusion)), 'picture')}",
            compact=position > 0,
        )
        for position, (part, result) in enumerate(results.items())
        if result.confusion is not None
    ]
    if not matrices:
        return []
    explained = Note(
        "A row is a true class, a column the model's answer. Violet is the share of the row named rightly; "
        "mistakes are orange, on a stretched scale so that a few of them can be seen too."
    )
    return [Heading("What is taken for what"), Columns(matrices, wide_first=True), explained]


def mistakes_blocks(mistakes: Sequence[Mistake], total: int | None, result: PartResult, part: str) -> list[Block]:
    """Return the most confident mistakes with their pictures; where there are none, say so only if that is known."""
    if total is None and result.confusion is not None:
        total = int(np.sum(result.confusion) - np.trace(result.confusion))
    if not mistakes:
        return [Note(f"Every one of the {part} pictures was named rightly.", "good")] if total == 0 else []
    number = max(len(mistakes), total or 0)
    shown = min(len(mistakes), grids.CARD_LIMIT)
    what = f"The {shown} most confident of {count(number)} mistakes" if shown < number else plural(number, "mistake")
    explained = Note(
        "Above, the class the data gives; below, the model's answer and how sure it was. A confident mistake is often "
        "a wrong label: look at these first."
    )
    return [explained, grids.mistakes_sheet(mistakes, f"{what} on the {part} pictures")]


def data_blocks(data: DataFacts) -> list[Block]:
    """Return counts per class and part, the split, duplicates and skipped pictures."""
    blocks: list[Block] = [
        Columns([plots.class_distribution(data.class_names, data.counts).block(), counts_table(data)])
    ]
    if data.split:
        blocks.append(Note(data.split, title="Split"))
    if data.leakage:
        blocks.append(Note(data.leakage, "good" if data.leakage_ok else "warn", title="Leakage check"))
    return [*blocks, *_duplicates_blocks(data), *_unreadable_blocks(data)]


def counts_table(data: DataFacts) -> Table:
    """Return how many pictures of each class each part has."""
    columns = list(zip(*data.counts.values(), strict=True))
    several = len(data.counts) > 1
    rows: list[list[Cell]] = [
        [ClassCell(name, position), *map(int, numbers), *([int(sum(numbers))] if several else [])]
        for position, (name, numbers) in enumerate(zip(data.class_names, columns, strict=True))
    ]
    sums = [int(sum(numbers)) for numbers in data.counts.values()]
    rows.append(["all", *sums, *([sum(sums)] if several else [])])
    heads = ("Class", *(part.capitalize() for part in data.counts), *(("All",) if several else ()))
    return Table(heads, rows, "Pictures per class and part" if several else "Pictures per class")


def examples_grid(data: DataFacts) -> PictureGrid | None:
    """Return examples of each class in rows, or None where there are none."""
    totals = dict(zip(data.class_names, map(sum, zip(*data.counts.values(), strict=True)), strict=True))
    grid = grids.class_grid(data.examples, data.class_names, totals, "Examples of each class")
    return grid if grid.rows else None


def _duplicates_blocks(data: DataFacts) -> list[Block]:
    heading = Heading("Duplicates")
    found = [f"{count(number)} {kind}" for kind, number in data.duplicate_counts.items() if number]
    if not found and not data.duplicates:
        return [heading, Note("No picture was found twice.", "good")] if data.duplicate_counts else []
    words = f"Pictures that another picture repeats: {join_words(found)}. " if found else ""
    kept = "Copies stay in the same part, so that none is both learned and tested." * data.leakage_ok
    note = Note(f"{words}{kept}".strip())
    if not data.duplicates:
        return [heading, note]
    number = len(data.duplicates)
    shown = min(number, grids.CARD_LIMIT)
    caption = plural(number, "pair") if shown == number else f"{shown} of {count(number)} pairs"
    return [heading, note, grids.duplicates_sheet(data.duplicates, caption)]


def _unreadable_blocks(data: DataFacts) -> list[Block]:
    if not data.unreadable:
        return []
    rows: list[list[Cell]] = [
        [source_name(picture.source), str(picture.row), picture.reason]
        for picture in data.unreadable[:UNREADABLE_LIMIT]
    ]
    number = len(data.unreadable)
    caption = plural(number, "picture") + " could not be read and was skipped" * (number == 1)
    caption += " could not be read and were skipped" * (number > 1)
    caption += f"; the first {UNREADABLE_LIMIT}" * (number > UNREADABLE_LIMIT)
    return [Heading("Unreadable pictures"), Table(("Source", "Row", "Reason"), rows, caption)]


def model_blocks(model: ModelFacts) -> list[Block]:
    """Return what the model is and the size of its files."""
    pairs = [
        ("Network", model.network),
        ("Parameters", parameters(model.parameters)),
        ("Classes", join_words([celltypes.title(name) for name in model.classes])),
        ("Framing", model.framing),
        *model.notes.items(),
    ]
    files: list[list[Cell]] = [[name, file_size(size)] for name, size in model.files.items()]
    table = [Table(("File", "Size"), files, "The model folder")] if files else []
    return [Columns([Facts(pairs), *table])]


def machine_blocks(machine: Machine) -> list[Block]:
    """Return device, seed, versions and time per stage."""
    pairs = [("Device", machine.device), ("Threads", str(machine.threads))]
    pairs += [("Precision", machine.precision)] if machine.precision else []
    pairs += [("Seed", str(machine.seed))] if machine.seed is not None else []
    pairs += [("Versions", ", ".join(f"{name} {version}" for name, version in machine.versions.items()))]
    pairs += [("Written", machine.created)] if machine.created else []
    stages: list[list[Cell]] = [[stage, duration(seconds)] for stage, seconds in machine.seconds.items()]
    table = [Table(("Stage", "Time"), stages, "Time per stage")] if stages else []
    return [Columns([Facts([pair for pair in pairs if pair[1]]), *table])]


def usage_blocks(name: str) -> list[Block]:
    """Return the commands to go on with a model.

    Args:
        name: the folder as the user gave it; of an absolute one, only the last name is shown.
    """
    folder = source_name(name)
    quoted = shlex.quote(folder)
    shell = (
        f"# name new pictures: one line each, with the confidence and whether it is a cell at all\n"
        f"smearlab predict PICTURES --model {quoted} --out predictions.csv\n\n"
        f"# measure the model on other labelled pictures\n"
        f"smearlab evaluate {quoted} DATA --out evaluation"
    )
    python = (
        "from smearlab import Predictor\n\n"
        f"predictor = Predictor.load({json.dumps(folder, ensure_ascii=False)})\n"
        "predictions = predictor.predict(images)  # uint8 RGB, any size\n"
        "predictions.labels, predictions.confidence, predictions.is_cell"
    )
    forms = "PICTURES and DATA may be a folder, an npz, a Parquet file or a CSV."
    where = Note(forms if folder == "default" else f"Run these in the folder that holds {folder}. {forms}")
    return [where, Code(shell, "In a terminal"), Code(python, "In Python")]
