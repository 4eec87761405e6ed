"""Maps of a collection: its pictures laid out in a plane by what a network sees in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import FloatArray, IntArray
from smearlab.errors import DataError, counted, require
from smearlab.report.audit_contents import FeatureMap

TSNE_LIMIT = 2500
"""Pictures that t-SNE lays out, at most: beyond, a sample. The time grows with the number, and so does the clutter."""

_TSNE_DIMENSIONS = 50  # as van der Maaten & Hinton (2008) reduce by PCA before
_LEAST_PICTURES = 5


def principal_components(features: NDArray[np.floating], dimensions: int = 2) -> tuple[FloatArray, FloatArray]:
    """Project features onto their principal components (Pearson 1901).

    Each component's sign is chosen so that its largest loading is positive, so the same data gives the same map.

    Args:
        features: ``(n, d)``, finite.
        dimensions: components wanted; fewer are given where the features have fewer.

    Returns:
        Coordinates ``float64 (n, dimensions)``, centred; and each component's share of the variance,
        ``float64 (dimensions,)``.

    Raises:
        DataError: the features are no table of finite numbers.
    """
    table = np.asarray(features, dtype=np.float32)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise DataError(
            f"Features must be a table (n, d) of finite numbers; got shape {table.shape}. Compute them anew."
        )
    centred = table - table.mean(0, dtype=np.float64).astype(np.float32)
    variances, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    axes = axes[:, ::-1][:, :dimensions]
    variances = np.maximum(variances[::-1], 0)
    axes *= np.where(np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0) < 0, -1, 1)
    points = (centred @ axes.astype(np.float32)).astype(np.float64)
    return points, variances[:dimensions] / max(variances.sum(), 1e-12)


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
    require("sklearn", "train", "A t-SNE map")
    if len(features) < _LEAST_PICTURES:
        raise DataError(f"A t-SNE map needs {_LEAST_PICTURES} pictures or more; got {len(features)}.")
    from sklearn.manifold import TSNE

    chosen = sample_of(len(features), limit, always, seed)
    reduced, _ = principal_components(np.asarray(features)[chosen], _TSNE_DIMENSIONS)
    # Blank features have no direction to begin with; scikit-learn would divide by their spread of zero.
    start = "pca" if reduced.std(0)[0] > 0 else "random"
    perplexity = min(30.0, (len(chosen) - 1) / 3)
    points = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)
    shown = "all pictures" if len(chosen) == len(features) else f"{counted(len(chosen), 'picture')} drawn at random"
    note = f"Neighbours look alike to the network ({shown}); distances between far groups mean little."
    return FeatureMap("t-SNE", np.asarray(points, dtype=np.float64), rows[chosen], note)


def sample_of(count: int, limit: int, always: IntArray | None = None, seed: int = 0) -> IntArray:
    """Draw positions below `count`, sorted: all of them, or `limit`, half of which may come from `always`."""
    if count <= limit:
        return np.arange(count, dtype=np.int64)
    rng = np.random.default_rng(seed)
    first = np.zeros(0, dtype=np.int64) if always is None else rng.permutation(np.unique(always))[: limit // 2]
    others = rng.permutation(np.setdiff1d(np.arange(count), first))[: limit - len(first)]
    return np.sort(np.concatenate([first, others])).astype(np.int64)
