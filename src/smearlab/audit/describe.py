"""Everything an audit says of a collection beside its faults, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab import celltypes
from smearlab.audit.maps import pca_map, tsne_map
from smearlab.audit.measurements import Measurements, measure
from smearlab.audit.natural_groups import describe_groups, natural_groups
from smearlab.audit.same_smear import group_by_light, likely_smears, number_test
from smearlab.audit.statistics import (
    Affected,
    Balance,
    OutlyingSource,
    class_balance,
    outlying_sources,
    per_class,
    per_source,
    shares_affected,
)
from smearlab.errors import MissingExtraError, counted
from smearlab.report.audit_contents import FeatureMap, LikelySmear, NaturalGroup, PictureStatistics

if TYPE_CHECKING:
    from smearlab.audit.features import Described
    from smearlab.audit.findings import Findings
    from smearlab.data.cells import Cells, IntArray

MOST_SOURCES = 60
"""Sources that are listed; of more, the largest are."""

_LEAST_MAPPED = 5
_UNEVEN = 1.5  # largest over smallest class from which the imbalance is worth a sentence
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Description:
    """What a collection looks like.

    Attributes:
        balance: of the classes; None without labels.
        by_class: size and colour of each class.
        by_source: the same of each source; empty where all pictures come from one.
        outlying: sources that look unlike all others.
        affected: how much each kind of finding concerns, ``any`` last.
        groups: natural groups in the embedding.
        maps: PCA, then t-SNE.
        smears: pictures that share a light, and so perhaps a smear.
        notes: what a reader should know of all this, in sentences.
    """

    balance: Balance | None
    by_class: tuple[PictureStatistics, ...]
    by_source: tuple[PictureStatistics, ...]
    outlying: tuple[OutlyingSource, ...]
    affected: tuple[Affected, ...]
    groups: tuple[NaturalGroup, ...]
    maps: tuple[FeatureMap, ...]
    smears: tuple[LikelySmear, ...]
    notes: tuple[str, ...]


def describe_collection(
    cells: Cells, described: Described, findings: Findings, *, quick: bool = False, seed: int = 0
) -> Description:
    """Describe a collection: balance, statistics, natural groups, maps, likely smears.

    Needs the core install alone where `quick` is set; otherwise scikit-learn adds groups, t-SNE and smears, and a note
    says so where it is missing.

    Args:
        cells: the pictures.
        described: what a model says of them; its features make groups and maps.
        findings: of the audit.
        quick: leave out what takes more than seconds: groups, t-SNE and smears.
        seed: of every sample and clustering.
    """
    measurements = measure(cells)
    balance = None if cells.labels is None or not len(cells) else class_balance(cells)
    outlying = outlying_sources(cells, measurements)
    sources = sorted(per_source(cells, measurements), key=lambda source: -source.pictures)[:MOST_SOURCES]
    affected = shares_affected(cells, findings)
    maps = (pca_map(described.features, cells.rows),) if len(cells) >= _LEAST_MAPPED else ()
    deep = _Deep() if quick or not maps else _look_deeper(cells, described, findings, measurements, seed)
    return Description(
        balance=balance,
        by_class=per_class(cells, measurements),
        by_source=tuple(sources) if len(sources) > 1 else (),
        outlying=outlying,
        affected=affected,
        groups=deep.groups,
        maps=maps + deep.maps,
        smears=deep.smears,
        notes=(*_affected_note(affected), *_balance_note(balance), *_outlying_notes(outlying), *deep.notes),
    )


@dataclass(frozen=True)
class _Deep:
    """What takes scikit-learn and more than seconds."""

    groups: tuple[NaturalGroup, ...] = ()
    maps: tuple[FeatureMap, ...] = ()
    smears: tuple[LikelySmear, ...] = ()
    notes: tuple[str, ...] = ()


def _look_deeper(
    cells: Cells, described: Described, findings: Findings, measurements: Measurements, seed: int
) -> _Deep:
    try:
        found = natural_groups(described.features, cells.labels, len(cells.class_names), seed=seed)
    except MissingExtraError as error:
        return _Deep(notes=(str(error),))
    concerned = np.flatnonzero(np.isin(cells.rows, sorted(findings.rows())))
    # A drawing repeated a hundred times has a light of its own, too.
    real = np.flatnonzero(~np.isin(cells.rows, sorted(findings.rows("off_topic", "unreadable"))))
    smears = likely_smears(group_by_light(measurements.take(real), seed=seed), cells, real)
    return _Deep(
        groups=describe_groups(found, cells, concerned),
        maps=(_tsne(cells, described, concerned, seed),),
        smears=smears,
        notes=_smear_notes(cells, measurements, len(smears)),
    )


def _tsne(cells: Cells, described: Described, concerned: IntArray, seed: int) -> FeatureMap:
    return tsne_map(described.features, cells.rows, always=concerned, seed=seed)


def _affected_note(affected: tuple[Affected, ...]) -> tuple[str, ...]:
    total = affected[-1]
    if not total.rows:
        return ("Nothing was found in any picture.",)
    verb = "has" if total.rows == 1 else "have"
    return (f"{counted(total.rows, 'picture')} ({total.share:.1%}) {verb} at least one finding.",)


def _balance_note(balance: Balance | None) -> tuple[str, ...]:
    if balance is None or balance.ratio < _UNEVEN:
        return ()
    counts = dict(zip(balance.class_names, balance.counts, strict=True))
    present = [name for name, count in counts.items() if count]
    largest, smallest = max(present, key=counts.__getitem__), min(present, key=counts.__getitem__)
    return (
        f"The largest class, {celltypes.title(largest)}, has {balance.ratio:.1f} times the pictures of the smallest, "
        f"{celltypes.title(smallest)}; they are as diverse as {balance.effective_classes:.1f} classes of one size.",
    )


def _outlying_notes(outlying: tuple[OutlyingSource, ...]) -> tuple[str, ...]:
    notes = [
        f"{source.name} ({counted(source.pictures, 'picture')}) looks unlike all other sources: median {source.figure} "
        f"{source.median:.3g} against {source.elsewhere:.3g}."
        for source in outlying[:_NAMED]
    ]
    if len(outlying) > _NAMED:
        notes.append(f"{counted(len(outlying) - _NAMED, 'further source')} look unlike the others too.")
    return tuple(notes)


def _smear_notes(cells: Cells, measurements: Measurements, smears: int) -> tuple[str, ...]:
    test = number_test(cells, measurements)
    notes = [] if test is None else [test.sentence()]
    if smears:
        notes.append("Pictures of one light may be of one smear or of one session: a hint, never a patient's id.")
    return tuple(notes)
