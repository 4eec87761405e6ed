"""Junk that comes close to a stained cell: its colours, its roundness, or another specimen under another microscope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.planted_junk import SIDE, Drawing, clock, landscape, screenshot, shapes, street_map, text
from benchmarks.planted_photos import MEASURING_PHOTOS, TUNING_PHOTOS, photograph

if TYPE_CHECKING:
    from benchmarks.planted_junk import Colour

HARD_PHOTOS = {
    "stained tissue": "skimage/data/ihc.png",
    "retina": "skimage/data/retina.jpg",
    "microaneurysms": "skimage/data/microaneurysms.png",
    "cell in grey": "skimage/data/cell.png",
    "moon": "skimage/data/moon.png",
    "phantom": "skimage/data/phantom.png",
}
"""Pictures of medicine and of round things."""
_CREAM, _VIOLET = np.array([250.0, 226.0, 200.0]), np.array([88.0, 48.0, 140.0])


def cartoon_cell(rng: np.random.Generator) -> Image.Image:
    """A cell as a child draws it: outline, nucleus, perhaps a face."""
    canvas = Image.new("RGB", (SIDE, SIDE), _colour(_CREAM, rng))
    pen = ImageDraw.Draw(canvas)
    reach = int(rng.integers(70, 100))
    pen.ellipse((128 - reach, 128 - reach, 128 + reach, 128 + reach), fill=_colour([205, 180, 215], rng), outline=0)
    inner = int(rng.integers(25, 50))
    x, y = (int(place) for place in rng.integers(105, 150, 2))
    pen.ellipse((x - inner, y - inner, x + inner, y + inner), fill=_colour(_VIOLET, rng), outline=0, width=3)
    if rng.random() < 0.5:
        for eye in (x - 12, x + 12):
            pen.ellipse((eye - 5, y - 10, eye + 5, y), fill=(255, 255, 255))
        pen.arc((x - 15, y - 5, x + 15, y + 18), 20, 160, fill=(255, 255, 255), width=3)
    return canvas


def plum(rng: np.random.Generator) -> Image.Image:
    """A shaded violet ball on cream: no structure inside."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - 128.0
    radius = rng.uniform(55, 95)
    depth = np.clip(1 - np.hypot(rows + rng.uniform(-20, 20), columns + rng.uniform(-20, 20)) / radius, 0, 1)
    ball = _VIOLET + (np.array([190.0, 150.0, 205.0]) - _VIOLET) * depth[..., None]
    inside = (np.hypot(rows, columns) < radius)[..., None]
    whole = Image.fromarray(np.where(inside, ball, _CREAM).astype(np.uint8))
    return whole.filter(ImageFilter.GaussianBlur(2))


def stained_photo(rng: np.random.Generator) -> Image.Image:
    """A photograph in the colours of a stain: dark becomes violet, light becomes cream."""
    places = [*TUNING_PHOTOS.values(), *MEASURING_PHOTOS.values()]
    grey = photograph(places[int(rng.integers(len(places)))], SIDE, rng).mean(axis=2) / 255
    return _stained(grey)


def stained_drawing(rng: np.random.Generator) -> Image.Image:
    """A drawing in the colours of a stain."""
    draws = (shapes, text, screenshot, landscape, clock, street_map)
    return _stained(np.asarray(draws[int(rng.integers(len(draws)))](rng).convert("L")) / 255)


def clouds(rng: np.random.Generator) -> Image.Image:
    """Soft clouds in the colours of a stain, without any object."""
    grey = np.zeros((SIDE, SIDE))
    for size in (4, 8, 16, 32):
        layer = Image.fromarray(rng.random((size, size)).astype(np.float32))
        grey += np.asarray(layer.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / size
    grey -= grey.min()
    return _stained(grey / grey.max())


def cloth(rng: np.random.Generator) -> Image.Image:
    """Woven cloth, lilac and cream."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE * 2 * np.pi
    threads = rng.uniform(12, 30)
    grey = 0.5 + 0.25 * np.sin(threads * rows) + 0.25 * np.sin(threads * columns) + rng.normal(0, 0.06, (SIDE, SIDE))
    return _stained(np.clip(grey, 0, 1))


def dots(rng: np.random.Generator) -> Image.Image:
    """Many small violet dots on cream."""
    canvas = Image.new("RGB", (SIDE, SIDE), _colour(_CREAM, rng))
    pen = ImageDraw.Draw(canvas)
    pitch = int(rng.integers(18, 44))
    for x in range(pitch // 2, SIDE, pitch):
        for y in range(pitch // 2, SIDE, pitch):
            r = pitch * rng.uniform(0.2, 0.4)
            pen.ellipse((x - r, y - r, x + r, y + r), fill=_colour(_VIOLET, rng))
    return canvas


HARD: dict[str, Drawing] = {
    "cartoon of a cell": cartoon_cell,
    "violet ball": plum,
    "photograph in stain colours": stained_photo,
    "drawing in stain colours": stained_drawing,
    "clouds in stain colours": clouds,
    "lilac cloth": cloth,
    "violet dots": dots,
}
"""Families that resemble a stained cell in one way or another."""


def _stained(grey: np.ndarray) -> Image.Image:
    return Image.fromarray((_VIOLET + (_CREAM - _VIOLET) * grey[..., None]).clip(0, 255).astype(np.uint8))


def _colour(about: list[int] | np.ndarray, rng: np.random.Generator) -> Colour:
    red, green, blue = (int(level) for level in np.clip(np.asarray(about) + rng.normal(0, 10, 3), 0, 255))
    return red, green, blue
