"""What the gallery's script works on: the findings and the manifest as columns of numbers, in JSON."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from smearlab import celltypes
from smearlab.report.audit_contents import AuditItem, AuditReport, FeatureMap, ManifestLine
from smearlab.report.gallery_kinds import GALLERY_KINDS, OTHERS, kind_of
from smearlab.report.gallery_thumbnails import NO_SHEETS, Sheets, draw_sheets

BUDGET = 36_000_000
"""Characters that all thumbnails of a page may take: with the rest it stays below 40 MB."""
BROWSE_BUDGET = 24_000_000
"""Characters that the thumbnails of pictures without findings may take."""
TYPICAL = 6  # typical cells per class beside label errors
GRID = 1000  # steps of a map's coordinates: finer than a pixel of the drawing
ACTIONS = ("keep", "drop", "relabel")


@dataclass(frozen=True, eq=False)
class Gallery:
    """The gallery of an audit: what it holds, as the page embeds it.

    Attributes:
        report: what it is made of.
        evidence: thumbnails of typical cells, of the pictures with findings, and of their partners.
        others: thumbnails of all further pictures; empty where they are left out.
        thumbs: position of a picture to the number of its thumbnail, counted through both.
    """

    report: AuditReport
    evidence: Sheets
    others: Sheets
    thumbs: Mapping[int, int]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Part of the gallery to how many findings (or pictures) it shows; empty parts are left out."""
        kinds = [kind_of(item) for item in self.report.items]
        counts = {kind.key: kinds.count(kind.key) for kind in GALLERY_KINDS}
        if self.others.count:
            counts[OTHERS] = self.report.total - len({item.row for item in self.report.items})
        return {key: number for key, number in counts.items() if number}

    @property
    def json(self) -> Markup:
        """All of it as JSON that can stand in a script element."""
        text = json.dumps(_columns(self), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # "<" would let a name end the script element; both separators ended a line in older JavaScript.
        for char in "<>&\u2028\u2029":
            text = text.replace(char, f"\\u{ord(char):04x}")
        return Markup(text)


def make_gallery(report: AuditReport) -> Gallery:
    """Draw the thumbnails that fit, and gather what the page's script needs."""
    evidence = _evidence(report)
    drawn = draw_sheets(report.pictures, evidence, BUDGET)
    if drawn is None:
        # More findings than a page can hold: the first by certainty keep their pictures.
        evidence = evidence[: BUDGET // 1000]
        drawn = draw_sheets(report.pictures, evidence, 2 * BUDGET) or NO_SHEETS
    known = set(evidence)
    others = [line.picture for line in report.manifest if line.picture is not None and line.picture not in known]
    room = min(BROWSE_BUDGET, BUDGET - drawn.size)
    browsed = draw_sheets(report.pictures, others, room) if report.browse else None
    shown = evidence + (others if browsed else [])
    return Gallery(report, drawn, browsed or NO_SHEETS, {picture: number for number, picture in enumerate(shown)})


def _evidence(report: AuditReport) -> list[int]:
    """List the pictures to show, each once: typical cells, findings in their order, partners without a finding."""
    typical = (picture for name in report.class_names for picture in report.typical.get(name, ())[:TYPICAL])
    items = sorted_items(report.items)
    found = (item.picture for item in items)
    by_row = {line.row: line.picture for line in report.manifest}
    partners = (by_row.get(item.partner) for item in items if item.partner is not None)
    wanted = itertools.chain(typical, found, partners)
    return list(dict.fromkeys(picture for picture in wanted if picture is not None))


def sorted_items(items: Iterable[AuditItem]) -> list[AuditItem]:
    """Sort findings by part of the gallery, groups together, the most certain first."""
    order = {kind.key: place for place, kind in enumerate(GALLERY_KINDS)}
    best: dict[tuple[str, int], float] = {}
    for item in items:
        key = (kind_of(item), _group(item))
        best[key] = max(best.get(key, 0.0), item.score)

    def rank(item: AuditItem) -> tuple[int, float, int, int]:
        kind = kind_of(item)
        return order[kind], -best[kind, _group(item)], _group(item), item.row

    return sorted(items, key=rank)


def _group(item: AuditItem) -> int:
    if item.group is not None:
        return item.group
    return item.row if item.partner is None else min(item.row, item.partner)


def _columns(gallery: Gallery) -> dict[str, Any]:
    report = gallery.report
    index = {line.row: place for place, line in enumerate(report.manifest)}
    names = list(dict.fromkeys([*report.class_names, *_labels(report)]))
    classes = {name: place for place, name in enumerate(names)} | {"": -1}
    kinds = [kind for kind in GALLERY_KINDS if kind.key in gallery.counts]
    return {
        "key": audit_key(report),
        "classes": names,
        "titles": [celltypes.title(name) for name in names],
        "colours": [celltypes.colour(name, place) for place, name in enumerate(names)],
        "known": len(report.class_names),
        "kinds": [
            {"key": kind.key, "short": kind.short, "title": kind.title, "form": kind.form, "colour": kind.colour}
            for kind in kinds
        ],
        "sheets": [[sheets.side, sheets.count, len(sheets.sheets)] for sheets in (gallery.evidence, gallery.others)],
        "manifest": _manifest(report.manifest, classes, gallery.thumbs),
        "items": _items(report, {kind.key: place for place, kind in enumerate(kinds)}, index, classes),
        "undecodable": {index[row]: text for row, text in report.unreadable_reasons.items() if row in index},
        "typical": [[gallery.thumbs[picture] for picture in report.typical.get(name, ())[:TYPICAL]] for name in names],
        "maps": [_map(drawn, index) for drawn in report.maps],
    }


def _labels(report: AuditReport) -> Iterable[str]:
    """Name the classes that the data itself does not have: a model's, or those of a manifest edited by hand."""
    found = [name for item in report.items for name in (item.label, item.suggested)]
    found += [name for line in report.manifest for name in (line.label, line.given or "")]
    return (name for name in found if name)


def audit_key(report: AuditReport) -> str:
    """Name this audit, so that decisions kept by a browser return to the page they were made on and to no other."""
    digest = hashlib.sha256(f"{report.name}\0{report.policy}\0{report.total}".encode())
    for line in report.manifest:
        digest.update(f"\0{line.row}\0{line.source}\0{line.action}\0{line.label}".encode())
    return digest.hexdigest()[:16]


def _manifest(lines: Sequence[ManifestLine], classes: Mapping[str, int], thumbs: Mapping[int, int]) -> dict[str, Any]:
    reasons = list(dict.fromkeys(line.reason for line in lines))
    places = {reason: place for place, reason in enumerate(reasons)}
    shared, rest = _front_coded([line.source for line in lines])
    return {
        "row": [line.row for line in lines],
        "shared": shared,
        "rest": rest,
        "action": [ACTIONS.index(line.action) for line in lines],
        "label": [classes[line.label] for line in lines],
        "given": [classes[line.label if line.given is None else line.given] for line in lines],
        "reasons": reasons,
        "reason": [places[line.reason] for line in lines],
        "thumb": [-1 if line.picture is None else thumbs.get(line.picture, -1) for line in lines],
    }


def _front_coded(texts: Sequence[str]) -> tuple[list[int], list[str]]:
    """Say of each text how much of the one before it repeats (counted as JavaScript counts), and what follows.

    Names of files differ in their ends, and there may be a million of them.
    """
    shared, rest, before = [], [], ""
    for text in texts:
        pairs = enumerate(zip(before, text, strict=False))
        same = next((at for at, (old, new) in pairs if old != new), min(len(before), len(text)))
        shared.append(len(text[:same].encode("utf-16-le")) // 2)
        rest.append(text[same:])
        before = text
    return shared, rest


def _items(
    report: AuditReport, kinds: Mapping[str, int], index: Mapping[int, int], classes: Mapping[str, int]
) -> dict[str, Any]:
    items = [item for item in sorted_items(report.items) if item.row in index]
    suggestions = list(dict.fromkeys(item.suggestion for item in items))
    places = {text: place for place, text in enumerate(suggestions)}
    return {
        "at": [index[item.row] for item in items],
        "kind": [kinds[kind_of(item)] for item in items],
        "score": [round(float(item.score), 4) for item in items],
        "partner": [-1 if item.partner is None else index.get(item.partner, -1) for item in items],
        "group": [_group(item) for item in items],
        "suggested": [classes[item.suggested] for item in items],
        "suggestions": suggestions,
        "suggestion": [places[item.suggestion] for item in items],
    }


def _map(drawn: FeatureMap, index: Mapping[int, int]) -> dict[str, Any]:
    """Put the points on a grid; both axes keep one scale, because distances are what a map shows."""
    points = np.asarray(drawn.points, dtype=np.float64).reshape(-1, 2)
    at = np.array([index.get(int(row), -1) for row in drawn.rows], dtype=np.int64)
    fine = np.isfinite(points).all(axis=1) & (at >= 0)
    points, at = points[fine], at[fine]
    if not len(points):
        return {"name": drawn.name, "x": [], "y": [], "at": [], "width": GRID, "height": GRID}
    start, end = np.quantile(points, 0.001, axis=0), np.quantile(points, 0.999, axis=0)
    scale = GRID / max(float((end - start).max()), 1e-12)
    grid = np.clip((points - start) * scale, -0.03 * GRID, 1.03 * GRID).round().astype(np.int64)
    width, height = np.maximum((end - start) * scale, 0.3 * GRID).round().astype(int).tolist()
    return {
        "name": drawn.name,
        "x": grid[:, 0].tolist(),
        "y": grid[:, 1].tolist(),
        "at": at.tolist(),
        "width": width,
        "height": height,
    }
