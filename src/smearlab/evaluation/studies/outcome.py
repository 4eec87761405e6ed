"""The figures of a study with their intervals, from the answers of its networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.corruptions.families import FAMILIES, GROUPS
from smearlab.evaluation.studies.answers import Answers
from smearlab.evaluation.studies.plan import CLEAN
from smearlab.evaluation.studies.trained import recipe_of
from smearlab.metrics.intervals import Interval
from smearlab.metrics.repeats import condition_figures, difference_over_runs, interval_over_runs, picture_weights
from smearlab.training.corrupted import seen_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import FloatArray
    from smearlab.evaluation.conditions import Condition
    from smearlab.evaluation.studies.folder import StudyFolder
    from smearlab.evaluation.studies.material import Material
    from smearlab.evaluation.studies.plan import Cell, Study, Task

ALTERED, SEEN, UNSEEN = "altered", "seen families", "unseen families"
CHAIN = "chain"
_SUITES = ("bloodmnist-c", "imagenet-c", "microscope")
FIGURES = (CLEAN, *_SUITES, "chain1", "chain2", "chain3", *(f"group {group}" for group in GROUPS), ALTERED)
"""The figures of every cell; ``altered`` is the mean of the three suites."""


@dataclass(frozen=True)
class Row:
    """One cell's figures.

    Attributes:
        cell: which.
        runs: how many trainings they rest on.
        figures: name to the mean over runs with its interval, over pictures and runs.
        differences: name to the difference to the reference, paired over pictures and runs; empty for itself.
        seconds: of one run, on average.
    """

    cell: Cell
    runs: int
    figures: dict[str, Interval]
    differences: dict[str, Interval]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """All figures of a study.

    Attributes:
        study: what was asked.
        rows: one per cell.
        facts: what the figures rest on, in words.
    """

    study: Study
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def reference(self) -> Row:
        """The row that all are compared with."""
        return next(row for row in self.rows if row.cell.name == self.study.reference)


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of one cell: name to ``float64 (S, B + 1)``, the seeds of the S runs, and the seconds of one."""

    figures: dict[str, FloatArray]
    seeds: list[int]
    seconds: float


def summarise(
    study: Study, folder: StudyFolder, material: Material, tasks: Sequence[Task], facts: Sequence[tuple[str, str]]
) -> Outcome:
    """Work out all figures of the tasks that are done.

    Args:
        study: what was asked.
        folder: where the answers lie.
        material: the pictures they were given to.
        tasks: all of them.
        facts: what the figures rest on, in words.
    """
    weights = picture_weights(material.pool_labels, seed=0)
    cells = {task.cell.name: task.cell for task in tasks}
    measured = {
        name: measure(folder, material, [task for task in tasks if task.cell.name == name], weights) for name in cells
    }
    reference = measured[study.reference]
    rows = [_row(cells[name], measured[name], reference, name == study.reference) for name in cells]
    order = {cell.name: number for number, cell in enumerate(study.cells)}
    return Outcome(study, tuple(sorted(rows, key=lambda row: order[row.cell.name])), tuple(facts))


def measure(
    folder: StudyFolder,
    material: Material,
    tasks: Sequence[Task],
    weights: FloatArray,
    averaged: Sequence[str] = _SUITES,
) -> Measured:
    """Work out the figures of one cell.

    Args:
        folder: where the answers lie.
        material: the pictures they were given to.
        tasks: of the cell, done.
        weights: ``float64 (B + 1, P)`` of the pictures.
        averaged: the figures whose mean is ``altered``.
    """
    names = _members(material.conditions, seen_families(recipe_of(folder, tasks[0]).augment))
    runs = []
    for task in tasks:
        table = Answers.load(folder.answers(task)).matrix(material.shown)
        by_condition = condition_figures(table, material.pool_labels, weights)
        runs.append({name: _mean(by_condition, columns) for name, columns in names.items()})
    stacked = {name: np.stack([run[name] for run in runs]) for name in names}
    stacked[ALTERED] = np.mean([stacked[name] for name in averaged if name in stacked], axis=0)
    seconds = float(np.mean([folder.read_facts(task)["seconds"] for task in tasks]))
    return Measured(stacked, [task.seed for task in tasks], seconds)


def _mean(figures: FloatArray, columns: list[int]) -> FloatArray:
    return np.asarray(figures[:, columns].mean(axis=1))


def _members(conditions: Sequence[Condition], seen: frozenset[str]) -> dict[str, list[int]]:
    """Return the columns (clean is 0) whose mean each figure is; figures without any are left out."""
    numbered = list(enumerate(conditions, start=1))
    members = {CLEAN: [0]}
    members |= {suite: [at for at, one in numbered if one.suite == suite] for suite in _SUITES}
    members |= {chain: [at for at, one in numbered if one.corruption == chain] for chain in FIGURES[4:7]}
    members[CHAIN] = [at for at, one in numbered if one.suite == CHAIN]
    members |= {f"group {group}": [at for at, one in numbered if one.group == group] for group in GROUPS}
    members |= {f"family {family}": [at for at, one in numbered if one.family == family] for family in FAMILIES}
    single = [(at, one.family in seen) for at, one in numbered if one.family]
    members |= {SEEN: [at for at, was in single if was], UNSEEN: [at for at, was in single if not was]}
    return {name: columns for name, columns in members.items() if columns}


def _row(cell: Cell, measured: Measured, reference: Measured, same: bool) -> Row:
    figures = {name: interval_over_runs(values) for name, values in measured.figures.items()}
    differences: dict[str, Interval] = {}
    shared = [seed for seed in measured.seeds if seed in reference.seeds]
    if not same and shared:
        own, other = ([one.seeds.index(seed) for seed in shared] for one in (measured, reference))
        differences = {
            name: difference_over_runs(reference.figures[name][other], values[own])
            for name, values in measured.figures.items()
            if name in reference.figures and name not in (SEEN, UNSEEN)  # which families these are differs
        }
    return Row(cell, len(measured.seeds), figures, differences, measured.seconds)


def table_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the outcome as flat rows: one for every cell and figure, as ``study.csv`` holds them."""
    return [
        {
            "cell": row.cell.name,
            "section": row.cell.section,
            "title": row.cell.title,
            "figure": name,
            **_numbers("", figure),
            **_numbers("difference_", row.differences.get(name)),
            "runs": row.runs,
            "seconds": round(row.seconds, 1),
        }
        for row in outcome.rows
        for name, figure in row.figures.items()
    ]


def _numbers(prefix: str, interval: Interval | None) -> dict[str, float | None]:
    return {
        f"{prefix or ''}{name}": None if interval is None else round(getattr(interval, name), 6)
        for name in ("value", "low", "high")
    }
