"""Other detectors of wrong labels, with the same output as confident learning, so that they can be compared.

Both follow one team of a competition on blood cells, which tried "a K-means refined version of the data" and "noise
elimination based on the model's score for each cluster", and saw no gain from either in the accuracy of a heavily
augmented network. Their report says no more than that; what is done here is the plain reading of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.audit.label_errors import LabelQuality, shares
from smearlab.errors import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import BoolArray, Cells, FloatArray, IntArray
    from smearlab.inference.spread import Floats

ROUNDS = 5
"""K-means with as many seeds: one clustering knows only few different scores, and its borders are arbitrary."""
_PER_CLUSTER = 25
_ERROR, _AMBIGUOUS = 0.1, 0.5


def refine_by_kmeans(
    cells: Cells, features: Floats, excluded: BoolArray | None = None, *, clusters: int | None = None, seed: int = 0
) -> LabelQuality:
    """Judge labels by the company their pictures keep: K-means over all pictures, labels ignored.

    A label's score is its share among the other members of the picture's cluster, averaged over several clusterings.

    Args:
        cells: labelled pictures.
        features: ``float32 (n, d)`` of a network that never saw these labels.
        excluded: ``bool (n,)`` rows that have another defect: never flagged, and no company to others.
        clusters: how many; None makes them of about 25 pictures each.
        seed: of the first clustering.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    labels, classes = cells.known_labels, len(cells.class_names)
    judged = _judged(labels, excluded)
    points, count = _standardised(features, judged), clusters or _cluster_count(int(judged.sum()), classes)
    company = np.zeros((len(labels), classes))
    for turn in range(ROUNDS):
        cluster = _clusters(points, judged, count, seed + turn)
        company += _others(cluster, labels, judged, classes, count) / ROUNDS
    return _quality(labels, company[np.arange(len(labels)), labels], company.argmax(1), judged)


def eliminate_noise(
    cells: Cells,
    features: Floats,
    probabilities: NDArray[np.floating[Any]],
    excluded: BoolArray | None = None,
    *,
    clusters: int | None = None,
    seed: int = 0,
) -> LabelQuality:
    """Judge labels by the model's score for each cluster: K-means within every class, and whole clusters stand or fall.

    A cluster's score is the mean probability that the model gives the members' own label; wrongly labelled pictures
    gather in clusters of their own, far from those of the class. A label's score is the mean of its own
    probability and of its cluster's score over several clusterings, so that members of one cluster differ.

    Args:
        cells: labelled pictures.
        features: ``float32 (n, d)`` of a network that never saw these labels.
        probabilities: ``(n, k)`` by models that never saw the label of the row.
        excluded: ``bool (n,)`` rows that have another defect: never flagged, and no part of a cluster's score.
        clusters: how many in each class; None makes them of about 25 pictures each.
        seed: of the first clustering.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    labels = cells.known_labels
    judged = _judged(labels, excluded)
    chances = np.asarray(probabilities, dtype=np.float64)
    own = chances[np.arange(len(labels)), labels]
    points, scores = _standardised(features, judged), np.zeros(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        inside = judged[members]
        count = clusters or _cluster_count(int(inside.sum()), 1)
        for turn in range(ROUNDS):
            cluster = _clusters(points[members], inside, count, seed + turn)
            scores[members] += _cluster_scores(cluster, own[members], inside, count) / ROUNDS
    return _quality(labels, np.clip((scores + own) / 2, 0, 1), chances.argmax(1), judged)


def _judged(labels: IntArray, excluded: BoolArray | None) -> BoolArray:
    return np.ones(len(labels), dtype=np.bool_) if excluded is None else ~excluded


def _quality(labels: IntArray, scores: FloatArray, suggested: IntArray, judged: BoolArray) -> LabelQuality:
    differs = judged & (suggested != labels)
    is_error = differs & (scores <= _ERROR)
    is_ambiguous = differs & ~is_error & (scores <= _AMBIGUOUS)
    return LabelQuality(scores, suggested.astype(np.int64), is_error, is_ambiguous)


def _cluster_count(pictures: int, least: int) -> int:
    return max(1, min(pictures, max(least, pictures // _PER_CLUSTER)))


def _standardised(features: Floats, judged: BoolArray) -> Floats:
    """Bring every feature to one mean and deviation, those of the judged rows."""
    known = features[judged] if judged.any() else features
    deviation = known.std(0)
    deviation[deviation == 0] = 1
    return np.asarray((features - known.mean(0)) / deviation, dtype=np.float32)


def _clusters(points: Floats, judged: BoolArray, count: int, seed: int) -> IntArray:
    """Fit K-means on the judged points and give every point its nearest centre's number: ``int64 (n,)``."""
    require("sklearn", "train", "Finding clusters")
    from sklearn.cluster import MiniBatchKMeans

    if not judged.any() or count < 2:
        return np.zeros(len(points), dtype=np.int64)
    found = MiniBatchKMeans(min(count, int(judged.sum())), random_state=seed, n_init=1, batch_size=2048)
    found.fit(points[judged])
    return np.asarray(found.predict(points), dtype=np.int64)


def _others(cluster: IntArray, labels: IntArray, judged: BoolArray, classes: int, count: int) -> FloatArray:
    """Return each class's share ``float64 (n, classes)`` among the judged members of a picture's cluster but itself."""
    table = np.zeros((max(1, count), classes))
    np.add.at(table, (cluster[judged], labels[judged]), 1)
    mine = table[cluster]
    mine[np.arange(len(labels)), labels] -= judged
    # A picture that is alone in its cluster has no company: all classes are as likely as each other.
    return shares(mine)


def _cluster_scores(cluster: IntArray, own: FloatArray, judged: BoolArray, count: int) -> FloatArray:
    """Return for each picture the mean of the judged members' scores in its cluster: ``float64 (n,)``."""
    size = np.bincount(cluster[judged], minlength=count)
    total = np.bincount(cluster[judged], weights=own[judged], minlength=count)
    means: FloatArray = np.divide(total, size, out=np.zeros(len(size)), where=size > 0)
    return means[cluster]
