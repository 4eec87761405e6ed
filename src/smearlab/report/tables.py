"""The figures of a report as CSV files beside the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from smearlab.data.atomic import write_text
from smearlab.data.cells import IntArray
from smearlab.report import estimates
from smearlab.report.contents import PartResult
from smearlab.report.estimates import Estimate
from smearlab.report.text import known


def write_figures(folder: Path, results: Mapping[str, PartResult], class_names: Sequence[str]) -> list[Path]:
    """Write ``figures.csv``, ``per_class.csv`` and ``confusion_<part>.csv``, each atomically.

    Args:
        folder: where to.
        results: part to how the model did there.
        class_names: identifiers.

    Returns:
        The files written.
    """
    written = [folder / "figures.csv", folder / "per_class.csv"]
    _write(written[0], ("part", "metric", "value", "low", "high"), _overall_rows(results))
    heads = [f"{name}{end}" for name in estimates.PER_CLASS_METRICS for end in ("", "_low", "_high")]
    _write(written[1], ("part", "class", "support", *heads), _class_rows(results, class_names))
    for part, result in results.items():
        if result.confusion is not None:
            written.append(folder / f"confusion_{part}.csv")
            _write(written[-1], ("true", *class_names), _confusion_rows(result.confusion, class_names))
    return written


def _overall_rows(results: Mapping[str, PartResult]) -> list[list[object]]:
    return [
        [part, name, *_numbers(estimates.metric(result.metrics, name))]
        for part, result in results.items()
        for name in estimates.known_metrics(result.metrics)
    ]


def _class_rows(results: Mapping[str, PartResult], class_names: Sequence[str]) -> list[list[object]]:
    rows: list[list[object]] = []
    for part, result in results.items():
        for name in class_names:
            figures = [estimates.class_metric(result.metrics, name, key) for key in estimates.PER_CLASS_METRICS]
            numbers = [number for figure in figures for number in _numbers(figure)]
            rows.append([part, name, estimates.support(result.metrics, name), *numbers])
    return rows


def _confusion_rows(confusion: IntArray, class_names: Sequence[str]) -> list[list[object]]:
    return [[name, *(int(number) for number in row)] for name, row in zip(class_names, confusion, strict=True)]


def _numbers(figure: Estimate) -> list[str]:
    return [f"{number:.6f}" if known(number) else "" for number in (figure.value, figure.low, figure.high)]


def _write(path: Path, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([heads, *rows])
    write_text(path, buffer.getvalue())
