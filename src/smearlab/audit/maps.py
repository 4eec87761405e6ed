"""Maps of a collection: its pictures laid out in a plane by what a network sees in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import IntArray
from smearlab.errors import counted
from smearlab.metrics.projection import principal_components, sample_of, tsne_points
from smearlab.report.audit_contents import FeatureMap

TSNE_LIMIT = 2500
"""Pictures that t-SNE lays out, at most: beyond, a sample. The time grows with the number, and so does the clutter."""


def pca_map(features: NDArray[np.floating], rows: IntArray) -> FeatureMap:
    """Lay out all pictures by their two first principal components.

    Args:
        features: ``(n, d)`` of a network, finite.
        rows: ``int64 (n,)`` the pictures' rows in the source.

    Raises:
        DataError: the features are no table of finite numbers.
    """
    points, shares = principal_components(features)
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    note = f"The two directions in which the pictures differ most; they hold {shares.sum():.0%} of all variance."
    return FeatureMap("PCA", points, rows, note)


def tsne_map(
    features: NDArray[np.floating],
    rows: IntArray,
    *,
    limit: int = TSNE_LIMIT,
    always: IntArray | None = None,
    seed: int = 0,
) -> FeatureMap:
    """Lay out pictures so that neighbours stay neighbours: t-SNE (van der Maaten & Hinton 2008) from scikit-learn.

    Args:
        features: ``(n, d)`` of a network, finite; at least 5 pictures.
        rows: ``int64 (n,)`` the pictures' rows in the source.
        limit: pictures laid out; of more, a random sample is.
        always: positions of pictures that the sample is to hold before others, such as those with findings; they
            fill at most half of it.
        seed: of the sample and the layout; the same seed gives the same map on the same machine.

    Raises:
        DataError: the features are no table of finite numbers, or there are fewer than 5 pictures.
        MissingExtraError: scikit-learn is not installed.
    """
    chosen = sample_of(len(features), limit, always, seed)
    points = tsne_points(np.asarray(features)[chosen], seed)
    shown = "all pictures" if len(chosen) == len(features) else f"{counted(len(chosen), 'picture')} drawn at random"
    note = f"Neighbours look alike to the network ({shown}); distances between far groups mean little."
    return FeatureMap("t-SNE", points, rows[chosen], note)
