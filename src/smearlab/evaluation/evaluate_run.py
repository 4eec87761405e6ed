"""What a finished training run is worth: figures of every part, predictions for every picture, the report."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smearlab.data.atomic import write_json
from smearlab.evaluation.facts import machine_facts, model_facts, skipped_pictures
from smearlab.evaluation.measure import (
    Measured,
    class_examples,
    example,
    part_result,
    predict_with_bar,
    worst_mistakes,
    write_predictions,
)
from smearlab.evaluation.robustness import measure_robustness
from smearlab.evaluation.words import group_notes
from smearlab.inference.model_folder import record_figures
from smearlab.inference.predictor import Predictor
from smearlab.report.contents import DataFacts, DuplicatePair, RunReport
from smearlab.report.run_report import write_run_report
from smearlab.training.corrupted import seen_families
from smearlab.training.recipe_io import recipe_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smearlab.training.job import FitResult
    from smearlab.training.preparation import Prepared
    from smearlab.training.run_folder import Run
    from smearlab.training.train import Trained

PARTS = ("test", "validation", "train")
HEADLINE = ("balanced_accuracy", "accuracy", "macro_f1", "ece")
_PAIRS_SHOWN = 36
_KINDS = {"exact_duplicate": "exact", "conflicting_duplicate": "conflicting", "near_duplicate": "near"}


def evaluate_run(run: Run, prepared: Prepared, trained: Trained, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Measure the exported model on every part and write predictions, figures and the report.

    The figures come from the model folder, as a user will load it, not from the network in memory.

    Args:
        run: the run's folder, its model written.
        prepared: cells and split.
        trained: what training left.
        seconds: of the stages so far.

    Returns:
        The contents of ``metrics.json``; at the top the figures of the test part (else validation, else train).
    """
    start = time.monotonic()
    predictor = Predictor.load(run.model)
    cells = prepared.cells
    measured = Measured(cells, cells.known_labels, predict_with_bar(predictor, cells.images))
    write_predictions(run.predictions, cells, measured.predictions, prepared.parts)
    by_part = {part: measured.take(getattr(prepared.split, part)) for part in PARTS}
    by_part = {part: some for part, some in by_part.items() if len(some.labels)}
    metrics = {part: some.metrics(trained.recipe.seed) for part, some in by_part.items()}
    measured_at = time.monotonic()
    robustness = _robustness(run, trained, next(iter(by_part.values())))
    times = {**seconds, **trained.seconds, "evaluate": measured_at - start, "alter": time.monotonic() - measured_at}
    content = {**_content(prepared, trained, metrics, times), "robustness": robustness}
    write_json(run.metrics, content)
    record_figures(run.model, headline_figures(content))
    report = _report(run, prepared, trained, predictor, by_part, metrics, times)
    write_run_report(run.report, replace(report, robustness=robustness))
    return content


def _robustness(run: Run, trained: Trained, measured: Measured) -> dict[str, Any] | None:
    recipe = trained.recipe
    if not recipe.robustness.pictures:
        return None
    # One thread for each picture: they are altered and named side by side on all cores.
    predictor = Predictor.load(run.model, threads=1)
    seen = seen_families(recipe.augment)
    return measure_robustness(predictor, measured.cells, measured.labels, recipe.robustness, seen, recipe.seed)


def headline_figures(content: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures for a model's own ``model.json``, such as ``test_accuracy`` and ``test_accuracy_low``.

    Args:
        content: of a run's ``metrics.json``.
    """
    ends = {"": "value", "_low": "low", "_high": "high"}
    return {f"{content['part']}_{name}{end}": content[name][key] for name in HEADLINE for end, key in ends.items()}


def _content(
    prepared: Prepared, trained: Trained, metrics: Mapping[str, Any], seconds: Mapping[str, float]
) -> dict[str, Any]:
    part = next(iter(metrics))
    return {
        **metrics[part],
        "part": part,
        "parts": metrics,
        "pictures": {name: int((prepared.parts == name).sum()) for name in ("train", "validation", "test", "dropped")},
        "unreadable": len(prepared.cells.unreadable),
        "leakage": prepared.split.report.summary(),
        "parameters": trained.parameters,
        "best_epoch": trained.fitted.progress.best_epoch,
        "shipped": trained.fitted.shipped,
        "candidates": trained.fitted.candidates,
        "onnx_difference": trained.onnx_difference,
        "processes": trained.processes,
        "precision": trained.recipe.precision.mode,
        "seed": trained.recipe.seed,
        "seconds": dict(seconds),
    }


def _report(
    run: Run,
    prepared: Prepared,
    trained: Trained,
    predictor: Predictor,
    by_part: Mapping[str, Measured],
    metrics: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> RunReport:
    recipe, progress = trained.recipe, trained.fitted.progress
    mistakes, count = worst_mistakes(next(iter(by_part.values())))
    return RunReport(
        name=run.path.as_posix(),
        data=_data_facts(prepared),
        results={part: part_result(some, metrics[part]) for part, some in by_part.items()},
        model=model_facts(predictor, _model_notes(trained)),
        machine=machine_facts(
            seconds,
            device=trained.device,
            seed=recipe.seed,
            precision=recipe.precision.mode,
            threads=torch.get_num_threads(),
        ),
        history=progress.history,
        best_epoch=progress.best_epoch,
        chosen=_chosen(trained),
        recipe_name=recipe.name,
        recipe_toml=recipe_toml(recipe),
        mistakes=mistakes,
        mistake_count=count,
        notes=[*prepared.notes, *prepared.split.notes, *_calibration_notes(prepared), *_group_notes(by_part)],
    )


def _chosen(trained: Trained) -> bool:
    """Whether validation pictures had a say: in the epoch to keep, in when to stop, or between averages of weights."""
    recipe = trained.recipe
    stopping = any(phase.early_stopping.patience for phase in recipe.phases)
    return recipe.selection.keep == "best" or stopping or bool(trained.fitted.candidates)


def _group_notes(by_part: Mapping[str, Measured]) -> list[str]:
    part, measured = next(iter(by_part.items()))
    return group_notes(measured.cells.groups, part)


def _calibration_notes(prepared: Prepared) -> list[str]:
    if len(prepared.split.validation):
        return []
    return [
        "There is no validation part: temperature and the limit of is_cell were fitted on training pictures, so the "
        "confidence is too high and the last epoch was kept."
    ]


def _model_notes(trained: Trained) -> dict[str, str]:
    weights = trained.recipe.network.weights
    return {
        "Starting weights": {"none": "random", "pretrained": "timm's pretrained"}.get(weights, weights),
        "Weights that ship": _shipped_words(trained.fitted),
        "ONNX against the network": f"largest relative difference of a logit {trained.onnx_difference:.1e}",
    }


def _shipped_words(fitted: FitResult) -> str:
    """Say which weights ship, and how the others scored."""
    scores = [f"{row['weights']} {row['score']:.4f}" for row in fitted.candidates if row["score"] is not None]
    return fitted.shipped + (f"; on validation: {', '.join(scores)}" if scores else "")


def _data_facts(prepared: Prepared) -> DataFacts:
    cells, split = prepared.cells, prepared.split
    classes = len(cells.class_names)
    counts = {
        part: np.bincount(cells.known_labels[getattr(split, part)], minlength=classes).tolist()
        for part in ("train", "validation", "test")
    }
    kinds = [pair.kind for pair in prepared.duplicates]
    return DataFacts(
        name=cells.name,
        class_names=cells.class_names,
        counts={part: numbers for part, numbers in counts.items() if sum(numbers)},
        examples=class_examples(cells),
        split=_split_words(prepared),
        leakage=split.report.summary(),
        leakage_ok=split.report.ok,
        duplicate_counts={short: kinds.count(kind) for kind, short in _KINDS.items() if kind in kinds},
        duplicates=_duplicate_pairs(prepared),
        unreadable=skipped_pictures(cells),
    )


def _split_words(prepared: Prepared) -> str:
    numbers = [f"{len(getattr(prepared.split, part)):,} {part}" for part in ("train", "validation", "test")]
    how = "the data's own parts" if prepared.cells.parts is not None else "stratified by class, copies kept together"
    grouped = " and groups" if prepared.cells.groups is not None else ""
    return f"{', '.join(numbers)}; {how}{grouped}."


def _duplicate_pairs(prepared: Prepared) -> list[DuplicatePair]:
    """Show some pairs of each kind: a junk picture copied a thousand times must not hide the rest."""
    cells, shown = prepared.cells, []
    names = cells.class_names
    for kind, short in _KINDS.items():
        pairs = [pair for pair in prepared.duplicates if pair.kind == kind]
        for pair in pairs[: _PAIRS_SHOWN // len(_KINDS)]:
            first, second = sorted((pair.row, pair.partner))
            shown.append(
                DuplicatePair(
                    kind=short,
                    first=example(cells, first),
                    second=example(cells, second),
                    first_label=names[cells.known_labels[first]],
                    second_label=names[cells.known_labels[second]],
                )
            )
    return shown
