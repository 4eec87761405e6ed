"""What a collection looks like as a whole: statistics, natural groups, maps and likely smears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from smearlab.audit.maps import pca_map
from smearlab.audit.measurements import measure
from smearlab.audit.statistics import outlying_sources, per_class, per_source
from smearlab.celltypes import title
from smearlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.audit.features import Described
    from smearlab.audit.findings import Findings
    from smearlab.audit.measurements import Measurements
    from smearlab.data.cells import Cells
    from smearlab.report.audit_contents import FeatureMap, LikelySmear, NaturalGroup, PictureStatistics

_FEWEST = 10
"""Pictures below which neither groups nor maps mean anything."""


@dataclass
class Overview:
    """What a collection looks like.

    Attributes:
        by_class: size and colour per class.
        by_source: size and colour per source; empty where all pictures come from one.
        maps: pictures laid out by their features.
        groups: natural groups.
        smears: pictures likely from the same smear.
        notes: what is striking, in sentences.
    """

    by_class: Sequence[PictureStatistics] = ()
    by_source: Sequence[PictureStatistics] = ()
    maps: list[FeatureMap] = field(default_factory=list)
    groups: Sequence[NaturalGroup] = ()
    smears: Sequence[LikelySmear] = ()
    notes: list[str] = field(default_factory=list)


def look_around(cells: Cells, described: Described, findings: Findings, *, quick: bool, seed: int = 0) -> Overview:
    """Describe a collection as a whole.

    Args:
        cells: the pictures.
        described: what a model says of them.
        findings: whose pictures the t-SNE map is to hold, should it not hold all.
        quick: leave out what needs scikit-learn: groups, t-SNE, smears.
        seed: of samples and layouts.
    """
    measurements = measure(cells)
    sources = per_source(cells, measurements)
    overview = Overview(per_class(cells, measurements), sources if len(sources) > 1 else ())
    overview.notes += [
        f"The {counted(one.pictures, 'picture')} from {one.name} look unlike the others: {one.figure} "
        f"{one.median:.0f} instead of {one.elsewhere:.0f}."
        for one in outlying_sources(cells, measurements)
    ]
    overview.notes += _imbalance(cells)
    if len(cells) >= _FEWEST:
        overview.maps.append(pca_map(described.features, cells.rows))
        if not quick:
            _group(overview, cells, described, findings, measurements, seed)
    return overview


def _imbalance(cells: Cells) -> list[str]:
    counts = cells.class_counts()
    most, fewest = int(counts.argmax()), int(counts.argmin())
    if counts[most] < 10 * max(counts[fewest], 1):
        return []
    names = [title(cells.class_names[index]) for index in (most, fewest)]
    return [f"Classes are far from balanced: {counts[most]:,} of {names[0]}, {counts[fewest]:,} of {names[1]}."]


def _group(
    overview: Overview,
    cells: Cells,
    described: Described,
    findings: Findings,
    measurements: Measurements,
    seed: int,
) -> None:
    """Add what needs scikit-learn."""
    from smearlab.audit.maps import tsne_map
    from smearlab.audit.natural_groups import describe_groups, natural_groups
    from smearlab.audit.same_smear import group_by_light, likely_smears, number_test

    classes = len(cells.class_names)
    overview.groups = describe_groups(natural_groups(described.features, cells.labels, classes, seed=seed), cells)
    found = np.flatnonzero(np.isin(cells.rows, sorted(findings.rows())))
    overview.maps.append(tsne_map(described.features, cells.rows, always=found, seed=seed))
    overview.smears = likely_smears(group_by_light(measurements, seed=seed), cells)
    numbers = number_test(cells, measurements, seed)
    if numbers is not None and numbers.tells:
        overview.notes.append(numbers.sentence())
