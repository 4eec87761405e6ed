"""Nuclei: where the nuclear dye is, each nucleus by itself, and pictures of nothing else."""

from __future__ import annotations

from typing import Literal

import numpy as np

from smearlab.data.cells import FloatArray, IntArray, UInt8Array
from smearlab.data.field import otsu
from smearlab.data.imaging.batches import as_batch, each, to_uint8
from smearlab.errors import DataError, require

LEAST_AREA = 0.005
"""Share of a picture's pixels that a nucleus has at least; smaller blobs are specks of stain."""

_FULL = 0.25
"""Share of haematoxylin, in scikit-image's units, that is white in the stain channel: denser than most nuclei."""
_LEAST_CONTRAST = 16  # grey levels between dyed and not: below, the picture shows no nucleus
_SMOOTH = 1.0  # pixels: JPEG's grain would fray the mask
_SEED_DISTANCE = 0.12  # of the shorter side: lobes whose middles are nearer belong to one nucleus


def stain_channel(images: UInt8Array) -> UInt8Array:
    """Return how much nuclear dye each pixel holds, by colour deconvolution.

    The haematoxylin channel of HED (Ruifrok & Johnston 2001) as scikit-image computes it. The nuclear dye of Romanowsky
    stains is azure B, not haematoxylin, but of a like colour; red cells take eosin and stay dark here.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.

    Returns:
        ``uint8 (h, w)`` or ``uint8 (n, h, w)``; 0 where there is none.

    Raises:
        DataError: wrong dtype or shape.
        MissingExtraError: scikit-image is not installed.
    """
    require("skimage", "imaging", "Colour deconvolution")
    return each(images, _stain_channel)


def _stain_channel(picture: UInt8Array) -> UInt8Array:
    from skimage.color import rgb2hed

    return to_uint8(rgb2hed(picture)[..., 0] * (255 / _FULL))


def segment_nuclei(images: UInt8Array) -> UInt8Array:
    """Find the nuclei of each picture and number them.

    Otsu's threshold (1979) on the smoothed stain channel makes the mask; its holes are filled and specks dropped; a
    watershed of the distance to the border (Beucher & Lantuéjoul 1979) parts nuclei that touch. The lobes of a
    segmented neutrophil may be numbered apart: the mask is the nucleus, the numbers are a guess.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.

    Returns:
        ``uint8 (h, w)`` or ``uint8 (n, h, w)``: 0 outside, 1 for the nucleus nearest the middle, 2 and more for others,
        by distance from the middle; all 0 where nothing is dyed.

    Raises:
        DataError: wrong dtype or shape.
        MissingExtraError: scikit-image is not installed.
    """
    require("skimage", "imaging", "Segmenting nuclei")
    return each(images, _segment)


def _segment(picture: UInt8Array) -> UInt8Array:
    from scipy import ndimage

    stain = to_uint8(ndimage.gaussian_filter(_stain_channel(picture).astype(np.float32), _SMOOTH))
    threshold = otsu(stain)
    mask = stain > threshold
    if mask.all() or not mask.any() or stain[mask].mean() - stain[~mask].mean() < _LEAST_CONTRAST:
        return np.zeros(mask.shape, dtype=np.uint8)
    blobs, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    large = np.bincount(blobs.ravel()) > LEAST_AREA * mask.size
    large[0] = False  # the number of what is no blob
    return _by_distance(_parted(blobs * large[blobs]))


def _parted(blobs: IntArray) -> IntArray:
    """Part what touches in numbered blobs: each hill of the distance to the border is a nucleus."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    distance = ndimage.distance_transform_edt(blobs > 0)
    apart = max(1, round(_SEED_DISTANCE * min(blobs.shape)))
    peaks = peak_local_max(distance, min_distance=apart, labels=blobs, exclude_border=False)
    seeds = np.zeros(blobs.shape, dtype=np.int64)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-distance, seeds, mask=blobs > 0), dtype=np.int64)


def _by_distance(regions: IntArray) -> UInt8Array:
    """Renumber regions by the distance of their nearest pixel from the middle; those beyond 255 share its number."""
    numbers = np.unique(regions[regions > 0])
    rows, columns = np.indices(regions.shape)
    middle = (np.array(regions.shape) - 1) / 2
    away: FloatArray = np.hypot(rows - middle[0], columns - middle[1])
    order = numbers[np.argsort([away[regions == number].min() for number in numbers], kind="stable")]
    table = np.zeros(int(regions.max()) + 1, dtype=np.uint8)
    table[order] = np.minimum(np.arange(1, len(order) + 1), 255)
    return np.asarray(table[regions], dtype=np.uint8)


def isolate_nuclei(images: UInt8Array, keep: Literal["all", "central"] = "all", fill: int = 255) -> UInt8Array:
    """Blank everything but nuclei.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        keep: ``all`` nuclei, or the one nearest the middle.
        fill: grey level put elsewhere, 0–255.

    Returns:
        ``uint8`` of the same shape; wholly `fill` where no nucleus is found, as for most platelets.

    Raises:
        DataError: wrong dtype or shape, an unknown `keep` or a `fill` out of range.
        MissingExtraError: scikit-image is not installed.
    """
    if keep not in ("all", "central") or not 0 <= fill <= 255:
        raise DataError(f'keep is "all" or "central" and fill 0 to 255; got keep={keep!r}, fill={fill}.')
    as_batch(images)
    regions = segment_nuclei(images)
    inside = regions > 0 if keep == "all" else regions == 1
    return np.where(inside[..., None], images, np.uint8(fill))
