"""The high-pass filter: fine structure without slow changes of light and stain."""

from __future__ import annotations

import numpy as np

from smearlab.data.cells import UInt8Array
from smearlab.data.imaging.batches import each, to_uint8
from smearlab.errors import DataError, require

MIDDLE = 128.0
"""Grey level of what does not change."""


def high_pass(images: UInt8Array, sigma: float = 8.0, gain: float = 1.0) -> UInt8Array:
    """Keep what is finer than `sigma`: each channel minus its Gaussian blur, around the grey level 128.

    Texture of chromatin and granules stays; background, lamp, and overall colour go, and with them part of what tells
    an eosinophil from a neutrophil. The Gaussian high-pass of the textbooks (Gonzalez & Woods 2018, chapter 4), done
    in space with mirrored borders.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        sigma: standard deviation of the blur in pixels, above 0.
        gain: factor on what is kept, above 0.

    Returns:
        ``uint8`` of the same shape; a picture of one colour gives 128 everywhere.

    Raises:
        DataError: wrong dtype or shape, or a parameter that is not above 0.
        MissingExtraError: SciPy is not installed.
    """
    if not (sigma > 0 and gain > 0):
        raise DataError(f"A high-pass filter needs sigma > 0 and gain > 0; got sigma={sigma}, gain={gain}.")
    require("scipy", "imaging", "The high-pass filter")
    from scipy import ndimage

    def change(picture: UInt8Array) -> UInt8Array:
        level = picture.astype(np.float32)
        slow = ndimage.gaussian_filter(level, (sigma, sigma, 0), mode="reflect")
        return to_uint8(MIDDLE + gain * (level - slow))

    return each(images, change)
