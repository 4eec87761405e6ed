"""Whether what a team found holds here: a statement about two rows of a study, judged by their paired interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from smearlab.evaluation.studies.system_outcome import differences
from smearlab.metrics.intervals import Interval
from smearlab.metrics.repeats import interval_over_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smearlab.evaluation.studies.system_outcome import SystemOutcome

Expected = Literal["more", "less", "no gain", "alike"]
Verdict = Literal["held", "did not hold", "undecided", "not measured"]
_AGAINST: tuple[Verdict, ...] = ("did not hold", "undecided", "held")
MARGIN = 0.02
"""A gain of less than two points counts as none."""


@dataclass(frozen=True)
class Finding:
    """What a team stated, as something that can be measured.

    Attributes:
        name: identifier.
        team: whose.
        text: as they stated it, in a sentence.
        study: whose rows are compared.
        pairs: each a row and the one it is compared with; the first pair that has figures is used, so that a stand-in
            serves where the team's own networks cannot be run. A row compared with nothing, ``("row", "")``, is judged
            by a figure that is 0 where nothing is to be found.
        every: whether it is stated of all pairs that have figures; the one that speaks most against it is shown.
        figure: that is compared.
        expected: of the first row against the second: ``more``, ``less``, ``no gain`` (not two points more) or
            ``alike`` (within two points).
    """

    name: str
    team: str
    text: str
    study: str
    pairs: tuple[tuple[str, str], ...]
    figure: str
    expected: Expected = "more"
    every: bool = False


@dataclass(frozen=True)
class Judged:
    """A finding with its verdict.

    Attributes:
        finding: what was stated.
        verdict: whether it holds.
        pair: the rows compared; None where no pair has figures.
        difference: first row minus second, or the one row's figure, in shares.
        scratch: whether a row was trained from scratch although its team started from weights.
    """

    finding: Finding
    verdict: Verdict
    pair: tuple[str, str] | None = None
    difference: Interval | None = None
    scratch: bool = False


def verdict_of(expected: Expected, difference: Interval) -> Verdict:
    """Judge a paired difference by its 95 % interval.

    Rows that answer every picture alike, such as two whose validation chose the same epoch, show nothing.

    >>> verdict_of("more", Interval(value=0.04, low=0.01, high=0.07))
    'held'
    >>> verdict_of("no gain", Interval(value=0.0, low=-0.03, high=0.03))
    'undecided'
    """
    low, high = difference.low, difference.high
    if low == high == 0:
        return "undecided"
    if expected == "less":
        return verdict_of("more", Interval(value=-difference.value, low=-high, high=-low))
    if expected == "more":
        return "held" if low > 0 else "did not hold" if high < 0 else "undecided"
    if high < MARGIN and (expected == "no gain" or low > -MARGIN):
        return "held"
    surely_other = low > 0 or (expected == "alike" and high < 0)
    return "did not hold" if surely_other else "undecided"


def judge(finding: Finding, outcome: SystemOutcome) -> Judged:
    """Judge a finding by a study's figures."""
    judged = list(_measured(finding, outcome))
    if finding.every and judged:
        return min(judged, key=lambda one: _AGAINST.index(one.verdict))
    return judged[0] if judged else Judged(finding, "not measured")


def _measured(finding: Finding, outcome: SystemOutcome) -> Iterator[Judged]:
    """Judge every pair of a finding that has figures."""
    for first, second in finding.pairs:
        own, other = outcome.measured.get(first), outcome.measured.get(second)
        if own is None or (second and other is None) or finding.figure not in own.figures:
            continue
        if other is None:
            difference = interval_over_runs(own.figures[finding.figure])
        else:
            difference = differences(other, own)[finding.figure]
        scratch = any(outcome.row(name).scratch for name in (first, second) if name)
        yield Judged(finding, verdict_of(finding.expected, difference), (first, second), difference, scratch)


def judge_all(findings: Iterable[Finding], outcome: SystemOutcome) -> list[Judged]:
    """Judge the findings that are about a study."""
    return [judge(finding, outcome) for finding in findings if finding.study == outcome.study.name]


def as_json(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return verdicts as they are stored."""
    return [
        {
            "finding": one.finding.name,
            "rows": list(one.pair or ()),
            "figure": one.finding.figure,
            "difference": None if one.difference is None else one.difference.model_dump(),
            "verdict": one.verdict,
            "from_scratch": one.scratch,
        }
        for one in judged
    ]


def from_json(finding: Finding, stored: dict[str, Any]) -> Judged:
    """Read what `as_json` gave; the verdict follows from the interval, not from what was written."""
    if not stored.get("difference"):
        return Judged(finding, "not measured")
    difference = Interval.model_validate(stored["difference"])
    first, second = stored["rows"]
    verdict = verdict_of(finding.expected, difference)
    return Judged(finding, verdict, (first, second), difference, bool(stored.get("from_scratch")))
