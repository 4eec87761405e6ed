"""Which part of a picture shows the cell as the training cells do: a square window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import UInt8Array

FRAME_SIDES = (340, 380)
"""Shortest and longest side, in pixels, of a whole frame as the CellaVision DM96 analyser writes it."""
FRAME_WINDOW = 200
"""Side, in pixels, of the centre of such a frame that a framed cell shows."""
CELL_MARGIN = 1.35
"""Side of a `cell` window over the larger extent of the stained blob."""


@dataclass(frozen=True)
class Window:
    """A square part of a picture, in pixels; it may reach beyond the border."""

    left: int
    top: int
    side: int

    def cut(self, image: UInt8Array) -> UInt8Array:
        """Cut the window out of ``uint8 (h, w, 3)``, repeating the edge beyond the border."""
        height, width = image.shape[:2]
        rows = np.arange(self.top, self.top + self.side)
        columns = np.arange(self.left, self.left + self.side)
        if rows[0] >= 0 and columns[0] >= 0 and rows[-1] < height and columns[-1] < width:
            return image[self.top : self.top + self.side, self.left : self.left + self.side]
        return image[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]


def centre_window(height: int, width: int, side: int) -> Window:
    """Return the centred square of this side in pixels."""
    side = max(1, side)
    return Window((width - side) // 2, (height - side) // 2, side)


def frame_window(image: UInt8Array) -> Window | None:
    """Choose the window of the ``auto`` crop; None means the whole picture.

    Whole frames of the analyser that made the training cells (both sides 340 to 380 px) give their centre 200×200,
    which is what the training cells show. Every other picture is taken as already framed and used whole; one whose
    sides differ by more than a tenth gives its centre square, so that the cell keeps its shape.
    """
    height, width = image.shape[:2]
    short, long = min(height, width), max(height, width)
    if FRAME_SIDES[0] <= short and long <= FRAME_SIDES[1]:
        return centre_window(height, width, FRAME_WINDOW)
    return centre_window(height, width, short) if long > 1.1 * short else None


def cell_window(image: UInt8Array) -> Window:
    """Return a square around the stained blob nearest the centre of ``uint8 (h, w, 3)``, with a margin.

    The centre square where nothing in the picture is stained.
    """
    height, width = image.shape[:2]
    box = blob_box(stain_mask(image))
    if box is None:
        return centre_window(height, width, min(height, width))
    top, bottom, left, right = box
    side = max(8, round(CELL_MARGIN * max(bottom - top, right - left)))
    return Window(round((left + right - side) / 2), round((top + bottom - side) / 2), side)


def stain_mask(image: UInt8Array) -> NDArray[np.bool_]:
    """Mark what a nucleus or a granule dyes, ``bool (h, w)``: Otsu's threshold (1979) on how much green lacks.

    Nuclear dyes of the Romanowsky kind absorb green most; eosin in red cells absorbs blue and green alike, so the
    difference of the blue and the green channel sets the two apart whatever the exposure.
    """
    lack = image[..., 2].astype(np.int16) - image[..., 1]
    values = np.clip(lack, 0, 255).astype(np.uint8)
    return np.asarray(values > otsu(values), dtype=np.bool_)


def otsu(values: UInt8Array) -> int:
    """Return the threshold that best parts ``uint8`` values into two groups (Otsu 1979); a value above it is high."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    mass = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = mass / below - (mass[-1] - mass) / above
        between = below * above * gap**2
    return int(np.nanargmax(np.nan_to_num(between)))


def blob_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return ``(top, bottom, left, right)`` in pixels of the part of a mask about the centre, or None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
