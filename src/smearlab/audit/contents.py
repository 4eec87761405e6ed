"""What the page about an audit shows, gathered from its results."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from smearlab.audit.manifest import sources_and_labels
from smearlab.audit.policies import relabelled_as
from smearlab.report.audit_contents import AuditItem, AuditReport, ManifestLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smearlab.audit.audit import Audit
    from smearlab.audit.findings import Finding

_TYPICAL = 4
"""Typical cells of a class, shown beside those labelled wrong."""


def report_contents(result: Audit, data: str) -> AuditReport:
    """Gather the page's contents.

    Args:
        result: of the audit.
        data: as the user gave it; empty for cells that come from no file.
    """
    cells = result.cells
    place = {row: position for position, row in enumerate(cells.rows.tolist())}
    given = [label for _, label in sources_and_labels(cells)]
    counts = dict(zip(cells.class_names, cells.class_counts().tolist(), strict=True))
    return AuditReport(
        name=cells.name,
        data=data,
        class_names=cells.class_names,
        counts=counts,
        pictures=cells.images,
        items=[*(_item(item, place, given) for item in result.findings), *_ambiguous(result)],
        manifest=[
            ManifestLine(one.row, one.source, one.action, one.label, one.reason, given[one.row], place.get(one.row))
            for one in result.manifest
        ],
        policy=result.policy,
        quick=result.quality is None,
        rows_total=len(result.manifest),
        typical=_typical(result),
        by_class=result.description.by_class,
        by_source=result.description.by_source,
        groups=result.description.groups,
        maps=result.description.maps,
        smears=result.description.smears,
        seconds=result.seconds,
        judges=result.judges,
        notes=[*result.notes, *result.description.notes],
        unreadable_reasons={one.row: one.reason for one in cells.unreadable},
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
    )


def _item(item: Finding, place: Mapping[int, int], given: list[str]) -> AuditItem:
    return AuditItem(
        row=item.row,
        source=item.source,
        kind=item.kind,
        score=item.score,
        picture=place.get(item.row),
        label=given[item.row],
        partner=item.partner,
        group=item.group,
        suggestion=item.suggestion,
        suggested=relabelled_as(item) or "" if item.kind == "label_error" else "",
    )


def _ambiguous(result: Audit) -> list[AuditItem]:
    """List cells between two classes: they are no findings, but a person may want to look at them."""
    quality, cells = result.quality, result.judged
    if quality is None:
        return []
    names, labels = cells.class_names, cells.known_labels
    return [
        AuditItem(
            row=int(cells.rows[at]),
            source=str(cells.sources[at]),
            kind="label_error",
            score=float(1 - quality.scores[at]),
            picture=int(at),
            label=names[labels[at]],
            suggested=names[quality.suggested[at]],
            ambiguous=True,
        )
        for at in quality.order
        if quality.is_ambiguous[at]
    ]


def _typical(result: Audit) -> dict[str, list[int]]:
    """Return, for each class, the cells whose features lie nearest to their mean; none that has a finding."""
    cells, features = result.judged, result.described.features
    clean = ~np.isin(cells.rows, sorted(result.findings.rows()))
    found = {}
    for label, name in enumerate(cells.class_names):
        members = np.flatnonzero(clean & (cells.known_labels == label))
        if len(members):
            away = np.linalg.norm(features[members] - features[members].mean(axis=0), axis=1)
            found[name] = members[np.argsort(away, kind="stable")[:_TYPICAL]].tolist()
    return found
