"""Pictures as a server hands them in."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_bytes(pictures: Any) -> np.ndarray:  # noqa: ANN401 - whatever a server hands in
    """Return pictures as ``uint8 (n, h, w, 3)``; other numbers are taken as levels of 0 to 255 and rounded."""
    array = np.asarray(pictures)
    if array.size == 0:
        return np.zeros((0, 1, 1, 3), np.uint8)
    if array.ndim != 4 or array.shape[3] != 3:
        raise ValueError(f"predict takes pictures of shape (n, height, width, 3), but got {array.shape}")
    if array.dtype == np.uint8:
        return array
    levels = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
