"""Features laid out in a plane: principal components and t-SNE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import FloatArray, IntArray
from smearlab.errors import DataError, require

LEAST_PICTURES = 5
"""Pictures that t-SNE needs."""

_TSNE_DIMENSIONS = 50  # as van der Maaten & Hinton (2008) reduce by PCA before


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


def tsne_points(features: NDArray[np.floating], seed: int = 0) -> FloatArray:
    """Lay out pictures so that neighbours stay neighbours: t-SNE (van der Maaten & Hinton 2008) from scikit-learn.

    Args:
        features: ``(n, d)``, finite; n at least `LEAST_PICTURES`.
        seed: of the layout; the same seed gives the same map on the same machine.

    Returns:
        ``float64 (n, 2)``.

    Raises:
        DataError: the features are no table of finite numbers, or there are too few.
        MissingExtraError: scikit-learn is not installed.
    """
    require("sklearn", "train", "A t-SNE map")
    if len(features) < LEAST_PICTURES:
        raise DataError(f"A t-SNE map needs {LEAST_PICTURES} pictures or more; got {len(features)}.")
    from sklearn.manifold import TSNE

    reduced, _ = principal_components(features, _TSNE_DIMENSIONS)
    # Blank features have no direction to begin with; scikit-learn would divide by their spread of zero.
    start = "pca" if reduced.std(0)[0] > 0 else "random"
    perplexity = min(30.0, (len(features) - 1) / 3)
    points = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)
    return np.asarray(points, dtype=np.float64)


def sample_of(count: int, limit: int, always: IntArray | None = None, seed: int = 0) -> IntArray:
    """Draw positions below `count`, sorted: all of them, or `limit`, half of which may come from `always`."""
    if count <= limit:
        return np.arange(count, dtype=np.int64)
    rng = np.random.default_rng(seed)
    first = np.zeros(0, dtype=np.int64) if always is None else rng.permutation(np.unique(always))[: limit // 2]
    others = rng.permutation(np.setdiff1d(np.arange(count), first))[: limit - len(first)]
    return np.sort(np.concatenate([first, others])).astype(np.int64)
