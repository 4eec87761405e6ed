"""Small audits to build pages from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Pictures
from smearlab.report.audit_contents import (
    AuditItem,
    AuditReport,
    FeatureMap,
    LikelySmear,
    ManifestLine,
    NaturalGroup,
    PictureStatistics,
    Spread,
)

AWKWARD = 'folder, one/"quoted" <b>ä</b>,7.png'
"""A name that would break a page or a table that does not escape it."""


def label_of(row: int) -> str:
    return CLASS_NAMES[row % len(CLASS_NAMES)]


def item(row: int, kind: str, score: float = 0.9, **further: Any) -> AuditItem:
    return AuditItem(row, source_of(row), kind, score, row, label_of(row), **further)


def source_of(row: int) -> str:
    return AWKWARD if row == 7 else f"cells/{label_of(row)}/{row:05}.png"


def line(row: int, action: str = "keep", **further: Any) -> ManifestLine:
    return ManifestLine(row, source_of(row), action, label_of(row), given=label_of(row), picture=row, **further)


def few_items() -> list[AuditItem]:
    return [
        item(0, "exact_duplicate", 1.0, partner=8, group=0, suggestion="keep (first of 2 copies)"),
        item(8, "exact_duplicate", 1.0, partner=0, group=0, suggestion="drop"),
        item(1, "conflicting_duplicate", 1.0, partner=2, group=1),
        item(2, "conflicting_duplicate", 1.0, partner=1, group=1),
        item(3, "near_duplicate", 0.8, partner=20, group=3),
        item(7, "off_topic", 0.95, suggestion="drop"),
        item(9, "off_topic", 0.4),
        item(10, "label_error", 0.97, suggested="monocyte", suggestion="relabel: monocyte"),
        item(11, "label_error", 0.5, suggested="platelet", ambiguous=True),
        AuditItem(30, "cells/broken.png", "unreadable", 1.0, None),
    ]


def spread(value: float) -> Spread:
    return Spread(value, value - 1, value + 1)


def small_audit(**changes: Any) -> AuditReport:
    """An audit of 31 rows with every kind of finding; the last row cannot be decoded."""
    images = np.random.default_rng(0).integers(0, 256, (30, 24, 24, 3), dtype=np.uint8)
    manifest = [line(row) for row in range(30)]
    manifest[8] = line(8, "drop", reason="copy of row 0, the first")
    manifest[7] = line(7, "drop", reason="off topic")
    manifest.append(ManifestLine(30, "cells/broken.png", "drop", reason="cannot be decoded"))
    statistics = [PictureStatistics(name, 4, (200.0, 150.0, 180.4), {"width": spread(24)}) for name in CLASS_NAMES]
    points = np.random.default_rng(1).normal(size=(30, 2))
    made: dict[str, Any] = {
        "name": "/home/ann/cells",
        "data": "/home/ann/cells",
        "class_names": CLASS_NAMES,
        "counts": dict.fromkeys(CLASS_NAMES, 4),
        "pictures": images,
        "items": few_items(),
        "manifest": manifest,
        "typical": {name: [place] for place, name in enumerate(CLASS_NAMES)},
        "by_class": statistics,
        "by_source": statistics[:1],
        "groups": [NaturalGroup("group 1", {"monocyte": 3, "platelet": 1}, [5, 13])],
        "maps": [FeatureMap("PCA", points, np.arange(30), "a note")],
        "smears": [LikelySmear("smear 1", [1, 2], [1, 2], 0.7)],
        "seconds": {"read": 0.5},
        "unreadable_reasons": {30: "cut short"},
    }
    return AuditReport(**{**made, **changes})


def large_audit(count: int) -> AuditReport:
    """An audit in which every picture has a finding: off topic, or one of a pair of copies."""
    images: Pictures = np.random.default_rng(0).integers(0, 256, (256, 48, 48, 3), dtype=np.uint8)
    half = count // 2
    items = [item(row, "off_topic", 0.5 + 0.5 * row / count) for row in range(half)]
    items += [item(row, "near_duplicate", 0.9, group=row // 2 * 2) for row in range(half, count)]
    lines = [line(row) for row in range(count)]
    return small_audit(
        pictures=Repeated(images, count), items=items, manifest=lines, maps=(), groups=(), smears=(), by_class=()
    )


class Repeated(Sequence[Any]):
    """Pictures that come again and again, as if there were many."""

    def __init__(self, base: Pictures, count: int) -> None:
        self.base, self.length = base, count

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        return self.base[int(index) % len(self.base)]
