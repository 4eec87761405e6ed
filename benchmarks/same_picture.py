"""Do two pictures show the same thing? A slow, plain comparison that shares no code with the search for copies.

Every quarter turn and mirror image, small turns, two zooms and all shifts are tried, and the best correlation of the
fine structure counts. Two cells of one type have the same colours and outlines, but not the same chromatin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.feature import match_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smearlab.data.cells import UInt8Array

SAME = 0.6
"""Correlation from which two pictures are the same: copies reach it, different cells stay far below."""
_ANGLES, _ZOOMS = (0.0, -5.0, 5.0), (1.0, 1 / 0.9, 0.9)
_FINE = 3.0  # pixels; what is coarser is taken away
_INNER = 0.2  # share of each side that is left out on either end of the picture that is moved


def shows_same(first: UInt8Array, second: UInt8Array, threshold: float = SAME) -> bool:
    """Say whether two pictures ``uint8 (H, W, 3)`` of one size show the same thing."""
    return likeness(first, second, threshold) >= threshold


def likeness(first: UInt8Array, second: UInt8Array, enough: float = 2.0) -> float:
    """Return the best correlation on -1 to 1 of two aligned pictures; stops where one is `enough`.

    Args:
        first: ``uint8 (H, W, 3)``.
        second: ``uint8 (H, W, 3)`` of the same size.
        enough: correlation beyond which it does not matter by how much.
    """
    whole, best = _fine(_grey(first)), -1.0
    for moved in _moved(_grey(second)):
        down, right = (int(_INNER * side) for side in moved.shape)
        inner = _fine(moved)[down : moved.shape[0] - down, right : moved.shape[1] - right]
        if inner.shape[0] <= whole.shape[0] and inner.shape[1] <= whole.shape[1] and inner.std() > 0:
            best = max(best, float(match_template(whole, inner).max()))  # type: ignore[no-untyped-call]
        if best >= enough:
            break
    return best


def _moved(picture: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    for zoom in _ZOOMS:
        zoomed = picture if zoom == 1 else ndimage.zoom(picture, zoom, order=3)
        for angle in _ANGLES:
            turned = ndimage.rotate(zoomed, angle, reshape=False, mode="reflect") if angle else zoomed
            for mirrored in (turned, turned[:, ::-1]):
                for quarters in range(4):
                    yield np.rot90(mirrored, quarters)


def _grey(picture: UInt8Array) -> NDArray[np.float64]:
    return np.asarray(picture.astype(np.float64).mean(axis=2), dtype=np.float64)


def _fine(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    fine: NDArray[np.float64] = ndimage.gaussian_filter(grey, 0.7)
    fine -= ndimage.gaussian_filter(grey, _FINE)
    return fine
