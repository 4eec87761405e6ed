"""What the page about a cross-validation is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.evaluation.facts import machine_facts, skipped_pictures
from smearlab.evaluation.measure import MISTAKES_SHOWN, class_examples, example
from smearlab.evaluation.words import group_notes, unreadable_notes
from smearlab.report.contents import DataFacts, Mistake, PartResult
from smearlab.report.estimates import Estimate
from smearlab.report.kfold_report import FoldFacts, KFoldReport, OverFolds, write_kfold_report
from smearlab.training.recipe_io import recipe_toml

if TYPE_CHECKING:
    from smearlab.evaluation.kfold import CrossValidation
    from smearlab.evaluation.kfold_figures import Fold, Spread


def write_page(found: CrossValidation, seconds: float) -> None:
    """Write ``report.html`` and the CSV tables beside it.

    Args:
        found: all figures.
        seconds: that putting them together took.
    """
    recipe, cells, answers = found.recipe, found.cells, found.out_of_fold
    mistakes, number = _mistakes(found)
    times = {fold.run.path.name: fold.seconds for fold in found.folds} | {"summarise": seconds}
    machine = machine_facts(
        times, device=_device(), seed=recipe.seed, precision=recipe.precision.mode, threads=torch.get_num_threads()
    )
    notes = [*cells.notes, *group_notes(cells.groups), *unreadable_notes(cells.unreadable), *_unsure(found)]
    confidence = answers.probabilities.max(axis=1)
    correct = np.asarray(answers.probabilities.argmax(axis=1) == answers.labels)
    report = KFoldReport(
        data=_data_facts(found),
        network=recipe.network.backbone,
        figures={name: _over_folds(figure) for name, figure in found.figures.items()},
        by_class={
            name: {key: _over_folds(figure) for key, figure in figures.items()}
            for name, figures in found.by_class.items()
        },
        folds=[_facts(fold) for fold in found.folds],
        together=PartResult(found.together, np.asarray(found.together["confusion"], np.int64), confidence, correct),
        untested=found.untested,
        mistakes=mistakes,
        mistake_count=number,
        machine=machine,
        recipe_name=recipe.name,
        recipe_toml=recipe_toml(recipe),
        notes=notes,
    )
    write_kfold_report(found.folder / "report.html", report)


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _unsure(found: CrossValidation) -> list[str]:
    if len(found.folds) > 2:
        return []
    return ["Two folds say little about how trainings differ: the interval of the mean is very wide."]


def _over_folds(figure: Spread) -> OverFolds:
    return OverFolds(Estimate(figure.mean, figure.low, figure.high), figure.sd, figure.folds)


def _facts(fold: Fold) -> FoldFacts:
    return FoldFacts(
        name=fold.run.path.name,
        pictures=fold.pictures,
        result=PartResult(fold.tested, np.asarray(fold.tested["confusion"], np.int64)),
        history=fold.history,
        best_epoch=int(fold.content["best_epoch"]),
        leakage=str(fold.content["leakage"]),
        seconds=fold.seconds,
    )


def _data_facts(found: CrossValidation) -> DataFacts:
    cells, answers = found.cells, found.out_of_fold
    tested = {number: answers.labels[answers.folds == number] for number in range(1, len(found.folds) + 1)}
    classes = len(cells.class_names)
    counts = {f"fold {number}": np.bincount(labels, minlength=classes).tolist() for number, labels in tested.items()}
    grouped = " and groups (slides, patients)" if cells.groups is not None else ""
    return DataFacts(
        name=cells.name,
        class_names=cells.class_names,
        counts=counts,
        examples=class_examples(cells),
        split=f"{len(found.folds)} folds, stratified by class; copies{grouped} stay in one fold.",
        unreadable=skipped_pictures(cells),
    )


def _mistakes(found: CrossValidation) -> tuple[list[Mistake], int]:
    """Return the wrongly named pictures, the most confident first, and how many there are in all."""
    answers, names = found.out_of_fold, found.cells.class_names
    named, confidence = answers.probabilities.argmax(axis=1), answers.probabilities.max(axis=1)
    wrong = np.flatnonzero(named != answers.labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES_SHOWN]
    shown = [
        Mistake(
            picture=example(found.cells, int(answers.positions[place])),
            true_label=names[answers.labels[place]],
            label=names[named[place]],
            confidence=float(confidence[place]) if math.isfinite(confidence[place]) else 0.0,
        )
        for place in order
    ]
    return shown, len(wrong)
