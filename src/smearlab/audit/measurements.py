"""What pixels say of each picture: size, colour, brightness, sharpness, background and stain. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.data.cells import Cells, IntArray, UInt8Array
from smearlab.data.field import otsu
from smearlab.data.imaging.background import background_of_planes
from smearlab.data.progress import progress

Floats: TypeAlias = NDArray[np.float32]

STAIN = ("nuclear red", "nuclear green", "nuclear blue", "other red", "other green", "other blue")
"""What `Measurements.stain` holds, in its order."""

_CHANNELS = 3
_SIDE = 48  # saturation, background and stain are means, for which about this many rows of pixels suffice
_ABSORBANCE = -np.log((np.arange(256) + 1) / 256).astype(np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # Rec. 601, as Pillow's grey
_LEAST_AREA = 0.01  # share of the pixels; the colour of fewer is that of noise


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured of N pictures, in their order.

    Attributes:
        sizes: ``int64 (N, 2)`` height and width in pixels.
        means: ``float32 (N, 3)`` mean of red, green and blue, grey levels 0–255.
        deviations: ``float32 (N, 3)`` their standard deviations, grey levels.
        brightness: ``float32 (N,)`` mean luma (Rec. 601), grey levels.
        saturation: ``float32 (N,)`` mean saturation as in HSV, 0–1.
        sharpness: ``float32 (N,)`` standard deviation of the green channel's Laplacian, grey levels: low where a
            picture is out of focus (Pech-Pacheco et al. 2000). Grows with noise, and falls as a picture is enlarged.
        background: ``float32 (N, 3)`` mean colour of the brightest `BACKGROUND_SHARE` of the pixels.
        stain: ``float32 (N, 6)`` absorbance (natural logarithm, above the background's) of red, green and blue light
            by what is dyed as a nucleus, then by all else that is stained; NaN where a picture shows too little of it.
    """

    sizes: IntArray
    means: Floats
    deviations: Floats
    brightness: Floats
    saturation: Floats
    sharpness: Floats
    background: Floats
    stain: Floats

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, positions: IntArray) -> Measurements:
        """Return the measurements of the pictures at these positions, in this order."""
        columns = {name: column[positions] for name, column in vars(self).items()}
        return Measurements(**columns)


def measure(cells: Cells) -> Measurements:
    """Measure every picture by itself, in one pass; about a quarter of a millisecond per 96×96 picture.

    Args:
        cells: the pictures, in memory, memory-mapped or lazy, of any and mixed sizes.
    """
    count = len(cells)
    sizes = np.empty((count, 2), dtype=np.int64)
    table = np.empty((count, 18), dtype=np.float32)
    with progress("Measuring pictures", count) as advance:
        for position, picture in enumerate(cells):
            sizes[position] = picture.shape[:2]
            table[position] = measure_picture(picture)
            advance(1)
    return Measurements(
        sizes=sizes,
        means=table[:, :3],
        deviations=table[:, 3:6],
        brightness=table[:, :3] @ _LUMA,
        saturation=table[:, 6],
        sharpness=table[:, 7],
        background=table[:, 9:12],
        stain=table[:, 12:],
    )


def measure_picture(picture: UInt8Array) -> Floats:
    """Measure ``uint8 (h, w, 3)``: ``float32 (18,)``.

    In order: mean and standard deviation of the channels, saturation, sharpness, share of pixels dyed as a nucleus,
    colour of the background, absorbance of nuclei and of all else (see `Measurements`).
    """
    histogram = _histogram(np.ascontiguousarray(picture.reshape(-1, _CHANNELS).T))
    levels = np.arange(256)
    means = histogram @ levels
    deviations = np.sqrt(np.maximum(histogram @ levels**2 - means**2, 0))
    step = max(1, min(picture.shape[:2]) // _SIDE)
    planes = np.ascontiguousarray(picture[::step, ::step].reshape(-1, _CHANNELS).T)
    background = background_of_planes(planes)
    stain, share = _stain(planes, background)
    others = (_saturation(planes), _sharpness(picture[..., 1]), share)
    return np.concatenate([means, deviations, others, background, stain]).astype(np.float32)


def _histogram(planes: UInt8Array) -> NDArray[np.float64]:
    """Return the share of each value in each plane ``(channels, pixels)``: ``float64 (channels, 256)``."""
    counts = [np.bincount(plane, minlength=256) for plane in planes]
    return np.asarray(np.stack(counts) / planes.shape[1], dtype=np.float64)


def _saturation(planes: UInt8Array) -> float:
    highest, lowest = planes.max(0), planes.min(0)
    return float(np.mean((highest - lowest) / np.maximum(highest, 1).astype(np.float32)))


def _sharpness(green: UInt8Array) -> float:
    if min(green.shape) < 3:
        return 0.0
    level = green.astype(np.int16)
    middle = level[1:-1, 1:-1]
    laplacian = level[:-2, 1:-1] + level[2:, 1:-1] + level[1:-1, :-2] + level[1:-1, 2:] - 4 * middle
    return float(laplacian.std(dtype=np.float32))


def _stain(planes: UInt8Array, background: Floats) -> tuple[Floats, float]:
    """Return mean absorbances ``float32 (6,)`` of nuclear and other dye, and the share of pixels dyed as a nucleus.

    What absorbs green far more than blue is nuclear dye, as in `smearlab.data.window.nucleus_mask`; of the rest, what
    lies below Otsu's threshold in green is stained.
    """
    _, green, blue = planes
    lack = np.maximum(blue, green) - green
    nuclear = lack > otsu(lack)
    rest = green[~nuclear]
    other = ~nuclear & (green <= otsu(rest)) if rest.size else nuclear
    masks = np.stack([nuclear, other])
    shares = masks.mean(1)
    colours = masks.astype(np.float32) @ _ABSORBANCE[planes].T / np.maximum(shares * len(green), 1)[:, None]
    colours[shares < _LEAST_AREA] = np.nan
    empty = -np.log((background + 1) / 256)
    return (colours - empty).ravel().astype(np.float32), float(shares[0])
