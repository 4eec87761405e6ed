"""The part of a run's report about altered pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smearlab.report.blocks import Block, Cell, EstimateCell, Note, ShareCell, Table
from smearlab.report.estimates import estimate
from smearlab.report.text import plural

_ROWS = {
    "clean": "Clean pictures",
    "seen": "Altered, families seen in training",
    "unseen": "Altered, families never seen",
    "gap_seen": "Lost on seen families",
    "gap_unseen": "Lost on unseen families",
}
_METRICS = ("balanced_accuracy", "accuracy")


def robustness_blocks(robustness: Mapping[str, Any], part: str) -> list[Block]:
    """Return the tables of clean, seen, unseen and the gap, and of every alteration.

    Args:
        robustness: as under ``robustness`` in ``metrics.json``.
        part: the part that the pictures are of.
    """
    words = (
        f"{plural(robustness['pictures'], f'{part} picture')} altered in "
        f"{plural(len(robustness['conditions']), 'way')} at severity {robustness['severity']} of 5. "
    )
    if robustness["unseen"] is None:
        words += "Training showed every family of these, so nothing here tells what a new kind of alteration costs. "
    else:
        words += "What counts for pictures of other laboratories is the row of families never seen in training. "
    return [Note(f"{words}The command smearlab stress measures all."), _overview(robustness), _conditions(robustness)]


def _overview(robustness: Mapping[str, Any]) -> Table:
    rows: list[list[Cell]] = []
    for key, title in _ROWS.items():
        if robustness[key] is not None:
            figures = [estimate(robustness[key][name]) for name in _METRICS]
            bar = not key.startswith("gap")
            rows.append([title, *(ShareCell(one) if bar else EstimateCell(one) for one in figures)])
    return Table(("Pictures", "Balanced accuracy", "Accuracy"), rows, "Clean and altered pictures")


def _conditions(robustness: Mapping[str, Any]) -> Table:
    rows: list[list[Cell]] = [
        [
            f"{row['corruption'].replace('_', ' ')} ({row['suite']})",
            row["group_title"],
            "seen" if row["seen"] else "never seen",
            *(ShareCell(estimate(row[name])) for name in _METRICS),
        ]
        for row in robustness["conditions"]
    ]
    heads = ("Alteration", "Group", "Its family in training", "Balanced accuracy", "Accuracy")
    return Table(heads, rows, "Every alteration", folded=True)
