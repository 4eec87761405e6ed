"""Cutting and resizing, as the model was trained with, in NumPy alone."""

from __future__ import annotations

import numpy as np

PRECISION_BITS = 22  # of Pillow's weights for 8-bit pictures


def cut_out(pictures: np.ndarray, crop: str, fraction: float, size: int) -> np.ndarray:
    """Cut the part that the network looks at out of ``uint8 (n, h, w, 3)``.

    Args:
        pictures: of one size.
        crop: ``none``, ``centre`` or ``auto``; the last looks at the pictures' shape alone, as those of a competition
            are cut out around a cell already.
        fraction: of the shorter side, for ``centre``.
        size: side of the network's pictures.
    """
    height, width = pictures.shape[1:3]
    short, long = min(height, width), max(height, width)
    if crop == "none" or (crop == "auto" and height == width == size):
        return pictures
    if crop == "centre":
        side = max(1, round(fraction * short))
    elif short >= 340 and long <= 380:  # a whole frame of a CellaVision DM96
        side = 200
    elif long > 1.1 * short:
        side = short
    else:
        return pictures
    top, left = (height - side) // 2, (width - side) // 2
    return pictures[:, top : top + side, left : left + side]


def resized(pictures: np.ndarray, size: int, name: str) -> np.ndarray:
    """Resize ``uint8 (n, h, w, 3)`` to ``uint8 (n, size, size, 3)``, byte for byte as Pillow does.

    Pillow resizes along the rows and then along the columns, with weights rounded to 22 binary places and whole levels
    after each. In float64 all of this is exact.

    Args:
        pictures: of one size.
        size: side of the result.
        name: of the filter: ``box``, ``bilinear``, ``bicubic`` or ``lanczos``.
    """
    count, height, width = pictures.shape[:3]
    if height == width == size:
        return pictures
    columns_first = pictures.transpose(0, 2, 1, 3).reshape(count, width, height * 3)
    narrowed = _combined(pixel_weights(width, size, name), columns_first)
    rows_first = narrowed.reshape(count, size, height, 3).transpose(0, 2, 1, 3).reshape(count, height, size * 3)
    return _combined(pixel_weights(height, size, name), rows_first).astype(np.uint8).reshape(count, size, size, 3)


def pixel_weights(old: int, new: int, name: str) -> np.ndarray:
    """Return the weight of each old pixel in each new one, ``float64 (new, old)``, in units of 2**-22."""
    support, weight = FILTERS[name]
    scale = old / new
    stretch = max(scale, 1.0)
    centre = (np.arange(new)[:, None] + 0.5) * scale
    pixel = np.arange(old)[None, :]
    inside = (pixel >= np.floor(centre - support * stretch + 0.5)) & (
        pixel < np.floor(centre + support * stretch + 0.5)
    )
    raw = np.where(inside, weight((pixel - centre + 0.5) / stretch), 0.0)
    return np.asarray(np.round(raw / raw.sum(1, keepdims=True) * 2**PRECISION_BITS))


def _combined(weights: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    total = weights @ pictures.astype(np.float64)
    return np.asarray(np.clip(np.floor((total + 2 ** (PRECISION_BITS - 1)) / 2**PRECISION_BITS), 0, 255))


def _box(x: np.ndarray) -> np.ndarray:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _bilinear(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(1.0 - np.abs(x), 0.0))


def _bicubic(x: np.ndarray) -> np.ndarray:
    a, x = -0.5, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0.0)


FILTERS = {"box": (0.5, _box), "bilinear": (1.0, _bilinear), "bicubic": (2.0, _bicubic), "lanczos": (3.0, _lanczos)}
