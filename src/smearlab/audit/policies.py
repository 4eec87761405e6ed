"""Policies: from findings to a decision on every picture.

The **conservative** policy drops what is certain and costs no clean cell. Of pictures that certainly show the same
thing, exact or near copies, it keeps the first, if all have one label. If they have several it keeps none, since nobody
can say which is right, and marks all for review. Certain junk (off topic, unreadable) goes. Whatever is only probable,
and every label error, stays and is marked for review: no detector of label errors is right often enough to be obeyed
unseen.

The **strict** policy also acts on what is probable: probable junk and near copies go, and label errors are relabelled
where the finding says as what.

The policy **none** keeps all: a manifest to be edited by hand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from smearlab.audit.findings import DUPLICATES, Findings
from smearlab.audit.manifest import Decision, Manifest, sources_and_labels
from smearlab.celltypes import title
from smearlab.data.groups import join_pairs
from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from smearlab.audit.findings import Finding
    from smearlab.data.cells import Cells

Policy = Literal["conservative", "strict", "none"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

CERTAIN = 0.9
"""Score from which a finding counts as certain: the conservative policy acts on it unseen."""
PROBABLE = 0.5
"""Score from which the strict policy acts on a finding."""
CERTAIN_ACROSS_LABELS = 0.95
"""Score from which two pictures of different labels are taken for near copies of each other.

Two cells that merely resemble each other would otherwise cost both, since of copies with several labels none is kept.
"""
_RELABEL = "relabel: "  # so begins the suggestion of a finding that names the right class
_JUNK = {"off_topic": "no blood cell", "unreadable": "unreadable"}


def check_policy(policy: str) -> Policy:
    """Return a policy by its name.

    Raises:
        DataError: there is none of that name.
    """
    found = next((known for known in POLICIES if known == policy), None)
    if found is None:
        raise DataError(f"There is no policy '{policy}'.{did_you_mean(policy, POLICIES)} Give {', '.join(POLICIES)}.")
    return found


def decide(cells: Cells, findings: Findings, policy: Policy = "conservative", truncate: int | None = None) -> Manifest:
    """Decide on every picture of a collection.

    Args:
        cells: the whole collection, as it is read.
        findings: what is wrong with it; with `truncate`, of its first rows only.
        policy: see this module.
        truncate: drop row `truncate` and all after it, whatever was found; None keeps to the policy.

    Returns:
        One decision per row of the source, also for pictures that cannot be decoded.
    """
    verdicts = _judge(cells, findings, policy)
    decisions = []
    for row, (source, label) in enumerate(sources_and_labels(cells)):
        if truncate is not None and row >= truncate:
            decisions.append(Decision(row, source, "drop", label, f"row {truncate} or later (truncated)"))
        else:
            decisions.append(replace(verdicts.get(row, Decision(row, source, "keep", label)), source=source))
    return Manifest(tuple(decisions))


def _judge(cells: Cells, findings: Findings, policy: Policy) -> dict[int, Decision]:
    """Decide on the rows that have findings; the sources are filled in later."""
    if policy == "none":
        return {}
    threshold = CERTAIN if policy == "conservative" else PROBABLE
    labels = [label for _, label in sources_and_labels(cells)]
    junk = _junk(findings, threshold)
    copies, firsts = _copies(findings, labels, threshold, junk.keys())
    doubts: dict[int, list[str]] = defaultdict(list)
    verdicts = {}
    for item in findings:
        row, label = item.row, labels[item.row]
        if row in junk or row in copies:
            reason = junk.get(row) or copies[row]
            verdicts[row] = Decision(row, "", "drop", label, reason)
        elif policy == "strict" and (new := relabelled_as(item)) is not None:
            what = f"labelled {title(label)}, looks like {title(new)}"
            verdicts[row] = Decision(row, "", "relabel", new, _reason(what, item))
        else:
            doubts[row] += _doubt(item, labels, threshold)
            reason = f"review: {'; '.join(doubts[row])}" if doubts[row] else firsts.get(row, "")
            verdicts[row] = Decision(row, "", "keep", label, reason)
    return verdicts


def _junk(findings: Findings, threshold: float) -> dict[int, str]:
    """Say of every row that is sure enough no picture of a cell what it is."""
    found: dict[int, str] = {}
    for item in findings.of_kind("off_topic", "unreadable"):
        if item.score >= threshold:
            found.setdefault(item.row, _reason(_JUNK[item.kind], item))
    return found


def _doubt(finding: Finding, labels: list[str], threshold: float) -> list[str]:
    """Say what a person should look at, where anything is."""
    if finding.kind in _JUNK:
        return [_reason(f"perhaps {_JUNK[finding.kind]}", finding)]
    if finding.kind == "near_duplicate" and not _sure_copy(finding, labels, threshold):
        return [_reason(f"perhaps a near copy of row {finding.partner}", finding)]
    if finding.kind == "label_error":
        new = relabelled_as(finding)
        return [_reason("ambiguous label" if new is None else f"looks like {title(new)}", finding)]
    return []


def relabelled_as(finding: Finding) -> str | None:
    """Return the class that a label error is suggested to be, or None where it is ambiguous."""
    return finding.suggestion.removeprefix(_RELABEL) if finding.suggestion.startswith(_RELABEL) else None


def _reason(what: str, finding: Finding) -> str:
    return f"{what} (score {finding.score:.2f})"


@dataclass
class _Group:
    """Pictures that show the same thing."""

    rows: list[int] = field(default_factory=list)
    near: set[int] = field(default_factory=set)


def _copies(
    findings: Findings, labels: list[str], threshold: float, junk: Collection[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """Of copies with one label the first stays, of those with several none; a clean one never goes for a junk one.

    Returns:
        Why each copy goes, and what is to be said of those that stay.
    """
    going: dict[int, str] = {}
    staying: dict[int, str] = {}
    for group in _groups(findings, labels, threshold):
        rows = [row for row in sorted(group.rows) if row not in junk]
        names = sorted({title(labels[row]) for row in rows})
        if len(names) > 1:
            what = f"review: the same picture is labelled {', '.join(names[:-1])} and {names[-1]} ({_rows(rows)})"
            going |= dict.fromkeys(rows, what)
        elif len(rows) > 1:
            first = rows[0]
            staying[first] = f"first of {len(rows)} copies"
            for row in rows[1:]:
                near = "near " if group.near & {row, first} else ""
                going[row] = f"{near}copy of row {first}, which is kept"
    return going, staying


def _rows(rows: list[int]) -> str:
    shown = ", ".join(map(str, rows[:4]))
    return f"rows {shown}" if len(rows) <= 4 else f"{len(rows):,} rows: {shown} …"


def _sure_copy(finding: Finding, labels: list[str], threshold: float) -> bool:
    """Say whether a row of a group certainly shows the same as its partner."""
    if finding.kind != "near_duplicate" or finding.partner is None:
        return True
    across = labels[finding.row] != labels[finding.partner]
    return finding.score >= (max(threshold, CERTAIN_ACROSS_LABELS) if across else threshold)


def _groups(findings: Findings, labels: list[str], threshold: float) -> list[_Group]:
    """Join copies by their partners, exact and near together, leaving out what is not sure enough."""
    links = [
        (item.row, item.partner, item.kind)
        for item in findings.of_kind(*DUPLICATES)
        if item.partner is not None and _sure_copy(item, labels, threshold)
    ]
    if not links:
        return []
    ends = np.array([(row, partner) for row, partner, _ in links], dtype=np.int64)
    roots = join_pairs(int(ends.max()) + 1, ends[:, 0], ends[:, 1])
    groups: dict[int, _Group] = defaultdict(_Group)
    for row in np.unique(ends).tolist():
        groups[int(roots[row])].rows.append(row)
    for row, _, kind in links:
        if kind == "near_duplicate":
            groups[int(roots[row])].near.add(row)
    return list(groups.values())
