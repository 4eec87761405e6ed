"""Pictures in memory, as files of every format."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


def picture(colour: str = "red", form: str = "PNG", size: tuple[int, int] = (24, 20), **options: object) -> bytes:
    """One plain picture, whose label by the tiny model is its colour."""
    file = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(file, form, **options)
    return file.getvalue()


def noisy(seed: int, form: str = "PNG", size: tuple[int, int] = (24, 20)) -> bytes:
    """One picture of noise, for files with something in them to damage."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def files(*pictures: bytes, name: str = "cell.png") -> list[tuple[str, tuple[str, bytes]]]:
    """Pictures as the test client sends them."""
    return [("pictures", (name, one)) for one in pictures]
