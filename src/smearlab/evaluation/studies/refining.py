"""K-means on what a network sees in pictures: clusters, and the pictures that stand among another class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.policy import augment

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, IntArray, UInt8Array
    from smearlab.networks.build import CellNetwork

LEAST_SHARE = 0.1
"""Of a picture's cluster that its class must have, else the picture is taken for an outlier."""
_CLUSTERS_OF_CLASS = 4
_BATCH = 128
_SEED = 1


def clusters_of(features: FloatArray, clusters: int) -> IntArray:
    """Return the K-means cluster (Lloyd 1982) of each row, of standardised features.

    Args:
        features: ``float (n, d)``.
        clusters: how many are looked for; at most a quarter of the rows.

    Returns:
        ``int64 (n,)``.
    """
    from sklearn.cluster import KMeans

    spread = features.std(axis=0)
    standard = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    wanted = max(1, min(clusters, len(features) // 4))
    return np.asarray(KMeans(wanted, n_init=4, random_state=_SEED).fit_predict(standard), np.int64)


def among_their_own(clusters: IntArray, labels: IntArray, least: float = LEAST_SHARE) -> np.ndarray:
    """Say which pictures lie in a cluster of which their class makes up at least a share.

    Args:
        clusters: ``int64 (n,)``.
        labels: ``int64 (n,)``.
        least: the share.

    Returns:
        ``bool (n,)``.
    """
    counts = np.zeros((clusters.max() + 1, labels.max() + 1))
    np.add.at(counts, (clusters, labels), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(share[clusters, labels] >= least)


def refined(network: CellNetwork, images: UInt8Array, labels: IntArray, train: IntArray) -> IntArray:
    """Return the training pictures that K-means leaves: those among others of their class.

    Args:
        network: whose features are clustered, as it is before training.
        images: ``uint8 (N, h, w, 3)``.
        labels: ``int64 (N,)``.
        train: ``int64`` positions of the training pictures.
    """
    features = _features(network, images, train)
    classes = len(np.unique(labels[train]))
    kept = among_their_own(clusters_of(features, _CLUSTERS_OF_CLASS * classes), labels[train])
    return np.asarray(train[kept], np.int64)


@torch.inference_mode()
def _features(network: CellNetwork, images: UInt8Array, positions: IntArray) -> FloatArray:
    network.eval()
    nothing, found = AugmentConfig(policy="none"), []
    for start in range(0, len(positions), _BATCH):
        pictures = torch.from_numpy(images[positions[start : start + _BATCH]])
        found.append(network.features(augment(pictures, nothing, torch.Generator())).numpy())
    return np.concatenate(found).astype(np.float64)
