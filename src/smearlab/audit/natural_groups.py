"""Natural groups: which pictures lie together in an embedding, whatever their labels say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smearlab import celltypes
from smearlab.data.cells import FloatArray, IntArray
from smearlab.errors import DataError, require
from smearlab.metrics.projection import principal_components, sample_of
from smearlab.report.audit_contents import NaturalGroup

if TYPE_CHECKING:
    from smearlab.data.cells import Cells

CANDIDATES = tuple(range(2, 16))
"""Numbers of groups that are tried."""

_DIMENSIONS = 32  # of the embedding, by PCA: K-means suffers where most dimensions hold noise
_SAMPLE = 2000  # pictures that the silhouette is measured on: its cost grows with the square
_FITTED = 5000  # pictures that centres are fitted to
_TYPICAL = 12


@dataclass(frozen=True, eq=False)
class NaturalGroups:
    """What K-means finds in an embedding.

    Attributes:
        numbers: ``int64 (n,)`` group of each picture, the largest group is 0.
        distances: ``float64 (n,)`` from the group's centre, in units of the embedding.
        silhouettes: number of groups tried to the mean silhouette (Rousseeuw 1987) in [-1, 1]; the highest was taken.
        table: ``int64 (groups, classes)``: pictures of each class in each group.
        agreement: adjusted mutual information of groups and labels (Vinh et al. 2010), at most 1; about 0 where
            groups know nothing of classes. NaN without labels.
    """

    numbers: IntArray
    distances: FloatArray
    silhouettes: dict[int, float]
    table: IntArray
    agreement: float

    def __len__(self) -> int:
        return len(self.table)


def natural_groups(
    features: NDArray[np.floating],
    labels: IntArray | None = None,
    classes: int = 0,
    *,
    candidates: Sequence[int] = CANDIDATES,
    seed: int = 0,
) -> NaturalGroups:
    """Group pictures by K-means in an embedding; the number of groups is the one of the highest silhouette.

    Args:
        features: ``(n, d)`` of a network, finite, at least 3 pictures.
        labels: ``int64 (n,)`` class indices for the cross table, or None.
        classes: number of classes.
        candidates: numbers of groups to try.
        seed: of the sample and of K-means.

    Raises:
        DataError: fewer than 3 pictures, or features that are not finite.
        MissingExtraError: scikit-learn is not installed.
    """
    require("sklearn", "train", "Finding natural groups")
    if len(features) < 3:
        raise DataError(f"Natural groups need 3 pictures or more; got {len(features)}.")
    from sklearn.metrics import adjusted_mutual_info_score

    table, _ = principal_components(features, _DIMENSIONS)
    centres, silhouettes = _best_centres(table, candidates, seed)
    numbers, distances = _nearest(table, centres)
    order = np.argsort(-np.bincount(numbers, minlength=len(centres)), kind="stable")
    numbers = np.argsort(order)[numbers]
    cross = np.zeros((len(centres), max(classes, 1)), dtype=np.int64)
    np.add.at(cross, (numbers, np.zeros_like(numbers) if labels is None else labels), 1)
    agreement = float("nan") if labels is None else float(adjusted_mutual_info_score(labels, numbers))
    return NaturalGroups(numbers, distances, silhouettes, cross, agreement)


def _best_centres(table: FloatArray, candidates: Sequence[int], seed: int) -> tuple[FloatArray, dict[int, float]]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    fitted = table[sample_of(len(table), _FITTED, seed=seed)]
    judged = sample_of(len(fitted), _SAMPLE, seed=seed)
    distinct = len(np.unique(fitted.round(6), axis=0))
    silhouettes: dict[int, float] = {}
    best = fitted.mean(0, keepdims=True)
    for number in candidates:
        if number >= min(distinct, len(fitted)):
            break
        means = KMeans(number, n_init=3, random_state=seed).fit(fitted)
        several = len(np.unique(means.labels_[judged])) > 1
        value = float(silhouette_score(fitted[judged], means.labels_[judged])) if several else -1.0
        if value > max(silhouettes.values(), default=-2.0):
            best = means.cluster_centers_
        silhouettes[number] = value
    return np.asarray(best, dtype=np.float64), silhouettes


def _nearest(table: FloatArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    squares = (table**2).sum(1)[:, None] - 2 * table @ centres.T + (centres**2).sum(1)
    numbers = squares.argmin(1)
    return numbers, np.sqrt(np.maximum(np.take_along_axis(squares, numbers[:, None], 1)[:, 0], 0))


def describe_groups(groups: NaturalGroups, cells: Cells, concerned: IntArray | None = None) -> tuple[NaturalGroup, ...]:
    """Name, count and illustrate the groups, the largest first.

    Args:
        groups: of all pictures of `cells`.
        cells: the collection that positions are of.
        concerned: positions of pictures with findings; a group that is mostly those says so.
    """
    found = np.isin(np.arange(len(cells)), [] if concerned is None else concerned)
    described = []
    for number, row in enumerate(groups.table):
        members = np.flatnonzero(groups.numbers == number)
        typical = members[np.argsort(groups.distances[members], kind="stable")[:_TYPICAL]]
        names = cells.class_names if cells.labels is not None else ("",)
        counts = {name: int(count) for name, count in zip(names, row, strict=True) if count}
        described.append(
            NaturalGroup(f"group {number + 1}", counts, typical.tolist(), _note(counts, found[members].mean()))
        )
    return tuple(described)


def _note(counts: dict[str, int], found: float) -> str:
    """Say how pure a group is, and whether it is one of faults."""
    if found >= 0.5:
        return f"Mostly pictures with findings ({found:.0%})."
    if not counts or set(counts) == {""}:
        return ""
    total = sum(counts.values())
    largest = max(counts, key=lambda name: counts[name])
    share = counts[largest] / total
    if share >= 0.9:
        return f"Nearly all {celltypes.title(largest)} ({share:.0%})."
    if share >= 0.5:
        return f"Mostly {celltypes.title(largest)} ({share:.0%})."
    return f"Mixed: no class holds half of it; the largest is {celltypes.title(largest)} ({share:.0%})."
