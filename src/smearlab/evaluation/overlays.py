"""Heat laid over the picture that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from smearlab.errors import require

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, UInt8Array

_STRONGEST = 0.75  # opacity of the greatest heat: the cell must stay to be seen
_SIDE = 288  # pixels that an overlay is enlarged to at least


def overlay(picture: UInt8Array, heat: FloatArray) -> UInt8Array:
    """Lay heat over a picture: none leaves it pale, some is red, the greatest yellow.

    Args:
        picture: ``uint8 (h, w, 3)``.
        heat: ``float32 (h, w)`` in 0–1.

    Returns:
        ``uint8 (h, w, 3)``.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", "train", "A heat map")
    from matplotlib import colormaps

    grey = picture.astype(np.float32).mean(axis=2, keepdims=True).repeat(3, axis=2)
    # The heat of a few places is much greater than all other: the root lets these be seen too.
    shown = np.sqrt(np.clip(heat, 0, 1))
    # What carries no heat keeps a part of its colour, so that the stain can still be recognised.
    ground = 0.45 * grey + 0.55 * picture
    colour = np.asarray(colormaps["autumn"](shown))[..., :3] * 255
    opacity = _STRONGEST * shown[..., None]
    return np.asarray(np.round(ground * (1 - opacity) + colour * opacity), np.uint8)


def enlarged(picture: UInt8Array) -> Image.Image:
    """Return a picture for a file, small ones enlarged by a whole factor."""
    factor = max(1, -(-_SIDE // max(picture.shape[:2])))
    size = (picture.shape[1] * factor, picture.shape[0] * factor)
    return Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
