"""Heat maps without torch: cover one place after the other, and see how much less the model believes its label.

Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks".
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.data.cells import FloatArray, UInt8Array

SHARE = 4
"""A cover's side is this part of the picture's: a nucleus' lobe, or the granules beside it."""

STEPS = 12
"""Places along each side that a cover is put at; neighbouring ones overlap."""

# Amber over orange to crimson: stands out from violet nuclei, and darkens steadily for colour-blind readers.
_COLOURS = np.array([[255, 221, 87], [255, 163, 26], [236, 82, 24], [176, 0, 48]], np.float64)
_STRONGEST = 235  # opacity of the hottest place, of 255


@dataclass(frozen=True, eq=False)
class Covers:
    """The covered versions of a picture.

    Attributes:
        places: int64 ``(m,)``, where along each side a cover begins, in pixels; below 0 outside the picture.
        side: of a cover in pixels.
        pictures: ``m × m`` pictures ``uint8 (size, size, 3)``, row by row.
    """

    places: NDArray[np.int64]
    side: int
    pictures: list[UInt8Array]


def covered(framed: UInt8Array) -> Covers:
    """Cover one place after the other of a framed picture ``uint8 (size, size, 3)`` with its border's usual colour.

    The border of a cell picture shows the smear's background: a place that looks like it holds nothing to see.
    """
    size = len(framed)
    side = max(1, size // SHARE)
    # Beginning half outside, so that the corners are covered as often as the middle, and weigh no more by chance.
    places = np.unique(np.linspace(-(side // 2), size - side + side // 2, STEPS).round().astype(np.int64))
    border = np.concatenate([framed[0], framed[-1], framed[:, 0], framed[:, -1]])
    colour = np.median(border, axis=0).astype(np.uint8)
    pictures = []
    for top in places:
        for left in places:
            picture = framed.copy()
            picture[_place(top, left, side)] = colour
            pictures.append(picture)
    return Covers(places, side, pictures)


def heat(covers: Covers, size: int, before: float, after: FloatArray) -> FloatArray:
    """Spread what each cover took away over the pixels it covered.

    Args:
        covers: the covers.
        size: side of the picture in pixels.
        before: the label's log-odds for the whole picture.
        after: float64 ``(m × m,)``, its log-odds for each covered one.

    Returns:
        float64 ``(size, size)`` from 0 to 1, smooth; all 0 where no cover spoke against the label.
    """
    lost, often = np.zeros((size, size)), np.zeros((size, size))
    drops = np.maximum(before - after, 0).reshape(len(covers.places), -1)
    for row, top in enumerate(covers.places):
        for column, left in enumerate(covers.places):
            place = _place(top, left, covers.side)
            lost[place] += drops[row, column]
            often[place] += 1
    found = _smoothed(lost / np.maximum(often, 1))
    found -= found.min()
    return found / found.max() if found.max() > 0 else found


def _place(top: np.int64, left: np.int64, side: int) -> tuple[slice, slice]:
    """Return the part of a cover that lies in the picture."""
    return slice(max(0, int(top)), int(top) + side), slice(max(0, int(left)), int(left) + side)


def _smoothed(values: FloatArray) -> FloatArray:
    """Take the covers' edges out of a map, which are no edges of the picture: down to their grid and up again."""
    size = len(values)
    coarse = Image.fromarray(values.astype(np.float32)).resize((STEPS, STEPS), Image.Resampling.BOX)
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float64).clip(0)


def log_odds(probabilities: NDArray[np.float32], label: int) -> FloatArray:
    """Return the log-odds of one class: float64 ``(n,)`` for ``float32 (n, k)``."""
    chance = np.clip(probabilities[:, label].astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(chance / (1 - chance))


def grid_of(heat_map: FloatArray, places: int) -> list[list[float]]:
    """Return a heat map ``float64 (size, size)`` at a coarse grid's points, for programs."""
    at = np.linspace(0, len(heat_map) - 1, places).round().astype(int)
    coarse: list[list[float]] = heat_map[np.ix_(at, at)].round(3).tolist()
    return coarse


def coloured(heat_map: FloatArray) -> UInt8Array:
    """Colour a heat map ``float64 (size, size)``: ``uint8 (size, size, 4)``, clear where it is cold."""
    steps = np.linspace(0, 1, len(_COLOURS))
    colours = [np.interp(heat_map, steps, _COLOURS[:, channel]) for channel in range(3)]
    picture: UInt8Array = np.stack([*colours, _STRONGEST * heat_map**1.3], axis=-1).round().astype(np.uint8)
    return picture


def data_url(pixels: UInt8Array) -> str:
    """Write pixels ``uint8 (h, w, 3 or 4)`` as a PNG in a ``data:`` URL."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
