"""Magnifying pictures around their centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array


def magnify(images: UInt8Array, factor: float) -> UInt8Array:
    """Magnify square pictures ``uint8 (n, s, s, 3)`` around their centre; what is missing repeats the border."""
    side = images.shape[1]
    out = np.empty_like(images)
    for i, picture in enumerate(images):
        if factor >= 1:
            cut = side / factor
            left = (side - cut) / 2
            box = (left, left, left + cut, left + cut)
            out[i] = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC, box))
        else:
            small = max(1, round(side * factor))
            shrunk = np.asarray(Image.fromarray(picture).resize((small, small), Image.Resampling.BICUBIC))
            border = ((side - small) // 2, side - small - (side - small) // 2)
            out[i] = np.pad(shrunk, (border, border, (0, 0)), mode="edge")
    return out
