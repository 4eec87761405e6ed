"""Copies among the pictures, as findings: the same pixels, the same under another label, nearly the same picture.

What is called what:

- **exact duplicate**: another picture has the same decoded pixels and the same label.
- **conflicting duplicate**: another picture has the same decoded pixels and another label. A picture that stands three
  times in a collection, twice under one label, is both.
- **near duplicate**: another picture shows the same cell in the same surroundings, after re-encoding, resizing, a
  change of brightness, a small shift or cut, turning or mirroring. Two crops of one cell whose centres lie a few pixels
  apart are near duplicates too. Two cells of one type are not, however alike: their chromatin differs.

Copies form groups: near copies of near copies belong together, and a picture copied a thousand times is one group.
`smearlab.data.fingerprint` finds them; here they are put into words.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.audit.findings import Finding
from smearlab.celltypes import title
from smearlab.data.fingerprint import find_duplicates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smearlab.audit.findings import Kind
    from smearlab.data.cells import Cells, IntArray
    from smearlab.data.fingerprint import DuplicatePair

_NAMED = 3  # classes that a suggestion names; copies of one joke may stand in all


class _Link(NamedTuple):
    """Another member of a picture's group, by position, and how alike the two are."""

    partner: int
    score: float


def find_copies(cells: Cells) -> list[Finding]:
    """Find exact, conflicting and near duplicates.

    Every member of every group is listed, the first one too. Following the partners leads from any member of a group to
    any other; a near duplicate's partner is one that it was compared with.

    Args:
        cells: the pictures, of any and mixed sizes, with or without labels. Copies of unlabelled pictures cannot
            conflict.

    Returns:
        The findings. The score is 1 for the same pixels, else the correlation of the aligned pictures, from
        `smearlab.data.fingerprint.NEAR_THRESHOLD` to 1. The group is the row of its first member.
    """
    found = find_duplicates(cells)
    links = _best_links([pair for pair in found.pairs if pair.kind == "near_duplicate"])
    findings: list[Finding] = []
    for members in _several(found.exact):
        findings += _same_pixels(cells, members)
    for members in _several(found.near):
        if len({int(found.exact[member]) for member in members}) > 1:
            findings += _nearly_the_same(cells, members, found.exact, links)
    return findings


def _several(groups: IntArray) -> Iterator[list[int]]:
    """Yield the members of each group that has more than one, in order."""
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        yield order[start : start + count].tolist()


def _same_pixels(cells: Cells, members: Sequence[int]) -> Iterator[Finding]:
    alike: dict[int, list[int]] = {}
    for member in members:
        alike.setdefault(_label(cells, member), []).append(member)
    firsts = [fellows[0] for fellows in alike.values()]
    advice = _advice(cells, members, "copy", "copies")
    for fellows in alike.values():
        stranger = next((first for first in firsts if first != fellows[0]), None)
        for member in fellows:
            if len(fellows) > 1:
                fellow = fellows[1] if member == fellows[0] else fellows[0]
                yield _finding(cells, member, "exact_duplicate", _Link(fellow, 1), advice[member], members[0])
            if stranger is not None:
                yield _finding(cells, member, "conflicting_duplicate", _Link(stranger, 1), advice[member], members[0])


def _nearly_the_same(
    cells: Cells, members: Sequence[int], exact: IntArray, links: dict[int, _Link]
) -> Iterator[Finding]:
    advice = _advice(cells, members, "near copy", "near copies")
    for member in members:
        link = links[int(exact[member])]
        yield _finding(cells, member, "near_duplicate", link, advice[member], members[0])


def _best_links(pairs: Sequence[DuplicatePair]) -> dict[int, _Link]:
    """Link each picture to another of its group, so that the links hold each group together at the highest scores.

    This is Prim's tree from each group's first picture: everyone's link leads towards it, its own to its best match.
    """
    beside: dict[int, list[_Link]] = {}
    for pair in pairs:
        beside.setdefault(pair.row, []).append(_Link(pair.partner, pair.score))
        beside.setdefault(pair.partner, []).append(_Link(pair.row, pair.score))
    tree: dict[int, _Link] = {}
    for first in sorted(beside):
        if first in tree:
            continue
        tree[first] = max(beside[first], key=lambda link: link.score)
        border = [(-link.score, link.partner, first) for link in beside[first]]
        heapify(border)
        while border:
            negative, member, towards = heappop(border)
            if member not in tree:
                tree[member] = _Link(towards, -negative)
                for link in beside[member]:
                    heappush(border, (-link.score, link.partner, member))
    return tree


def _advice(cells: Cells, members: Sequence[int], one: str, many: str) -> dict[int, str]:
    """Say for each member what to do: keep the first and drop the others, or review them where labels differ."""
    labels = sorted({_label(cells, member) for member in members})
    if len(labels) > 1:
        return dict.fromkeys(
            members, f"review: {many} labelled {_listed([title(cells.class_names[i]) for i in labels])}"
        )
    first = members[0]
    advice = dict.fromkeys(members, f"drop ({one} of row {cells.rows[first]})")
    return advice | {first: f"keep (first of {len(members):,} {many})"}


def _listed(names: Sequence[str]) -> str:
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _label(cells: Cells, position: int) -> int:
    return 0 if cells.labels is None else int(cells.labels[position])


def _finding(cells: Cells, position: int, kind: Kind, link: _Link, suggestion: str, first: int) -> Finding:
    return Finding(
        row=int(cells.rows[position]),
        source=str(cells.sources[position]),
        kind=kind,
        score=min(1.0, link.score),
        partner=int(cells.rows[link.partner]),
        suggestion=suggestion,
        group=int(cells.rows[first]),
    )
