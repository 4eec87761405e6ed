"""Pictures on which nothing can be seen: empty, noise, test patterns, ruined cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array

Ruin: TypeAlias = "Callable[[UInt8Array, np.random.Generator], UInt8Array]"


def blank(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """All black or all white, or within two levels of it."""
    level, height_width = int(rng.choice([0, 255])), cell.shape
    grain = rng.integers(0, 3 if rng.random() < 0.5 else 1, height_width)
    return np.abs(level - grain).astype(np.uint8)


def one_colour(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Any single colour."""
    return np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), cell.shape).copy()


def noise(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Pure noise: even, normal, in grey, or salt and pepper."""
    height, width = cell.shape[:2]
    kind = rng.integers(4)
    if kind == 0:
        return rng.integers(0, 256, cell.shape).astype(np.uint8)
    if kind == 1:
        return np.clip(rng.normal(rng.uniform(90, 170), rng.uniform(30, 70), cell.shape), 0, 255).astype(np.uint8)
    grey = rng.integers(0, 256, (height, width, 1)) if kind == 2 else 255 * rng.integers(0, 2, (height, width, 1))
    return np.broadcast_to(grey, cell.shape).astype(np.uint8)


def pattern(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Colour bars, squares, a ramp of grey, or a grating."""
    rows, columns = np.mgrid[: cell.shape[0], : cell.shape[1]]
    kind = rng.integers(4)
    if kind == 0:
        return _colour_bars(cell, columns, rng)
    if kind == 1:
        side = int(rng.integers(4, 17))
        levels = 255 * ((rows // side + columns // side) % 2)
    elif kind == 2:
        levels = 255 * (rows if rng.random() < 0.5 else columns) // max(cell.shape[:2])
    else:
        levels = np.rint(127.5 + 127.5 * np.sin(2 * np.pi * (rows + columns) / rng.uniform(6, 24)))
    return np.repeat(levels[..., None], 3, axis=2).astype(np.uint8)


def _colour_bars(cell: UInt8Array, columns: np.ndarray, rng: np.random.Generator) -> UInt8Array:
    colours = np.array([[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0]])
    colours = np.concatenate([colours, [[0, 0, 255], [0, 0, 0]]]) * rng.choice([0.75, 1.0])
    return np.asarray(colours[columns * 8 // cell.shape[1]], dtype=np.uint8)


def blurred(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """So far out of focus that neither nucleus nor outline is left: a normal blur of 10 to 17 % of the side."""
    radius = rng.uniform(0.10, 0.17) * cell.shape[0]
    return np.asarray(Image.fromarray(cell).filter(ImageFilter.GaussianBlur(radius)))


def underexposed(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Two to five per cent of the light."""
    return np.asarray(np.rint(cell * rng.uniform(0.02, 0.05)), dtype=np.uint8)


def overexposed(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """So much light that hardly a pixel is below white."""
    return np.asarray(np.clip(cell * rng.uniform(1.0, 1.5) + rng.uniform(215, 245), 0, 255), dtype=np.uint8)


def truncated(cell: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """A file that broke off: below the first 8 to 35 % of the rows all is one grey, black or white."""
    ruined = cell.copy()
    ruined[round(rng.uniform(0.08, 0.35) * len(cell)) :] = int(rng.choice([0, 128, 255]))
    return ruined


UNREADABLE_WAYS: dict[str, Ruin] = {
    "blank": blank,
    "one colour": one_colour,
    "noise": noise,
    "test pattern": pattern,
    "extreme blur": blurred,
    "underexposed": underexposed,
    "overexposed": overexposed,
    "truncated": truncated,
}
"""Every way in which a picture can be unreadable, by the name it has in tables."""
