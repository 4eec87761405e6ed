"""Strange cells: the collection's own, as other dyes, lamps, lenses and cameras might show them.

A detector of junk that knew only cells of one laboratory would take the first one of another for junk.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from smearlab.audit.palette import Rng
from smearlab.data.cells import UInt8Array

SIDE = 96
_MIXING, _STRENGTH = 0.08, 0.3  # deviations of how dyes mix channels, and of the logarithm of their amounts
_FAINTEST = 8.0


def strange_cell(picture: UInt8Array, rng: Rng) -> UInt8Array:
    """Show a cell ``uint8 (h, w, 3)`` through another microscope: ``uint8 (96, 96, 3)``."""
    side = min(picture.shape[:2])
    image = Image.fromarray(np.ascontiguousarray(picture))
    if rng.random() < 0.5:  # another magnification, off centre; beyond the border the edge is repeated
        width = side * rng.uniform(0.75, 1.3)
        left, top = rng.uniform(-0.12, 0.12, 2) * side + (np.array(image.size) - width) / 2
        pad = side // 4 + 8
        wide = Image.fromarray(np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
        box = (left + pad, top + pad, left + pad + width, top + pad + width)
        image = wide.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=_within(box, wide.size))
    else:
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2.5)))
    lit = _lit(_restained(np.asarray(image, np.float64), rng), rng)
    noise = rng.normal(0, rng.uniform(0, 18), lit.shape) if rng.random() < 0.3 else 0
    return np.asarray(np.clip(lit + noise, 0, 255), np.uint8)


def _within(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return max(0.0, left), max(0.0, top), min(float(size[0]), right), min(float(size[1]), bottom)


def _restained(pixels: np.ndarray, rng: Rng) -> np.ndarray:
    """Change amount and hue of the dyes: optical densities above the ground are mixed and scaled."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    density = np.log((ground + _FAINTEST) / (pixels + _FAINTEST))
    mixing = (np.eye(3) + rng.normal(0, _MIXING, (3, 3))) * np.exp(rng.normal(0, _STRENGTH))
    lamp = ground * rng.uniform(0.75, 1.1, 3) if rng.random() < 0.7 else rng.uniform(90, 255) * rng.uniform(0.85, 1, 3)
    return np.asarray((lamp + _FAINTEST) * np.exp(-density @ mixing) - _FAINTEST)


def _lit(pixels: np.ndarray, rng: Rng) -> np.ndarray:
    """Light the slide more or less, unevenly, and bend the camera's curve."""
    axis = np.linspace(-1, 1, SIDE)
    turn, (y, x) = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4, 2)
    slope = np.cos(turn) * axis + np.sin(turn) * axis[:, None]
    falloff = rng.uniform(0, 0.35) * ((axis - x) ** 2 + (axis[:, None] - y) ** 2)
    light = rng.uniform(0.45, 1.15) * (1 + rng.uniform(0, 0.3) * slope) * np.maximum(0.15, 1 - falloff)
    bent = np.clip(pixels * light[..., None] / 255, 0, 1) ** np.exp(rng.normal(0, 0.25))
    return np.asarray(255 * bent)
