"""Do two pictures show the same thing? A plain comparison that shares no code with the search for copies.

Every quarter turn and mirror image, small turns, three zooms and all shifts are tried, and the best correlation of the
fine structure counts: first at half the size, then the most promising ones in full. Two cells of one type have the same
colours and outlines, but not the same chromatin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.feature import match_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import UInt8Array

SAME = 0.85
"""Correlation from which two pictures are the same.

Of 45 near copies of real cells none stays below 0.93; of the 100 most similar pairs of different cells none exceeds
0.75.
"""
_ANGLES, _ZOOMS = (0.0, -5.0, 5.0), (1.0, 1 / 0.9, 0.9)
_FINE = 3.0  # pixels of the full size; what is coarser is taken away
_OUTER = 0.2  # share of each side that is left out on either end of the picture that is moved
_PROMISING = 6  # positions that are compared in full


def shows_same(first: UInt8Array, second: UInt8Array, threshold: float = SAME) -> bool:
    """Say whether two pictures ``uint8 (H, W, 3)`` of one size show the same thing."""
    return likeness(first, second) >= threshold


def likeness(first: UInt8Array, second: UInt8Array) -> float:
    """Return the best correlation on -1 to 1 of two aligned pictures ``uint8 (H, W, 3)`` of one size."""
    one, two = _grey(first, 1), _grey(second, 1)
    rough = [_correlation(_grey(first, 2), moved, _FINE / 2) for moved in _moved(_grey(second, 2))]
    chosen = set(np.argsort(rough)[-_PROMISING:].tolist())
    return max(_correlation(one, moved, _FINE) for number, moved in enumerate(_moved(two)) if number in chosen)


def _correlation(whole: NDArray[np.float64], moved: NDArray[np.float64], fine: float) -> float:
    """Return the best correlation over all shifts of the inner part of a moved picture."""
    down, right = (round(_OUTER * side) for side in moved.shape)
    inner = _detail(moved, fine)[down : moved.shape[0] - down, right : moved.shape[1] - right]
    if inner.shape[0] > whole.shape[0] or inner.shape[1] > whole.shape[1] or inner.std() == 0:
        return -1.0
    return float(match_template(_detail(whole, fine), inner).max())


def _moved(picture: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    for zoom in _ZOOMS:
        zoomed = picture if zoom == 1 else ndimage.zoom(picture, zoom, order=3)
        for angle in _ANGLES:
            turned = ndimage.rotate(zoomed, angle, reshape=False, mode="reflect") if angle else zoomed
            for mirrored in (turned, turned[:, ::-1]):
                for quarters in range(4):
                    yield np.rot90(mirrored, quarters)


def _grey(picture: UInt8Array, smaller: int) -> NDArray[np.float64]:
    height, width = picture.shape[:2]
    reduced = Image.fromarray(picture).resize((width // smaller, height // smaller), Image.Resampling.BOX)
    return np.asarray(np.asarray(reduced, dtype=np.float64).mean(axis=2), dtype=np.float64)


def _detail(grey: NDArray[np.float64], fine: float) -> NDArray[np.float64]:
    detail: NDArray[np.float64] = ndimage.gaussian_filter(grey, fine / 4)
    detail -= ndimage.gaussian_filter(grey, fine)
    return detail
