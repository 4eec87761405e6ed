"""The colour of the empty slide, which is the light and the smear's own tint."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import UInt8Array

Floats: TypeAlias = NDArray[np.float32]

BACKGROUND_SHARE = 0.15
"""Share of a picture's pixels, the ones brightest in green, whose mean colour is taken for the empty slide's.

Of the real cells' 96×96 pixels 15 % are free of cells in nearly every picture; more would reach into red cells."""


def background_of(picture: UInt8Array) -> Floats:
    """Return the colour of the empty slide, the mean of the brightest pixels: ``float32 (3,)``, grey levels.

    Args:
        picture: ``uint8 (h, w, 3)`` RGB.
    """
    return background_of_planes(np.ascontiguousarray(picture.reshape(-1, 3).T))


def background_of_planes(planes: UInt8Array) -> Floats:
    """Return the mean colour of the pixels that are brightest in green.

    Of the pixels on the threshold each counts in part, so that the mean does not jump where the threshold does.
    """
    green, wanted = planes[1], BACKGROUND_SHARE * planes.shape[1]
    at_least = np.cumsum(np.bincount(green, minlength=256)[::-1])[::-1]
    threshold = int(np.flatnonzero(at_least >= wanted)[-1])
    above, on = green > threshold, green == threshold
    part = (wanted - np.count_nonzero(above)) / np.count_nonzero(on)
    total = planes[:, above].sum(1, dtype=np.float64) + part * planes[:, on].sum(1, dtype=np.float64)
    return np.asarray(total / wanted, dtype=np.float32)
