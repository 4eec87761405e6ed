"""The results of a study of systems as files: one JSON for each row, one for the verdicts, and a table."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from smearlab.data.atomic import write_json, write_text
from smearlab.evaluation.studies.outcome import ALTERED
from smearlab.evaluation.studies.revision import revision
from smearlab.evaluation.studies.system_outcome import ACCURACY, SYSTEM_FIGURES
from smearlab.evaluation.studies.verdicts import as_json
from smearlab.metrics.counts import class_scores
from smearlab.report.reported import local_figure
from smearlab.report.study_systems import millions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from smearlab.data.cells import IntArray
    from smearlab.evaluation.studies.system_outcome import SystemOutcome, SystemRow
    from smearlab.evaluation.studies.verdicts import Judged
    from smearlab.metrics.intervals import Interval

VERDICTS = "findings"
_HEADS = ("row", "recipe", "reported_local", "reported_online", "parameters", "epochs", "runs", "seconds")
_SHOWN = (*SYSTEM_FIGURES, ALTERED, ACCURACY, "chain1", "chain2", "chain3")


def write_results(folder: Path, outcome: SystemOutcome, judged: Sequence[Judged]) -> None:
    """Write ``<row>.<scale>.json`` for each row and ``findings.<scale>.json``.

    A row that was left out now never replaces one that has figures, as these may come from a larger machine.

    Args:
        folder: of the study's results; made where it is not there.
        outcome: all figures.
        judged: the verdicts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for row in outcome.rows:
        path = folder / f"{row.cell.name}.{outcome.scale}.json"
        if not row.missing or not read_result(path).get("figures"):
            write_json(path, row_json(row, outcome))
    if judged:
        path = folder / f"{VERDICTS}.{outcome.scale}.json"
        known = {one["finding"]: one for one in read_result(path).get("findings", ())}
        for one in as_json(judged):
            if one["difference"] or one["finding"] not in known:
                known[one["finding"]] = one
        names = [one.finding.name for one in judged]
        content = {"study": outcome.study.name, "scale": outcome.scale, "findings": [known[name] for name in names]}
        write_json(path, content)


def read_result(path: Path) -> dict[str, Any]:
    """Read a result; empty where there is none."""
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def row_json(row: SystemRow, outcome: SystemOutcome) -> dict[str, Any]:
    """Return one row as it is stored."""
    return {
        "study": outcome.study.name,
        "row": row.cell.name,
        "title": row.cell.title,
        "section": row.cell.section,
        "recipe": row.recipe,
        "overrides": list(row.cell.overrides),
        "scale": outcome.scale,
        "missing": row.missing,
        "from_scratch": row.scratch,
        "reported": dict(row.reported),
        "reported_parameters": row.reported_parameters,
        "parameters": row.parameters,
        "epochs": row.epochs,
        "runs": row.runs,
        "seconds": round(row.seconds, 1),
        **({"revision": revision()} | dict(row.made)),
        "data": dict(outcome.facts).get("Data", ""),
        "figures": _intervals({name: row.figures[name] for name in _SHOWN if name in row.figures}),
        "reference": outcome.study.reference,
        "differences": _intervals({name: row.differences[name] for name in _SHOWN if name in row.differences}),
        "per_class": {name: per_class(matrix, outcome.class_names) for name, matrix in row.confusions.items()},
        "confusion": {name: matrix.tolist() for name, matrix in row.confusions.items()},
    }


def _intervals(found: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {
        name: {end: round(value, 5) for end, value in interval.model_dump().items()} for name, interval in found.items()
    }


def per_class(matrix: IntArray, class_names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 and support of each class, of a confusion matrix ``int64 (k, k)``."""
    scores = class_scores(matrix)
    return {
        name: {key: round(float(values[position]), 4) for key, values in scores._asdict().items()}
        for position, name in enumerate(class_names)
    }


def write_table(folder: Path, outcome: SystemOutcome) -> None:
    """Write ``study.csv`` and ``study.json``: all rows together."""
    rows = [row_json(row, outcome) for row in outcome.rows]
    buffer = io.StringIO()
    fields = [f"{name}{end}" for name in _SHOWN for end in ("", "_low", "_high")]
    writer = csv.DictWriter(
        buffer,
        [*_HEADS, *fields, "from_scratch", "missing"],
        lineterminator="\n",
        extrasaction="ignore",
    )
    writer.writeheader()
    for row, stored in zip(outcome.rows, rows, strict=True):
        writer.writerow(stored | reported(row.reported) | _flat(row.figures))
    write_text(folder / "study.csv", buffer.getvalue())
    content = {"study": outcome.study.name, "reference": outcome.study.reference, "facts": dict(outcome.facts)}
    write_json(folder / "study.json", {**content, "rows": rows})


def _flat(figures: Mapping[str, Interval]) -> dict[str, float]:
    return {
        f"{name}{end}": round(value, 5)
        for name in _SHOWN
        if name in figures
        for end, value in (("", figures[name].value), ("_low", figures[name].low), ("_high", figures[name].high))
    }


def reported(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Return what was reported as local and as online figure."""
    local = local_figure(figures)
    return {"reported_local": None if local is None else local[1], "reported_online": figures.get("online")}


def printed_systems(outcome: SystemOutcome, judged: Sequence[Judged]) -> str:
    """Return the table and the verdicts for the terminal."""
    width = max(len(row.cell.title) for row in outcome.rows)
    heads = ("local", "online", *(name for name in SYSTEM_FIGURES))
    lines = [
        f"{'':<{width}}  {'reported':>15}  ours\n{'':<{width}}" + _heads(heads) + "  parameters  epochs       time"
    ]
    lines += [_line(row, width) for row in outcome.rows]
    lines += [f"{one.verdict}: {one.finding.text}{_of(one)}" for one in judged]
    return "\n".join(lines)


def _heads(heads: Sequence[str]) -> str:
    return "".join(f"{head:>8}" for head in heads[:2]) + "".join(f"{head:>20}" for head in heads[2:])


def _line(row: SystemRow, width: int) -> str:
    known = reported(row.reported).values()
    told = "".join(f"{'–' if value is None else f'{100 * value:.1f}':>8}" for value in known)
    title = f"{row.cell.title:<{width}}{told}"
    if row.missing:
        return f"{title}  left out: {row.missing}"
    mark = "  from scratch" if row.scratch else ""
    shown = "".join(f"{_with_interval(row.figures.get(name)):>20}" for name in SYSTEM_FIGURES)
    return f"{title}{shown}  {millions(row.parameters):>10}  {row.epochs:>6}   {row.seconds:>6.0f} s{mark}"


def _with_interval(figure: Interval | None) -> str:
    if figure is None:
        return "–"
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def _of(one: Judged) -> str:
    if one.difference is None or one.pair is None:
        return ""
    against = f"{one.pair[0]} against {one.pair[1]}" if one.pair[1] else one.pair[0]
    value, low, high = (100 * each for each in (one.difference.value, one.difference.low, one.difference.high))
    return f" ({against}, {one.finding.figure}: {value:+.1f} [{low:+.1f}, {high:+.1f}] points)"
