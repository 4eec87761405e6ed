"""Verdicts read back from the stored results of many studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smearlab.errors import DataError
from smearlab.evaluation.studies.findings import FINDINGS
from smearlab.evaluation.studies.plan import SYSTEM_SCALES
from smearlab.evaluation.studies.results import VERDICTS, read_result
from smearlab.evaluation.studies.verdicts import Judged, from_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def stored_verdicts(results: Path, scale: str) -> list[Judged]:
    """Return the verdict on every finding, as the results of a scale have it.

    Args:
        results: with a folder for each study, as ``--results`` fills it, or the folder that ``study all`` wrote to.
        scale: of the results.

    Raises:
        DataError: there is no such folder or scale, or no result of that scale in it.
    """
    if scale not in SYSTEM_SCALES:
        raise DataError(f"There is no scale '{scale}'. Choose one of: {', '.join(SYSTEM_SCALES)}.")
    if not results.is_dir():
        raise DataError(f"{results} is no folder of results. Give the one that --results named.")
    found = [_stored(results, study, scale) for study in dict.fromkeys(one.study for one in FINDINGS)]
    known = {one["finding"]: one for stored in found for one in stored}
    if not known:
        raise DataError(f"{results} holds no results of the scale {scale}. Run a study with --results {results} first.")
    return [from_json(finding, known.get(finding.name, {})) for finding in FINDINGS]


def _stored(results: Path, study: str, scale: str) -> list[dict[str, object]]:
    name = f"{VERDICTS}.{scale}.json"
    for place in (results / study / name, results / study / "results" / name):
        if place.is_file():
            return list(read_result(place)["findings"])
    return []


def printed_verdicts(judged: Sequence[Judged]) -> str:
    """Return the verdicts as lines for the terminal, with how many of each there are."""
    lines = []
    for one in judged:
        lines.append(f"{one.verdict:<13} {one.finding.team:<10} {one.finding.text}")
        if one.difference is not None and one.pair is not None:
            value, low, high = (100 * each for each in (one.difference.value, one.difference.low, one.difference.high))
            against = f"{one.pair[0]} against {one.pair[1]}" if one.pair[1] else one.pair[0]
            mark = ", from scratch" if one.scratch else ""
            lines.append(f"{'':<25}{against}, {one.finding.figure}: {value:+.1f} [{low:+.1f}, {high:+.1f}]{mark}")
    verdicts = [one.verdict for one in judged]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    return "\n".join([*lines, f"{len(judged)} findings: {counts}"])
