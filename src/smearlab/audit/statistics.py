"""Statistics of a collection: its classes, what its pictures look like per class and per source, what is affected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.audit.findings import KINDS, Findings, Kind
from smearlab.audit.measurements import Measurements
from smearlab.celltypes import canonical_name
from smearlab.data.cells import Cells, FloatArray, IntArray, StrArray
from smearlab.report.audit_contents import PictureStatistics, Spread

Texts: TypeAlias = NDArray[np.str_]

OUTLYING = 3.0
"""Distance, in robust standard deviations of all other pictures, from which a source is outlying."""
LEAST_PICTURES = 5
"""Sources with fewer pictures are not judged: their median may be far off by chance."""

_BETA = 0.999
_PREFIX = re.compile(r"([^\W\d_]+)[ _-]?\d+")
_MOST_PREFIXES = 50
_SMALLEST_SPREAD = {"saturation": 0.02, "width": 2.0, "height": 2.0}  # of all others: one grey level


@dataclass(frozen=True)
class Balance:
    """How evenly the pictures are spread over the classes.

    Attributes:
        class_names: identifiers.
        counts: pictures of each class.
        ratio: pictures of the largest class over those of the smallest that has any; 1 is even.
        effective_classes: how many classes of one size would be as diverse: e to the power of the entropy of the
            shares (Hill 1973); from 1, where all pictures are of one class, to the number of classes.
        effective_numbers: effective number of pictures of each class, ``(1 - b**n) / (1 - b)`` with b = 0.999
            (Cui et al. 2019): the thousandth picture of a class shows less that is new than its tenth.
    """

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    ratio: float
    effective_classes: float
    effective_numbers: tuple[float, ...]


@dataclass(frozen=True)
class OutlyingSource:
    """A source whose pictures look unlike all others.

    Attributes:
        name: of the source.
        pictures: how many it has.
        figure: in which it differs most, for example ``background blue``.
        median: of that figure over its pictures.
        elsewhere: median of that figure over all other pictures.
        distance: between the two once classes are allowed for, in robust standard deviations of the other pictures.
    """

    name: str
    pictures: int
    figure: str
    median: float
    elsewhere: float
    distance: float


@dataclass(frozen=True)
class Affected:
    """How much of a collection one kind of finding concerns.

    Attributes:
        kind: of the finding; ``any`` for all kinds together.
        rows: pictures concerned, each counted once, those that could not be decoded among them.
        share: of all rows, in [0, 1].
        per_class: class identifier to pictures of it that are concerned.
    """

    kind: Kind | str
    rows: int
    share: float
    per_class: dict[str, int]


def class_balance(cells: Cells) -> Balance:
    """Measure how even the classes are.

    Raises:
        DataError: the pictures have no labels.
    """
    counts = cells.class_counts()
    present = counts[counts > 0]
    shares = present / max(present.sum(), 1)
    return Balance(
        class_names=cells.class_names,
        counts=tuple(counts.tolist()),
        ratio=float(present.max() / present.min()) if present.size else 1.0,
        effective_classes=float(np.exp(-np.sum(shares * np.log(shares)))) if present.size else 0.0,
        effective_numbers=tuple(((1 - _BETA**counts) / (1 - _BETA)).tolist()),
    )


def sources_of(cells: Cells) -> StrArray:
    """Name where each picture came from, as finely as the data tells: ``str (N,)``.

    The first of these that tells pictures apart: the group column (slide, patient); the folder without components that
    name a class; the file that holds many pictures; the part (train, test); the letters before the number in
    a file's name, which are often a batch's. Where nothing does, all have one name.
    """
    choices = [_folders(cells), _prefixes(cells)]
    if cells.parts is not None:
        choices.insert(1, cells.parts)
    if cells.groups is not None:
        choices.insert(0, cells.groups)
    telling = [choice for choice in choices if len(np.unique(choice)) > 1]
    chosen = telling[0] if telling else choices[0]
    return np.where(chosen == "", "(no name)", chosen)


def _folders(cells: Cells) -> StrArray:
    """Return the folder of each picture, without components that name its class, or the file that holds it."""
    classes = set(cells.class_names)
    names = []
    for source in cells.sources.tolist():
        container, mark, _ = source.rpartition("#")
        parts = (container,) if mark else PurePosixPath(source).parts[:-1]
        names.append("/".join(part for part in parts if canonical_name(part) not in classes))
    return np.array(names, dtype=np.str_)


def _prefixes(cells: Cells) -> StrArray:
    """Return the letters before the number in each file's name; one empty name where they tell nothing."""
    found = [_PREFIX.fullmatch(PurePosixPath(source).stem) for source in cells.sources.tolist()]
    names = np.array([match[1] if match else "" for match in found], dtype=np.str_)
    return names if len(np.unique(names)) <= min(_MOST_PREFIXES, len(names) / 5) else np.full(len(names), "")


def per_class(cells: Cells, measurements: Measurements) -> tuple[PictureStatistics, ...]:
    """Return the statistics of each class that has pictures, in the order of the classes; none without labels."""
    if cells.labels is None:
        return ()
    chosen = [(name, np.flatnonzero(cells.labels == index)) for index, name in enumerate(cells.class_names)]
    return tuple(statistics_of(name, measurements.take(members)) for name, members in chosen if len(members))


def per_source(cells: Cells, measurements: Measurements) -> tuple[PictureStatistics, ...]:
    """Return the statistics of each source (see `sources_of`), by name."""
    sources = sources_of(cells)
    names = np.unique(sources)
    return tuple(statistics_of(str(name), measurements.take(np.flatnonzero(sources == name))) for name in names)


def statistics_of(name: str, measurements: Measurements) -> PictureStatistics:
    """Sum up pictures by the median, 5th and 95th percentile of every figure."""
    figures = {figure: _spread(column) for figure, column in _columns(measurements).items()}
    red, green, blue = measurements.means.mean(0, dtype=np.float64).tolist()
    return PictureStatistics(name, len(measurements), (red, green, blue), figures)


def _spread(values: FloatArray) -> Spread:
    low, median, high = np.percentile(values, (5, 50, 95)).tolist()
    return Spread(median, low, high)


def _columns(measurements: Measurements) -> dict[str, FloatArray]:
    """Return the figures that tables show, by name."""
    simple = {
        "width": measurements.sizes[:, 1],
        "height": measurements.sizes[:, 0],
        "brightness": measurements.brightness,
        "saturation": measurements.saturation,
        "sharpness": measurements.sharpness,
    }
    triples = {"": measurements.means, "spread of ": measurements.deviations, "background ": measurements.background}
    coloured = {
        f"{before}{colour}": values[:, channel]
        for before, values in triples.items()
        for channel, colour in enumerate(("red", "green", "blue"))
    }
    return {name: np.asarray(column, dtype=np.float64) for name, column in (simple | coloured).items()}


def outlying_sources(cells: Cells, measurements: Measurements) -> tuple[OutlyingSource, ...]:
    """Name the sources whose pictures look unlike all others, the farthest first.

    Classes look different, and sources hold them in different shares; so each figure is taken relative to its median
    within the class. A source is outlying where the median of its pictures lies `OUTLYING` or more robust standard
    deviations (1.4826 times the median absolute deviation) of all other pictures from theirs, in any
    figure. Of two sources that differ, both are named: nothing says which of them is as it should be.
    """
    sources = sources_of(cells)
    names, counts = np.unique(sources, return_counts=True)
    if len(names) < 2:
        return ()
    columns = _columns(measurements)
    relative = {figure: _within_class(column, cells.labels) for figure, column in columns.items()}
    found = []
    for name in names[counts >= LEAST_PICTURES]:
        here = sources == name
        distances = {figure: _distance(figure, column, here) for figure, column in relative.items()}
        worst = max(distances, key=lambda figure: distances[figure])
        if distances[worst] >= OUTLYING:
            middle, elsewhere = (float(np.median(columns[worst][which])) for which in (here, ~here))
            found.append(OutlyingSource(str(name), int(here.sum()), worst, middle, elsewhere, distances[worst]))
    return tuple(sorted(found, key=lambda source: -source.distance))


def _within_class(column: FloatArray, labels: IntArray | None) -> FloatArray:
    if labels is None:
        return column
    relative = column.copy()
    for label in np.unique(labels):
        relative[labels == label] -= np.median(column[labels == label])
    return relative


def _distance(figure: str, column: FloatArray, here: NDArray[np.bool_]) -> float:
    others = column[~here]
    middle = np.median(others)
    spread = 1.4826 * float(np.median(np.abs(others - middle)))
    return float(abs(np.median(column[here]) - middle)) / max(spread, _SMALLEST_SPREAD.get(figure, 1.0))


def shares_affected(cells: Cells, findings: Findings) -> tuple[Affected, ...]:
    """Count the rows that each kind of finding concerns; the last entry, ``any``, counts every row once."""
    total = max(len(cells) + len(cells.unreadable), 1)
    labels = dict(
        zip(cells.rows.tolist(), (cells.labels if cells.labels is not None else [-1] * len(cells)), strict=True)
    )
    labels |= {picture.row: picture.label for picture in cells.unreadable}
    wanted: Sequence[tuple[Kind | str, frozenset[int]]] = [(kind, findings.rows(kind)) for kind in KINDS]
    return tuple(
        Affected(kind, len(rows), len(rows) / total, _per_class(rows, labels, cells.class_names))
        for kind, rows in [*wanted, ("any", findings.rows())]
    )


def _per_class(rows: frozenset[int], labels: dict[int, int], class_names: tuple[str, ...]) -> dict[str, int]:
    known = np.array([labels.get(row, -1) for row in rows], dtype=np.int64)
    counts = np.bincount(known[known >= 0], minlength=len(class_names))
    return {name: int(number) for name, number in zip(class_names, counts, strict=True) if number}
