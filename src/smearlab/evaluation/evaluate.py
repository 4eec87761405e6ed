"""`smearlab evaluate`: any model on any labelled data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from smearlab.data.atomic import write_json
from smearlab.data.cells import Cells
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.data.results_folder import check_results_folder
from smearlab.evaluation.facts import machine_facts, model_facts, skipped_pictures
from smearlab.evaluation.matching import Matched, match_classes
from smearlab.evaluation.measure import (
    Measured,
    class_examples,
    part_result,
    predict_with_bar,
    worst_mistakes,
    write_predictions,
)
from smearlab.evaluation.variants import load_variant
from smearlab.evaluation.words import group_notes, left_out
from smearlab.inference.predictor import Predictor
from smearlab.report.contents import DataFacts, EvaluationReport
from smearlab.report.evaluation_report import write_evaluation_report

_METRICS = "metrics.json"
_FILES = (_METRICS, "predictions.csv", "report.html", "figures.csv", "per_class.csv", "confusion_evaluation.csv")


def evaluate(
    model: str | Path,
    data: str | Path | Cells,
    out: str | Path,
    *,
    seed: int = 0,
    tta: str | None = None,
    adapt_norm: float | None = None,
    one_look: bool = False,
) -> dict[str, Any]:
    """Measure a model on labelled pictures and write ``metrics.json``, ``predictions.csv``, CSV tables and a report.

    Args:
        model: a model folder, a run folder or ``default``.
        data: any form that `read` takes; classes are matched by name.
        out: the folder to write to: new, empty, or of an earlier evaluation, whose files are replaced.
        seed: of the bootstrap intervals.
        tta: views of each picture whose probabilities are averaged, see `views.views_of`; None takes none.
        adapt_norm: prior strength in pictures of test-time batch-norm adaptation, see `adapt_norm`; None leaves the
            model as it is.
        one_look: one look at each picture, never a second; see `smearlab.inference.second_look` and `doubt`.

    Returns:
        The contents of ``metrics.json``; its ``notes`` say what the figures leave out.

    Raises:
        DataError: the data cannot be read, has no labels, or no class that the model knows; or `out` holds something
            else than an earlier evaluation.
        ModelError: the model cannot be loaded, or not adapted.
    """
    folder, start = user_path(out), time.monotonic()
    check_out(folder)
    predictor = Predictor.load(model, second_look=not one_look)
    variant = load_variant(predictor, model, tta, adapt_norm)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    matched = match_classes(cells, predictor.class_names)
    read_at = time.monotonic()
    used, words = variant.fitted(cells)
    predictions = predict_with_bar(used, cells.images)
    measured = Measured(matched.cells, matched.labels, predictions.take(matched.positions))
    metrics = measured.metrics(seed)
    seconds = {"read": read_at - start, "predict and measure": time.monotonic() - read_at}
    folder.mkdir(parents=True, exist_ok=True)
    content = {**metrics, "data": cells.name, "model": predictor.info.name, **left_out(cells, matched, words)}
    write_json(folder / _METRICS, content)
    parts = cells.parts if cells.parts is not None else np.full(len(cells), "")
    write_predictions(folder / "predictions.csv", cells, predictions, parts)
    write_evaluation_report(
        folder / "report.html", _report(model, predictor, matched, measured, metrics, seconds, words)
    )
    return content


def check_out(folder: Path) -> None:
    """Make sure that nothing but an earlier evaluation is written over; a run has a ``metrics.json`` as well.

    Raises:
        DataError: `folder` is a file, or holds a training run or any other files.
    """
    check_results_folder(folder, "evaluation", _FILES, _METRICS, "left_out")


def _report(
    model: str | Path,
    predictor: Predictor,
    matched: Matched,
    measured: Measured,
    metrics: dict[str, Any],
    seconds: dict[str, float],
    words: list[str],
) -> EvaluationReport:
    cells, names = matched.cells, predictor.class_names
    mistakes, count = worst_mistakes(measured)
    counts = np.bincount(matched.labels, minlength=len(names)).tolist()
    return EvaluationReport(
        name=Path(model).as_posix(),
        data=DataFacts(
            name=cells.name,
            class_names=names,
            counts={"pictures": counts},
            examples=class_examples(cells),
            unreadable=skipped_pictures(cells),
        ),
        result=part_result(measured, metrics),
        model=model_facts(predictor),
        machine=machine_facts(seconds, seed=None),
        mistakes=mistakes,
        mistake_count=count,
        notes=[*matched.notes, *group_notes(cells.groups), *words],
    )
