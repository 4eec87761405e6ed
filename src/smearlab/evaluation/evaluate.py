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
from smearlab.inference.predictor import Predictor
from smearlab.report.contents import DataFacts, EvaluationReport
from smearlab.report.evaluation_report import write_evaluation_report


def evaluate(model: str | Path, data: str | Path | Cells, out: str | Path, *, seed: int = 0) -> dict[str, Any]:
    """Measure a model on labelled pictures and write ``metrics.json``, ``predictions.csv``, CSV tables and a report.

    Args:
        model: a model folder, a run folder or ``default``.
        data: any form that `read` takes; classes are matched by name.
        out: the folder to write to; files of an earlier evaluation there are replaced.
        seed: of the bootstrap intervals.

    Returns:
        The contents of ``metrics.json``.

    Raises:
        DataError: the data cannot be read, has no labels, or no class that the model knows.
        ModelError: the model cannot be loaded.
    """
    start = time.monotonic()
    predictor = Predictor.load(model)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    matched = match_classes(cells, predictor.class_names)
    read_at = time.monotonic()
    measured = Measured(matched.cells, matched.labels, predict_with_bar(predictor, matched.cells.images))
    metrics = measured.metrics(seed)
    seconds = {"read": read_at - start, "predict and measure": time.monotonic() - read_at}
    folder = user_path(out)
    folder.mkdir(parents=True, exist_ok=True)
    content = {**metrics, "data": cells.name, "model": predictor.info.name, "left_out": matched.unknown}
    write_json(folder / "metrics.json", content)
    parts = matched.cells.parts if matched.cells.parts is not None else np.full(len(matched.cells), "")
    write_predictions(folder / "predictions.csv", measured, parts)
    write_evaluation_report(folder / "report.html", _report(predictor, matched, measured, metrics, seconds))
    return content


def _report(
    predictor: Predictor, matched: Matched, measured: Measured, metrics: dict[str, Any], seconds: dict[str, float]
) -> EvaluationReport:
    cells, names = matched.cells, predictor.class_names
    mistakes, count = worst_mistakes(measured)
    counts = np.bincount(matched.labels, minlength=len(names)).tolist()
    return EvaluationReport(
        name=predictor.info.name,
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
        notes=matched.notes,
    )
