"""One picture or many: the checks and the loop that all imaging functions share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import check_picture
from smearlab.errors import DataError


def as_batch(images: UInt8Array) -> UInt8Array:
    """Return pictures as a batch ``uint8 (n, h, w, 3)``.

    Raises:
        DataError: neither ``uint8 (h, w, 3)`` nor ``uint8 (n, h, w, 3)``.
    """
    if isinstance(images, np.ndarray) and images.ndim == 4:
        if images.dtype != np.uint8 or images.shape[3] != 3 or 0 in images.shape[1:]:
            raise DataError(
                f"A batch of pictures is uint8 with shape (n, h, w, 3), but got {images.dtype} {images.shape}."
                " Pass the pixels as they are in the file, RGB, 0 to 255."
            )
        return images
    check_picture(images)
    return images[None]


def each(images: UInt8Array, change: Callable[[UInt8Array], UInt8Array]) -> UInt8Array:
    """Apply a function to each picture by itself.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)``.
        change: of one picture; all results have one shape.

    Returns:
        What it gives: of one picture for one, stacked for a batch (an empty batch is returned as it is).

    Raises:
        DataError: wrong type, dtype or shape.
    """
    batch = as_batch(images)
    if images.ndim == 3:
        return change(images)
    return np.stack([change(picture) for picture in batch]) if len(batch) else images


def to_uint8(values: np.ndarray) -> UInt8Array:
    """Round to the nearest grey level, and cut at 0 and 255."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
