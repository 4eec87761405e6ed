"""What a picture looks like in a few dozen numbers: colours, rings round the centre, edges, flat areas.

They complement a network's features, which a network learned to make blind to what does not matter among cells: a
drawing's flat areas, paper white, hard edges, colours that no dye has. All are computed on a small grid, so that the
picture's size hardly matters.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from smearlab.data.cells import Pictures, UInt8Array

Floats: TypeAlias = NDArray[np.float32]

GRID = 32
LARGEST_SIDE = 128
"""Larger pictures are reduced to this side before their flat areas are counted."""
_RING_EDGES = (0.0, 4.0, 7.5, 10.5, 14.0, 17.5, 23.0)
_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_LEVELS = 4
_ANGLES = 8


def appearance(images: Pictures, chunk: int = 256) -> Floats:
    """Describe pictures ``uint8 (h, w, 3)`` of any and mixed sizes by their pixels: ``float32 (n, a)``."""
    parts = [_describe([images[row] for row in rows]) for rows in _chunks(len(images), chunk)]
    return np.concatenate(parts) if parts else np.zeros((0, WIDTH), np.float32)


def _chunks(total: int, size: int) -> list[range]:
    return [range(start, min(start + size, total)) for start in range(0, total, size)]


def _describe(pictures: list[UInt8Array]) -> Floats:
    grid = np.stack([small(picture) for picture in pictures]).astype(np.float32)
    flat = np.array([flat_shares(picture) for picture in pictures], np.float32)
    planes = _opponent_planes(grid)
    columns = (flat, _quantiles(planes), _rings(planes), _details(planes), _dyes(grid), _edges(planes[:, 0]))
    return np.concatenate(columns, axis=1, dtype=np.float32)


def small(picture: UInt8Array, side: int = GRID) -> UInt8Array:
    """Return a picture averaged, or where it is smaller interpolated, to ``uint8 (side, side, 3)``."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    method = Image.Resampling.BOX if min(image.size) >= side else Image.Resampling.BICUBIC
    return np.asarray(image.resize((side, side), method))


def flat_shares(picture: UInt8Array) -> tuple[float, float, float]:
    """Return the shares of neighbours that are equal, that differ by at most 3 and by more than 60 grey levels."""
    if max(picture.shape[:2]) > LARGEST_SIDE:
        picture = small(picture, LARGEST_SIDE)
    # Green alone: a third of the work, and what is flat in green is flat in most drawings.
    green = picture[..., 1].astype(np.int16)
    steps = np.abs(np.concatenate([np.diff(green, axis=0).ravel(), np.diff(green, axis=1).ravel()]))
    if not len(steps):
        return 1.0, 1.0, 0.0
    return float((steps == 0).mean()), float((steps <= 3).mean()), float((steps > 60).mean())


def _opponent_planes(grid: Floats) -> Floats:
    """Return grey, red - green and blue - green: ``float32 (n, 3, side, side)``, in units of 64 grey levels."""
    red, green, blue = np.moveaxis(grid, 3, 0) / np.float32(64)
    return np.stack([(red + green + blue) / 3, red - green, blue - green], axis=1)


def _quantiles(planes: Floats) -> Floats:
    ordered = np.sort(planes.reshape(*planes.shape[:2], -1), axis=2)
    places = [round(share * (ordered.shape[2] - 1)) for share in _SHARES]
    return ordered[:, :, places].reshape(len(planes), -1)


def _ring_weights() -> Floats:
    axis = np.arange(GRID) - (GRID - 1) / 2
    radius = np.hypot(axis[:, None], axis).ravel()
    inside = [(radius >= low) & (radius < high) for low, high in pairwise(_RING_EDGES)]
    weights = np.stack(inside, axis=1).astype(np.float32)
    return np.asarray(weights / weights.sum(0), np.float32)


_WEIGHTS = _ring_weights()


def _rings(planes: Floats) -> Floats:
    """Return mean and spread on rings round the centre: a cell is a dark blob on a lighter ground."""
    flat = planes.reshape(*planes.shape[:2], -1)
    means = flat @ _WEIGHTS
    spreads = np.sqrt(np.maximum(flat**2 @ _WEIGHTS - means**2, 0)) * 2
    return np.concatenate([means, spreads], axis=2).reshape(len(planes), -1)


def _details(planes: Floats) -> Floats:
    """Return the strength of Haar wavelets, down, across and diagonal, at four sizes."""
    columns = []
    for _ in range(_LEVELS):
        first, second = planes[..., ::2, ::2], planes[..., ::2, 1::2]
        third, fourth = planes[..., 1::2, ::2], planes[..., 1::2, 1::2]
        above, below = first + second, third + fourth
        details = (above - below, first - second + third - fourth, first - second - third + fourth)
        columns += [np.log(0.02 + np.abs(detail).mean((2, 3))) for detail in details]
        planes = np.asarray((above + below) / 4, np.float32)
    return np.concatenate(columns, axis=1)


def _dyes(grid: Floats) -> Floats:
    """Return how colours spread: along a line from the ground to the dye in a smear, in any direction in a photo."""
    count = len(grid)
    ground = np.median(np.concatenate([grid[:, 0], grid[:, -1], grid[:, :, 0], grid[:, :, -1]], axis=1), axis=1)
    density = np.log((ground[:, None, None] + 8) / (grid + 8)).reshape(count, -1, 3)
    left = density - density.mean(1, keepdims=True)
    spread = np.swapaxes(left, 1, 2) @ left / left.shape[1]
    values, axes = np.linalg.eigh(spread.astype(np.float64) + 1e-4 * np.eye(3))
    main = axes[:, :, 2] * np.where(axes[:, :, 2].sum(1, keepdims=True) < 0, -1, 1)
    purple = np.maximum(np.minimum(grid[..., 0], grid[..., 2]) - grid[..., 1], 0).reshape(count, -1)
    stained = np.stack([np.log1p(purple.mean(1)), (purple > 20).mean(1)], axis=1)
    columns = (ground / 64, density.mean(1), np.sqrt(values), np.log(values) / 2, main, stained)
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _edges(grey: Floats) -> Floats:
    """Return how evenly edges point everywhere, and how much of them lies round the centre."""
    down, across = np.diff(grey, axis=1)[:, :, :-1], np.diff(grey, axis=2)[:, :-1]
    strength = np.hypot(down, across)
    total = strength.sum((1, 2)) + 0.5
    sector = (np.mod(np.arctan2(down, across), np.pi) * (_ANGLES / np.pi)).astype(np.int8) % _ANGLES
    shares = np.stack([(strength * (sector == angle)).sum((1, 2)) / total for angle in range(_ANGLES)], axis=1)
    axis = np.arange(GRID - 1, dtype=np.float32) - (GRID - 2) / 2
    radius = np.hypot(axis[:, None], axis) + 0.5
    outward = (down * axis[:, None] + across * axis) / radius
    round_it = [outward.sum((1, 2)) / total, np.abs(outward).sum((1, 2)) / total]
    return np.column_stack([shares[:, 0], shares[:, 4], np.sort(shares, axis=1)[:, [0, 4, 7]], *round_it])


WIDTH = _describe([np.zeros((GRID, GRID, 3), np.uint8)]).shape[1]
