"""Light that falls unevenly: gradients, and rims that a condenser, an eyepiece or a phone leaves dark."""

from __future__ import annotations

import numpy as np

from smearlab.corruptions.draws import Draws, Floats, Images, Reals


def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Return down and across, −1 … 1 along the shorter side."""
    short = min(height, width)
    down = (np.arange(height, dtype=np.float32) - (height - 1) / 2) * 2 / short
    across = (np.arange(width, dtype=np.float32) - (width - 1) / 2) * 2 / short
    return down.astype(np.float32)[:, None], across.astype(np.float32)[None]


def lit(images: Images, light: Floats) -> Images:
    """Multiply pictures by a field of light, ``float32 (n, h, w)``."""
    return np.asarray(np.clip(images * light[..., None], 0, 255) + np.float32(0.5), np.uint8)


def gradient(images: Images, amounts: Reals, degrees: Reals, draws: Draws) -> Images:
    """Brighten one side by a share and darken the other by as much."""
    down, across = _grid(*images.shape[1:3])
    angle = np.radians(degrees)
    way = np.cos(angle)[:, None, None] * across + np.sin(angle)[:, None, None] * down
    return lit(images, (1 + amounts[:, None, None] * way).astype(np.float32))


def vignette(images: Images, amounts: Reals, draws: Draws, begin: float = 0.35) -> Images:
    """Darken the rim, around a centre that is drawn a little beside the picture's.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        amounts: share of the light that is lost in the corners (0–1).
        draws: of these pictures.
        begin: distance from the centre, in half sides, within which nothing is lost.
    """
    down, across = _grid(*images.shape[1:3])
    centre = draws.uniform(-0.35, 0.35, 2)[:, :, None, None]
    distance = np.hypot(across - centre[:, 0], down - centre[:, 1])
    lost = np.clip((distance - begin) / (1.4142 - begin), 0, 1)
    smooth = lost * lost * (3 - 2 * lost)
    return lit(images, (1 - amounts[:, None, None] * smooth).astype(np.float32))
