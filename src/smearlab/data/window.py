"""Which part of a picture shows the cell as the training cells do: a square window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.data.cells import UInt8Array
from smearlab.data.field import field_width, otsu

ANALYSER_SIDES = (340, 380)
"""Shortest and longest side, in pixels, of a whole frame as the CellaVision DM96 writes it."""
ANALYSER_WINDOW = 200
"""Side, in pixels, of the centre of such a frame that a framed cell shows."""
LEAST_SIDE = 100
"""Pictures with a shorter side, in pixels, are taken as framed: a part of them would hold too few pixels."""
WIDEST_LEFT_ALONE = 1.4
"""Estimated field width, in framed cells, up to which a picture is taken as framed.

At this limit 99.4 % of framed cells are left alone, and 92 % of whole frames of an unknown size are cropped."""
WIDEST = 2.5
"""Estimates beyond what the estimator was fitted on are cut here."""
SQUARE_ENOUGH = 1.1
"""Longer over shorter side up to which a picture is used whole."""
CELL_MARGIN = 1.6
"""Side of a `cell` window over the larger extent of the nucleus: leaves room for cytoplasm and surroundings."""

_SEARCH_SIDE = 96  # pixels of the shorter side at which a nucleus is looked for


@dataclass(frozen=True)
class Window:
    """A square part of a picture, in pixels; it may reach beyond the border."""

    left: int
    top: int
    side: int

    def cut(self, image: UInt8Array) -> UInt8Array:
        """Cut the window out of ``uint8 (h, w, 3)``, repeating the edge beyond the border."""
        height, width = image.shape[:2]
        bottom, right = self.top + self.side, self.left + self.side
        if self.top >= 0 and self.left >= 0 and bottom <= height and right <= width:
            inside: UInt8Array = image[self.top : bottom, self.left : right]
            return inside
        rows = np.arange(self.top, bottom).clip(0, height - 1)
        columns = np.arange(self.left, right).clip(0, width - 1)
        padded: UInt8Array = image[rows][:, columns]
        return padded


def centre_window(height: int, width: int, side: int) -> Window:
    """Return the centred square of this side; all in pixels."""
    side = max(1, side)
    return Window((width - side) // 2, (height - side) // 2, side)


def auto_window(image: UInt8Array) -> Window | None:
    """Choose the window of the ``auto`` crop of ``uint8 (h, w, 3)``; None means the whole picture.

    Only the picture itself decides, never its neighbours:

    1. Whole frames of the analyser that made the training cells (both sides 340 to 380 px) give their centre
       200×200, which is what the training cells show.
    2. Of any other picture that is not square (sides more than a tenth apart) the centre square is looked at, so
       that the cell keeps its shape.
    3. If that is at least 100 px wide, and its red cells and nuclei say that it shows more than 1.4 times the
       field of a framed cell (`smearlab.data.field.field_width`), its centre is cut out to match.
    4. Everything else is taken as already framed and used whole.
    """
    height, width = image.shape[:2]
    short, long = min(height, width), max(height, width)
    if ANALYSER_SIDES[0] <= short and long <= ANALYSER_SIDES[1]:
        return centre_window(height, width, ANALYSER_WINDOW)
    square = centre_window(height, width, short) if long > SQUARE_ENOUGH * short else None
    if short < LEAST_SIDE:
        return square
    field = min(field_width(square.cut(image) if square else image), WIDEST)
    return centre_window(height, width, round(short / field)) if field > WIDEST_LEFT_ALONE else square


def cell_window(image: UInt8Array) -> Window:
    """Return a square around the stained blob nearest the centre of ``uint8 (h, w, 3)``, with a margin.

    The side follows the blob, so large and small cells fill the window alike. The centre square where nothing in the
    picture is stained.
    """
    height, width = image.shape[:2]
    scale = max(1.0, min(height, width) / _SEARCH_SIDE)
    shape = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.BOX))
    blob = _central_blob(nucleus_mask(small))
    if not blob.any():
        return centre_window(height, width, min(height, width))
    rows, columns = np.flatnonzero(blob.any(1)), np.flatnonzero(blob.any(0))
    middle = (rows[0] + rows[-1] + 1) * scale / 2, (columns[0] + columns[-1] + 1) * scale / 2
    side = max(8, round(CELL_MARGIN * scale * (max(np.ptp(rows), np.ptp(columns)) + 1)))
    return Window(round(middle[1] - side / 2), round(middle[0] - side / 2), side)


def nucleus_mask(image: UInt8Array) -> NDArray[np.bool_]:
    """Mark what a nucleus or a granule dyes in ``uint8 (h, w, 3)``: bool ``(h, w)``.

    Nuclear dyes of the Romanowsky kind absorb green far more than blue, while red cells absorb both: Otsu's
    threshold on how much green lacks beside blue tells them apart.
    """
    lack = image[..., 2].astype(np.int16) - image[..., 1]
    values = np.clip(lack, 0, 255).astype(np.uint8)
    return np.asarray(values > otsu(values), dtype=np.bool_)


def _central_blob(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of a mask that hangs together about the place nearest the centre; gaps of two pixels join."""
    rows, columns = np.nonzero(_shrink(mask))
    if not len(rows):
        return np.zeros_like(mask)
    distance = np.hypot(rows - (mask.shape[0] - 1) / 2, columns - (mask.shape[1] - 1) / 2)
    blob = np.zeros_like(mask)
    blob[rows[distance.argmin()], columns[distance.argmin()]] = True
    bridge = _grow(mask)
    while True:
        grown = _grow(blob) & bridge
        if np.array_equal(grown, blob):
            return blob & mask
        blob = grown


def _grow(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    vertical = padded[:-2] | padded[1:-1] | padded[2:]
    return np.asarray(vertical[:, :-2] | vertical[:, 1:-1] | vertical[:, 2:], dtype=np.bool_)


def _shrink(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop specks: what is thinner than three pixels."""
    return ~_grow(~mask)
