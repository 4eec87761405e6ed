"""Near copies of a picture: the ways in which the same cell comes a second time into a collection.

Every way is a function of a picture ``uint8 (H, W, 3)`` and a random generator that returns a picture of the same
size, so that copies fit into one array. A picture that was resized is therefore brought back to its size.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array

Way: TypeAlias = "Callable[[UInt8Array, np.random.Generator], UInt8Array]"

_MARGIN = 16  # pixels added around a picture before it is moved or turned


def reencoded(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Save as JPEG of quality 30 to 60, with or without chroma subsampling."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(30, 61)), subsampling=int(rng.choice([0, 2])))
    return np.asarray(Image.open(file).convert("RGB"))


def shifted(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Move by 1 to 6 pixels; what comes in is mirrored, the border drawn out, or one colour."""
    down, right = _step(rng)
    padded = _padded(picture, str(rng.choice(["reflect", "edge", "constant"])), rng)
    height, width = picture.shape[:2]
    return padded[_MARGIN - down : _MARGIN - down + height, _MARGIN - right : _MARGIN - right + width].copy()


def brightened(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Brighten by 5 to 15 %."""
    return _times(picture, 1 + rng.uniform(0.05, 0.15))


def darkened(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Darken by 5 to 15 %."""
    return _times(picture, 1 - rng.uniform(0.05, 0.15))


def cropped(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Keep 90 % of each side, anywhere, and enlarge it to the old size."""
    height, width = picture.shape[:2]
    high, wide = round(0.9 * height), round(0.9 * width)
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    return _resized(picture[top : top + high, left : left + wide], height, width)


def turned(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Rotate by 5 degrees to either side."""
    height, width = picture.shape[:2]
    padded = Image.fromarray(_padded(picture, str(rng.choice(["reflect", "edge", "constant"])), rng))
    angle = float(rng.choice([-5.0, 5.0]))
    whole = np.asarray(padded.rotate(angle, Image.Resampling.BICUBIC))
    return whole[_MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width].copy()


def quarter_turned(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Rotate by one, two or three quarter turns; a picture that is not square only by two."""
    square = picture.shape[0] == picture.shape[1]
    return np.rot90(picture, int(rng.integers(1, 4)) if square else 2).copy()


def flipped(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Mirror left to right or top to bottom."""
    return np.flip(picture, axis=int(rng.integers(2))).copy()


def resized(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Store at half to one and a half times the size, and bring back."""
    height, width = picture.shape[:2]
    scale = float(rng.choice([rng.uniform(0.5, 0.85), rng.uniform(1.15, 1.5)]))
    return _resized(_resized(picture, round(scale * height), round(scale * width)), height, width)


NEAR_WAYS: dict[str, Way] = {
    "re-encoded": reencoded,
    "shifted": shifted,
    "brightened": brightened,
    "darkened": darkened,
    "cropped": cropped,
    "rotated by 5 degrees": turned,
    "quarter turns": quarter_turned,
    "flipped": flipped,
    "resized": resized,
}
"""Every way to make a near copy, by the name it has in tables."""


def _step(rng: np.random.Generator) -> tuple[int, int]:
    while True:
        down, right = (int(pixels) for pixels in rng.integers(-6, 7, 2))
        if down or right:
            return down, right


def _padded(picture: UInt8Array, mode: str, rng: np.random.Generator) -> UInt8Array:
    around = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
    if mode != "constant":
        return np.asarray(np.pad(picture, around, mode=mode))  # type: ignore[call-overload]
    level = int(rng.choice([0, 255]))
    return np.pad(picture, around, mode="constant", constant_values=level)


def _times(picture: UInt8Array, factor: float) -> UInt8Array:
    return np.asarray(np.clip(np.rint(picture * factor), 0, 255), dtype=np.uint8)


def _resized(picture: UInt8Array, height: int, width: int) -> UInt8Array:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
