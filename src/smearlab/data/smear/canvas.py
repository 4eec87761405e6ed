"""The supersampled drawing surface and the absorbance of colours."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SIZE = 96
"""Side of a finished picture, pixels."""
SUPERSAMPLING = 2
SIDE = SIZE * SUPERSAMPLING
"""Side of the drawing surface, samples."""

Field: TypeAlias = NDArray[np.float32]
"""One value per sample, ``float32 (SIDE, SIDE)``, or a layer ``float32 (SIDE, SIDE, 3)``."""

REFERENCE_LIGHT = (254, 229, 203)
"""The empty background of the reference slide: a warm halogen lamp behind glass."""


@cache
def grid() -> tuple[Field, Field]:
    """Return the coordinates x (rightwards) and y (downwards) of every sample, in finished pixels from the centre."""
    line = ((np.arange(SIDE, dtype=np.float32) + 0.5) / SUPERSAMPLING - SIZE / 2).astype(np.float32)
    x, y = np.meshgrid(line, line)
    x.flags.writeable = y.flags.writeable = False
    return x, y


def absorbance(red: float, green: float, blue: float) -> Field:
    """Return what a structure absorbs, ``float32 (3,)``, that looks ``(red, green, blue)`` on the reference slide."""
    colour = np.array([red, green, blue], dtype=np.float64)
    return np.asarray(-np.log(np.maximum(colour, 1) / np.array(REFERENCE_LIGHT)), dtype=np.float32)


def layer(colour: Field) -> Field:
    """Return a whole surface of one absorbance ``float32 (3,)``."""
    return np.broadcast_to(colour, (SIDE, SIDE, 3)).astype(np.float32)


def lay(surface: Field, cover: Field, colour: Field) -> None:
    """Blend an absorbance ``(3,)`` or a layer into a surface, in place, where ``cover`` (0..1) says so."""
    surface += cover[..., None] * (colour - surface)


def reduce(field: Field) -> Field:
    """Average a field or layer down to the finished size."""
    blocks = field.reshape(SIZE, SUPERSAMPLING, SIZE, SUPERSAMPLING, *field.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))
