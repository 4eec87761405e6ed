"""The figures of a study of systems: each row beside what its team reported, and why a row is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.evaluation.studies.answers import Answers
from smearlab.evaluation.studies.confusions import confusions
from smearlab.evaluation.studies.outcome import ALTERED, CHAIN, SEEN, UNSEEN, Measured, measure
from smearlab.evaluation.studies.plan import CLEAN
from smearlab.metrics.counts import confusion_matrix
from smearlab.metrics.repeats import difference_over_runs, interval_over_runs, picture_weights
from smearlab.training.recipe import ReportedConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smearlab.data.cells import FloatArray, IntArray
    from smearlab.evaluation.studies.folder import StudyFolder
    from smearlab.evaluation.studies.material import Material
    from smearlab.evaluation.studies.plan import Cell, Study, Task
    from smearlab.evaluation.studies.systems import Planned
    from smearlab.metrics.intervals import Interval

ACCURACY, BLOODMNIST_C = "accuracy", "bloodmnist-c"
SYSTEM_FIGURES = (CLEAN, CHAIN, BLOODMNIST_C)
"""What the tables show; ``altered`` is the mean of the last two."""
_MADE = ("revision", "device", "precision", "pictures")


@dataclass(frozen=True, eq=False)
class SystemRow:
    """One system of a study.

    Attributes:
        cell: which.
        recipe: the name of the recipe that it is made of.
        reported: metric to what others reported, shares of 1.
        reported_parameters: learnable numbers as reported; 0 where nobody says.
        missing: why there are no figures; empty where there are.
        scratch: trained from scratch although it wants weights.
        runs: trainings.
        parameters: learnable numbers.
        epochs: trained, in all phases.
        seconds: of one training with its answers, on average.
        figures: name to the mean over runs with its interval.
        differences: name to the difference to the reference, paired; empty for itself.
        confusions: ``clean`` and ``altered`` to ``int64 (k, k)``, true classes down, all runs together.
        history: rows of the first run's epochs.
        made: revision, device, arithmetic, pictures and seeds of the runs.
    """

    cell: Cell
    recipe: str
    reported: Mapping[str, float]
    reported_parameters: int = 0
    missing: str = ""
    scratch: bool = False
    runs: int = 0
    parameters: int = 0
    epochs: int = 0
    seconds: float = 0.0
    figures: Mapping[str, Interval] = field(default_factory=dict)
    differences: Mapping[str, Interval] = field(default_factory=dict)
    confusions: Mapping[str, IntArray] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    made: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SystemOutcome:
    """All figures of a study of systems.

    Attributes:
        study: what was asked.
        scale: its name.
        rows: one per cell, in the study's order.
        class_names: identifiers.
        facts: what the figures rest on, in words.
        measured: row to its figures under every resample, from which any two rows can be compared.
    """

    study: Study
    scale: str
    rows: tuple[SystemRow, ...]
    class_names: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    measured: Mapping[str, Measured]

    def row(self, name: str) -> SystemRow:
        """Return a row by the name of its cell."""
        return next(row for row in self.rows if row.cell.name == name)


def summarise_systems(
    study: Study,
    scale: str,
    cells: Sequence[Cell],
    folder: StudyFolder,
    material: Material,
    planned: Planned,
    facts: Sequence[tuple[str, str]],
) -> SystemOutcome:
    """Work out the figures of the rows that are done.

    Args:
        study: what was asked.
        scale: its name.
        cells: the rows wanted.
        folder: where the answers lie.
        material: the pictures they were given to.
        planned: what was to be done, and what was left out.
        facts: what the figures rest on, in words.
    """
    weights = picture_weights(material.pool_labels, seed=0)
    done = {cell.name: _done(cell, folder, planned) for cell in cells}
    measured = {name: _measured(folder, material, tasks, weights) for name, tasks in done.items() if tasks}
    reference = measured.get(study.reference)
    rows = [
        _row(cell, done[cell.name], folder, material, planned, measured.get(cell.name), reference)
        for cell in study.cells
        if cell.name in done
    ]
    return SystemOutcome(study, scale, tuple(rows), material.class_names, tuple(facts), measured)


def _done(cell: Cell, folder: StudyFolder, planned: Planned) -> list[Task]:
    return [task for task in planned.tasks if task.cell.name == cell.name and folder.read_facts(task)]


def _measured(folder: StudyFolder, material: Material, tasks: Sequence[Task], weights: FloatArray) -> Measured:
    measured = measure(folder, material, tasks, weights, (BLOODMNIST_C, CHAIN))
    further: list[dict[str, FloatArray]] = []
    for task in tasks:
        answers = Answers.load(folder.answers(task))
        found = {ACCURACY: weights @ answers.clean / weights.sum(axis=1)}
        if answers.named is not None:
            found |= confusions(answers.named, material.pool_labels, material.class_names, weights)
        further.append(found)
    kept = {name: values for name, values in measured.figures.items() if name not in (SEEN, UNSEEN)}
    more = {name: np.stack([one[name] for one in further]) for name in further[0]}
    return Measured(kept | more, measured.seeds, measured.seconds)


def _row(
    cell: Cell,
    tasks: Sequence[Task],
    folder: StudyFolder,
    material: Material,
    planned: Planned,
    measured: Measured | None,
    reference: Measured | None,
) -> SystemRow:
    recipe = planned.recipes.get(cell.name)
    name = cell.recipe or folder.base
    told = recipe.reported if recipe is not None and cell.recipe and cell.reported is None else ReportedConfig()
    reported, counted = told.figures if cell.reported is None else cell.reported, told.parameters
    if measured is None:
        missing = planned.left_out.get(cell.name) or _failure(cell, folder, planned)
        need = planned.needs.get(cell.name)
        parameters = need.parameters if need is not None else 0
        return SystemRow(cell, name, reported, counted, missing, parameters=parameters)
    facts = [folder.read_facts(task) for task in tasks]
    return SystemRow(
        *(cell, name, reported, counted),
        scratch=cell.name in planned.scratch,
        runs=len(tasks),
        parameters=int(facts[0].get("parameters", 0)),
        epochs=int(facts[0].get("epochs", 0)),
        seconds=measured.seconds,
        figures={name: interval_over_runs(values) for name, values in measured.figures.items()},
        differences=differences(reference, measured) if reference is not None and reference is not measured else {},
        confusions=_confusions(folder, material, tasks),
        history=facts[0].get("history", ()),
        made={"seeds": measured.seeds, **{key: facts[0].get(key) for key in _MADE}},
    )


def _failure(cell: Cell, folder: StudyFolder, planned: Planned) -> str:
    reasons = [folder.read_failure(task) for task in planned.tasks if task.cell.name == cell.name]
    return next((f"It failed: {reason}" for reason in reasons if reason), "It was not run.")


def differences(first: Measured, second: Measured) -> dict[str, Interval]:
    """Return by how much each figure of the second exceeds the first's, paired over pictures and shared seeds."""
    shared = [seed for seed in second.seeds if seed in first.seeds]
    if not shared:
        return {}
    other, own = ([one.seeds.index(seed) for seed in shared] for one in (first, second))
    return {
        name: difference_over_runs(first.figures[name][other], values[own])
        for name, values in second.figures.items()
        if name in first.figures
    }


def _confusions(folder: StudyFolder, material: Material, tasks: Sequence[Task]) -> dict[str, IntArray]:
    classes, labels = len(material.class_names), material.pool_labels
    found: dict[str, IntArray] = {}
    for task in tasks:
        answers = Answers.load(folder.answers(task))
        if answers.named is None or answers.named_altered is None:
            return {}
        seen = {
            CLEAN: (labels, answers.named),
            ALTERED: (labels[material.shown].ravel(), answers.named_altered.ravel()),
        }
        for name, (true, named) in seen.items():
            found[name] = found.get(name, 0) + confusion_matrix(true, named, classes)
    return found
