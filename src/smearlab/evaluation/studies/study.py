"""`run_study`: the whole way of a study: pictures → tasks → figures → page."""

from __future__ import annotations

import csv
import io
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from smearlab.data.atomic import write_json, write_text
from smearlab.data.cells import Cells
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError
from smearlab.evaluation.studies.catalogue import SYSTEMS, find_scale, find_study
from smearlab.evaluation.studies.folder import begin_folder, check_folder, tidy
from smearlab.evaluation.studies.material import open_material
from smearlab.evaluation.studies.outcome import ALTERED, FIGURES, Outcome, Row, summarise, table_rows
from smearlab.evaluation.studies.plan import shared_overrides, tasks_of
from smearlab.evaluation.studies.runner import do_tasks
from smearlab.report.estimates import Estimate
from smearlab.report.study_report import StudyReport, StudyRow, write_study_report
from smearlab.report.text import duration, plural
from smearlab.training.devices import processes
from smearlab.training.local_weights import locate_weights
from smearlab.training.precision import choose_precision
from smearlab.training.recipe_io import load_recipe
from smearlab.training.train import initial_network
from smearlab.training.workers import choose_jobs, threads_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.evaluation.studies.material import Material
    from smearlab.evaluation.studies.plan import Cell, Scale, Study, Task
    from smearlab.metrics.intervals import Interval
    from smearlab.training.recipe import Recipe

BASE = "quick"
"""A quarter of ResNet-18's width: 40,000 pictures take about a minute of one core, which the budget allows."""


@dataclass(frozen=True)
class StudyOptions:
    """How a study is run.

    Attributes:
        scale: ``smoke``, ``small`` or ``full``.
        seeds: trainings of each cell; None takes the scale's.
        only: names of the cells wanted; empty for all of the scale.
        jobs: processes; None chooses.
        recipe: that all cells start from.
    """

    scale: str = "small"
    seeds: int | None = None
    only: tuple[str, ...] = ()
    jobs: int | None = None
    recipe: str = BASE


def run_study(name: str, data: str | Path | Cells, out: str | Path, options: StudyOptions | None = None) -> Outcome:
    """Train and measure every cell of a study, and write ``study.csv``, ``study.json`` and ``report.html``.

    A study that was stopped or killed goes on where it was; cells that are done are not done again.

    Args:
        name: of the study.
        data: labelled pictures in any form.
        out: the folder to write to: new, or of the same study.
        options: scale, seeds, cells, processes, recipe.

    Returns:
        All figures.

    Raises:
        DataError: there is no such study, scale or cell; the data cannot be used; or `out` holds something else.
        RecipeError: the recipe and a cell do not go together.
        TrainingError: a training failed.
        TrainingInterrupted: the user stopped it; what is done stays done.
    """
    options = options or StudyOptions()
    if name in SYSTEMS:
        raise DataError(f"The study {name} is one of systems; run it with run_systems.")
    study, scale, path = find_study(name), fitting_scale(find_scale(options.scale), options.recipe), user_path(out)
    if options.seeds is not None and options.seeds < 1:
        raise DataError(f"--seeds {options.seeds}: give at least 1.")
    chosen = study.choose(scale, options.only)
    twins = twins_of_reference(study, chosen, scale, options.recipe)
    for name in sorted(twins):
        print(f"{name} is left out: with this recipe it is {study.reference} itself.", file=sys.stderr)
    chosen = [cell for cell in chosen if cell.name not in twins]
    tasks = tasks_of(study, chosen, scale, options.seeds or scale.seeds)
    base = locate_weights(load_recipe(options.recipe, shared_overrides(study, scale)), data)
    precision = check_folder(path, study, scale, options.recipe)
    for task in tasks:  # a cell that does not fit the recipe, or weights that are not there, fail here, not in an hour
        locate_weights(load_recipe(options.recipe, task.overrides), data)
    begun, jobs = time.monotonic(), choose_jobs(options.jobs)
    cells = read(data)
    precision = precision or _precision(base, len(cells.class_names), threads_of(jobs))
    place = "" if isinstance(data, Cells) else str(data)
    folder = begin_folder(path, study, scale, options.recipe, precision, place)
    material = open_material(folder.material, cells, base, scale)
    do_tasks(folder, tasks, jobs)
    seconds = sum(folder.read_facts(task)["seconds"] for task in tasks)
    facts = _facts(material, scale, base, precision, tasks, seconds, time.monotonic() - begun)
    outcome = summarise(study, folder, material, tasks, facts)
    write_outcome(path, outcome)
    tidy(folder.path)
    return outcome


def fitting_scale(scale: Scale, recipe: str) -> Scale:
    """Leave out what makes a scale's networks narrow where the recipe's network has no such option.

    Args:
        scale: of the study.
        recipe: that all cells start from; one with given weights, such as ``robust``, has the width of these.
    """
    if "channels" in load_recipe(recipe).network.options:
        return scale
    kept = tuple(value for value in scale.overrides if not value.startswith("network.options.channels"))
    return replace(scale, overrides=kept)


def twins_of_reference(study: Study, cells: Sequence[Cell], scale: Scale, recipe: str) -> set[str]:
    """Return the names of the cells that are the reference again, such as the density that a recipe has anyway.

    Args:
        study: whose reference.
        cells: to look among; those that others of them rest on are never named.
        scale: of the study.
        recipe: that all cells start from.
    """
    reference = next(cell for cell in study.cells if cell.name == study.reference)
    same, rested_on = _recipe_of(study, reference, scale, recipe), {name for cell in cells for name in cell.of}
    return {
        cell.name
        for cell in cells
        if cell.how == "plain"
        and cell.name not in {study.reference, *rested_on}
        and _recipe_of(study, cell, scale, recipe) == same
    }


def _recipe_of(study: Study, cell: Cell, scale: Scale, recipe: str) -> Recipe:
    (task,) = tasks_of(study, [cell], scale, seeds=1)
    return load_recipe(recipe, task.overrides)


def _precision(base: Recipe, classes: int, threads: int) -> str:
    """Decide the arithmetic once, with as many threads as a worker will have."""
    if base.precision.mode != "auto":
        return base.precision.mode
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        phase = base.phases[0]
        return choose_precision(initial_network(base, classes), base.framing.size, phase.batch_size, processes().device)
    finally:
        torch.set_num_threads(before)


def _facts(
    material: Material,
    scale: Scale,
    base: Recipe,
    precision: str,
    tasks: Sequence[Task],
    seconds: float,
    wall: float,
) -> list[tuple[str, str]]:
    shown = material.shown.shape[1]
    severities = " and ".join(map(str, scale.severities))
    length = f"{plural(scale.epochs, 'epoch')}, {plural(len({task.seed for task in tasks}), 'seed')}"
    return [
        ("Data", material.name),
        ("Trained on", f"{material.train:,} pictures, {length}"),
        ("Tested on", f"{len(material.pool_labels):,} pictures of the test part, as they are"),
        ("Altered", f"{len(material.conditions)} conditions (severity {severities}) of {shown} of these pictures each"),
        ("Network", f"{base.network.backbone}, recipe {base.name}, {base.framing.size} px, {precision}"),
        ("Time", f"{duration(seconds)} of all cells together, {duration(wall)} of this call"),
    ]


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write the tables and the page of a study, each atomically."""
    rows = table_rows(outcome)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "study.csv", buffer.getvalue())
    content = {"study": outcome.study.name, "reference": outcome.study.reference, "facts": dict(outcome.facts)}
    write_json(folder / "study.json", {**content, "rows": rows})
    write_study_report(folder / "report.html", study_report(outcome))


def study_report(outcome: Outcome) -> StudyReport:
    """Prepare a study's figures for its page."""
    few = outcome.reference.runs < 2
    notes = ["Each recipe was trained once: how trainings differ is not in the intervals."] if few else []
    return StudyReport(
        title=outcome.study.title,
        description=outcome.study.description,
        reference=outcome.reference.cell.title,
        rows=[_report_row(row) for row in outcome.rows],
        figures=[name for name in FIGURES if any(name in row.figures for row in outcome.rows)],
        main=ALTERED,
        facts=outcome.facts,
        notes=notes,
    )


def _report_row(row: Row) -> StudyRow:
    return StudyRow(
        title=row.cell.title,
        section=row.cell.section,
        figures={name: _estimate(value) for name, value in row.figures.items()},
        differences={name: _estimate(value) for name, value in row.differences.items()},
        focus=row.cell.focus,
        runs=row.runs,
        seconds=row.seconds,
    )


def _estimate(interval: Interval) -> Estimate:
    return Estimate(interval.value, interval.low, interval.high)


def printed(outcome: Outcome) -> str:
    """Return the main figures as a table for the terminal."""
    names = [name for name in FIGURES if any(name in row.figures for row in outcome.rows)]
    short = {"bloodmnist-c": "blood-c", "imagenet-c": "image-c", "microscope": "micro", "group degradation": "degrad."}
    heads = [short.get(name, name.removeprefix("group ")) for name in names]
    width = max(len(row.cell.title) for row in outcome.rows)
    lines = [
        " " * width + "".join(f"{head:>10}" for head in heads) + f"   {ALTERED} against {outcome.reference.cell.title}"
    ]
    for row in outcome.rows:
        values = "".join(
            f"{100 * row.figures[name].value:10.1f}" if name in row.figures else " " * 10 for name in names
        )
        lines.append(f"{row.cell.title:<{width}}{values}   {_gain(row.differences.get(ALTERED))}")
    return "\n".join(lines)


def _gain(difference: Interval | None) -> str:
    if difference is None:
        return ""
    return f"{100 * difference.value:+.1f} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"
