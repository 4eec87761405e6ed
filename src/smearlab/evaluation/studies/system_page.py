"""From the figures of a study of systems to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smearlab.evaluation.studies.outcome import ALTERED
from smearlab.evaluation.studies.plan import CLEAN
from smearlab.evaluation.studies.results import per_class
from smearlab.report.estimates import Estimate
from smearlab.report.study_systems import SystemLine, SystemReport, VerdictLine, write_system_report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from smearlab.evaluation.studies.system_outcome import SystemOutcome, SystemRow
    from smearlab.evaluation.studies.verdicts import Judged
    from smearlab.metrics.intervals import Interval


def write_system_page(path: Path, outcome: SystemOutcome, judged: Sequence[Judged]) -> None:
    """Write the page of a study of systems, atomically.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    report = SystemReport(
        title=outcome.study.title,
        description=outcome.study.description,
        reference=outcome.row(outcome.study.reference).cell.title,
        lines=[_line(row, outcome) for row in outcome.rows],
        verdicts=[_verdict(one) for one in judged],
        facts=outcome.facts,
    )
    write_system_report(path, report)


def _line(row: SystemRow, outcome: SystemOutcome) -> SystemLine:
    tables = {name: per_class(matrix, outcome.class_names) for name, matrix in row.confusions.items()}
    return SystemLine(
        title=row.cell.title,
        section=row.cell.section,
        reported=row.reported,
        reported_parameters=row.reported_parameters,
        parameters=row.parameters,
        figures=_estimates(row.figures),
        differences=_estimates(row.differences),
        missing=row.missing,
        mark="from scratch" if row.scratch else "",
        epochs=row.epochs,
        seconds=row.seconds,
        per_class=tables.get(CLEAN, {}),
        altered=tables.get(ALTERED, {}),
        history=row.history,
    )


def _estimates(figures: Mapping[str, Interval]) -> dict[str, Estimate]:
    return {name: estimate(interval) for name, interval in figures.items()}


def estimate(interval: Interval) -> Estimate:
    """Return an interval as a page shows it."""
    return Estimate(interval.value, interval.low, interval.high)


def _verdict(one: Judged) -> VerdictLine:
    if one.pair is None or one.difference is None:
        return VerdictLine(one.finding.text, one.finding.team, one.verdict)
    first, second = one.pair
    rows = f"{first} against {second}: {one.finding.figure}" if second else f"{first}: {one.finding.figure}"
    scratch = ", from scratch" if one.scratch else ""
    return VerdictLine(one.finding.text, one.finding.team, one.verdict, rows + scratch, estimate(one.difference))
