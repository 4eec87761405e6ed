"""Write the tables of the teams' studies into teams-studies.md, from the results that stand in docs/results.

python -m docs.study_tables           # write them
python -m docs.study_tables --check   # exit 1 where teams-studies.md does not say what the results do
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.marked import between, write_or_check

from smearlab import celltypes
from smearlab.evaluation.studies.catalogue import SYSTEMS
from smearlab.evaluation.studies.findings import FINDINGS
from smearlab.evaluation.studies.plan import SYSTEM_SCALES
from smearlab.evaluation.studies.results import VERDICTS
from smearlab.evaluation.studies.verdicts import Judged, from_json
from smearlab.report.study_systems import local_text
from smearlab.report.text import NBSP, THIN, duration

PAGE = Path(__file__).with_name("teams-studies.md")
RESULTS = Path(__file__).with_name("results")
_TEAMS, OURS = ("formidable", "ai-pacapa", "november", "rookie"), "robust"
_SCALES = ("full", "small")
"""The largest first; of a smoke run nothing is to be learned."""


def main() -> int:
    """Write or check the page; the exit status."""
    return write_or_check(PAGE, lambda page: with_tables(page, RESULTS))


def with_tables(page: str, results: Path) -> str:
    """Return the page with what stands between its marks replaced by what the results say.

    Args:
        page: Markdown with the marks ``findings``, ``results`` and ``classes``.
        results: with a folder for each study.
    """
    parts = {"findings": findings_table, "results": result_tables, "classes": class_table}
    for name, make in parts.items():
        page = between(page, name, make(results))
    return page


def findings_table(results: Path) -> Iterator[str]:
    """Yield the table of verdicts, each from the largest scale that has it, and how many there are of each."""
    judged = [_judged(results, finding.name) for finding in FINDINGS]
    verdicts = [one.verdict for one, _ in judged]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in sorted(set(verdicts)))
    yield f"\n{len(judged)} findings: {counts}.\n"
    yield "| team | finding | verdict | compared | difference, points | scale |"
    yield "|---|---|---|---|--:|---|"
    for one, scale in judged:
        stated = f"{one.finding.team} | {one.finding.text}"
        compared = f"{_compared(one)}{_unequal(results, one, scale)}"
        yield f"| {stated} | {one.verdict} | {compared} | {_points(one)} | {scale} |"
    yield ""


def _judged(results: Path, name: str) -> tuple[Judged, str]:
    finding = next(one for one in FINDINGS if one.name == name)
    for scale in _SCALES:
        stored = _read(results / finding.study / f"{VERDICTS}.{scale}.json").get("findings", ())
        found = next((one for one in stored if one["finding"] == name and one["difference"]), None)
        if found is not None:
            return from_json(finding, found), scale
    return Judged(finding, "not measured"), "–"


def _compared(one: Judged) -> str:
    if one.pair is None:
        return "–"
    first, second = one.pair
    rows = f"`{first}` − `{second}`" if second else f"`{first}`"
    return f"{rows}, {one.finding.figure}{', from scratch' if one.scratch else ''}"


def _unequal(results: Path, one: Judged, scale: str) -> str:
    """Say where one of the two was trained for fewer epochs, as a scale does with large networks."""
    if one.pair is None or not one.pair[1]:
        return ""
    first, second = (_read(results / one.finding.study / f"{row}.{scale}.json").get("epochs") for row in one.pair)
    return "" if first == second or not (first and second) else f", {first} epochs against {second}"


def _points(one: Judged) -> str:
    if one.difference is None:
        return "–"
    value, low, high = (100 * each for each in (one.difference.value, one.difference.low, one.difference.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", "−")


def result_tables(results: Path) -> Iterator[str]:
    """Yield a heading and a table for every study and scale that has results."""
    for study, make in SYSTEMS.items():
        for scale in _SCALES:
            rows = [_read(results / study / f"{cell.name}.{scale}.json") for cell in make().cells]
            rows = [row for row in rows if row]
            if any(row["figures"] for row in rows):
                yield f"\n### {make().title}: `{study}`, {scale}\n"
                yield f"{make().description} {_budget(scale, rows)}\n"
                yield from _table(rows)
                yield from _reasons(rows)
    yield ""


def class_table(results: Path) -> Iterator[str]:
    """Yield the F1 of each class, clean and altered, for every system that was measured, and for ours once."""
    rows = [row for study in _TEAMS for row in _measured(results, study)]
    rows = [row for row in rows if row["row"] != OURS] + [row for row in rows if row["row"] == OURS][:1]
    if rows:
        names = list(rows[0]["per_class"]["clean"])
        yield f"\n| study | row | {' | '.join(celltypes.title(name) for name in names)} |"
        yield f"|---|---|{'--:|' * len(names)}"
        for row in rows:
            clean, altered = row["per_class"]["clean"], row["per_class"]["altered"]
            cells = [f"{100 * clean[name]['f1']:.0f}{NBSP}/{NBSP}{100 * altered[name]['f1']:.0f}" for name in names]
            place = "" if row["row"] == OURS else f"`{row['study']}`"
            yield f"| {place} | `{row['row']}` | {' | '.join(cells)} |"
    yield ""


def _measured(results: Path, study: str) -> list[dict[str, Any]]:
    """Return the rows of a study that have figures, each from the largest scale that has it."""
    found = [
        next(filter(None, (_read(results / study / f"{cell.name}.{scale}.json") for scale in _SCALES)), None)
        for cell in SYSTEMS[study]().cells
    ]
    return [row for row in found if row and row.get("per_class")]


def _budget(scale: str, rows: list[dict[str, Any]]) -> str:
    of = SYSTEM_SCALES["full" if scale == "full" else "small"]
    pictures = max(int(row.get("pictures") or 0) for row in rows)
    cut = f"at most {of.epochs} epochs" if of.batch else "epochs as the recipes say"
    return f"{pictures:,} training pictures, {cut}."


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| row | reported | online | clean | chain | BloodMNIST-C | parameters | epochs | time | revision |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    for row in rows:
        online = row["reported"].get("online")
        told = f"{_plain(local_text(row['reported']))} | {'–' if online is None else f'{100 * online:.0f} %'}"
        title = f"`{row['row']}`{' (from scratch)' if row['from_scratch'] else ''}"
        if row["missing"]:
            yield f"| {title} | {told} | left out | | | {_count(row['parameters'])} | | | |"
            continue
        figures = " | ".join(_figure(row["figures"].get(name)) for name in ("clean", "chain", "bloodmnist-c"))
        made = f"{_count(row['parameters'])} | {row['epochs'] or '–'} | {_plain(duration(row['seconds']))}"
        yield f"| {title} | {told} | {figures} | {made} | {row['revision']}, {row['runs']}× |"


def _reasons(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield why rows were left out; what would run them stands in their files."""
    absent = [row for row in rows if row["missing"]]
    if absent:
        told = (f"`{row['row']}`: {re.split(r' [(]|[.] ', _plain(row['missing']))[0].rstrip('.')}" for row in absent)
        yield f"\nLeft out: {'; '.join(told)}."


def _figure(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return "–"
    value, low, high = (100 * interval[end] for end in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f}–{high:.1f})"


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"


def _plain(text: str) -> str:
    """Return text that stands in one cell of a table."""
    return " ".join(text.replace(THIN, " ").replace(NBSP, " ").replace("|", "\\|").split())


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    sys.exit(main())
