"""Drawn junk: thousands of different pictures that are no cells, from a random generator.

They show a detector what else there is in the world ("outlier exposure", Hendrycks et al. 2019), without one picture
that would have to be shipped: `smearlab.audit.scenes` draws what photographs are like, this module what people make
with a computer. Nothing here looks like any particular picture; it has their flat areas, edges, colours and spectra.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smearlab.audit import scenes
from smearlab.audit.palette import BLACK, WHITE, Colour, Rng, colour, ground, shape

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array

Drawing: TypeAlias = Callable[[Rng], Image.Image]

SIDE = 96
"""Side of a drawing in pixels."""
_CANVAS = 144  # drawn somewhat larger and then made smaller, so that edges are smooth
_LETTERS = "etaoinshrdlucmfwypvbgk"
_SIGNS = "ABCDEFGHKMNRSTXZabdefghk0123456789@&%#?!+$"
_GREY_SHARE, _PART_SHARE, _JPEG_SHARE = 0.12, 0.35, 0.6


def _canvas(rng: Rng, back: Colour | None = None) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (_CANVAS, _CANVAS), ground(rng) if back is None else back)
    return picture, ImageDraw.Draw(picture)


def _words(rng: Rng, count: int) -> str:
    return " ".join("".join(rng.choice(list(_LETTERS), int(rng.integers(2, 9)))) for _ in range(count))


def flat_shapes(rng: Rng) -> Image.Image:
    """A few shapes in flat colours, anywhere."""
    picture, pen = _canvas(rng)
    for _ in range(int(rng.integers(1, 9))):
        outline = colour(rng) if rng.random() < 0.4 else None
        shape(rng, pen, rng.uniform(0, _CANVAS, 2), rng.uniform(6, 68), colour(rng), outline)
    return picture


def emblem(rng: Rng) -> Image.Image:
    """An icon: one thing in the middle of an even ground, of parts, shaded, perhaps with an outline and a shadow."""
    back = WHITE if rng.random() < 0.6 else ground(rng)
    picture, pen = _canvas(rng, back)
    centre, size, hue = rng.uniform(0.42, 0.58, 2) * _CANVAS, rng.uniform(18, 66), colour(rng)
    outline = BLACK if rng.random() < 0.35 else colour(rng) if rng.random() < 0.3 else None
    if rng.random() < 0.3:
        x, y = centre
        pen.ellipse((x - size, y + 0.7 * size, x + size, y + size), (200, 200, 200))
    for part in range(int(rng.integers(1, 7))):
        place = centre + (0 if part == 0 else rng.normal(0, 0.4 * size, 2))
        tint = np.clip(np.array(hue) + rng.normal(0, 60, 3), 0, 255) if rng.random() < 0.5 else colour(rng)
        shape(rng, pen, place, size * (1 if part == 0 else rng.uniform(0.1, 0.7)), _colour_of(tint), outline)
    if rng.random() < 0.3:
        pen.text(tuple(centre - 0.4 * size), _sign(rng, 1), colour(rng), font=ImageFont.load_default(float(size)))
    return scenes.shaded(rng, picture, back) if rng.random() < 0.6 else picture


def _colour_of(values: object) -> Colour:
    red, green, blue = (int(value) for value in np.asarray(values))
    return red, green, blue


def rings(rng: Rng) -> Image.Image:
    """Rings, spokes and rosettes round one centre, in thin lines: round as a cell, and empty."""
    picture, pen = _canvas(rng, WHITE if rng.random() < 0.7 else None)
    x, y = rng.uniform(0.4, 0.6, 2) * _CANVAS
    ink, radius = (BLACK if rng.random() < 0.4 else colour(rng)), rng.uniform(20, 68)
    for _ in range(int(rng.integers(0, 4))):
        r = radius * rng.uniform(0.15, 1)
        fill = colour(rng) if rng.random() < 0.25 else None
        pen.ellipse((x - r, y - r, x + r, y + r), fill, ink, int(rng.integers(1, 12)))
    spokes, inner = int(rng.choice([0, 5, 12, 40, 90])), rng.uniform(0, 0.8)
    for angle in np.arange(spokes) * (2 * np.pi / max(1, spokes)):
        step = np.array([np.cos(angle), np.sin(angle)]) * radius
        pen.line([(x + inner * step[0], y + inner * step[1]), (x + step[0], y + step[1])], ink, 1)
    return picture


def _sign(rng: Rng, count: int) -> str:
    return "".join(rng.choice(list(_SIGNS), count))


def glyphs(rng: Rng) -> Image.Image:
    """One to three large letters or signs."""
    picture, pen = _canvas(rng)
    ink = colour(rng) if rng.random() < 0.6 else BLACK
    font = ImageFont.load_default(float(rng.uniform(45, 140)))
    pen.text((rng.uniform(-8, 45), rng.uniform(-15, 45)), _sign(rng, int(rng.integers(1, 4))), ink, font=font)
    return picture.rotate(rng.uniform(-30, 30), fillcolor=picture.getpixel((0, 0))) if rng.random() < 0.3 else picture


def text(rng: Rng) -> Image.Image:
    """Lines of text, dark on light or light on dark."""
    light = rng.random() < 0.7
    back = _colour_of(rng.uniform(*((220, 256) if light else (0, 60)), 3))
    ink = _colour_of(rng.uniform(*((0, 90) if light else (160, 256)), 3))
    picture, pen = _canvas(rng, back)
    size = float(rng.uniform(6, 24))
    font, top = ImageFont.load_default(size), rng.uniform(-size, size)
    while top < _CANVAS:
        if rng.random() < 0.9:
            pen.text((rng.uniform(-16, 10), top), _words(rng, int(rng.integers(1, 12))), ink, font=font)
        top += size * rng.uniform(1.1, 1.8)
    return picture


def bar_code(rng: Rng) -> Image.Image:
    """Bars of several widths."""
    picture, pen = _canvas(rng, WHITE)
    ink, top, bottom = (BLACK if rng.random() < 0.7 else colour(rng)), rng.uniform(0, 30), rng.uniform(105, 144)
    left = rng.uniform(0, 24)
    while left < _CANVAS - 8:
        width = rng.choice([1.5, 3, 4.5, 6]) * rng.uniform(0.6, 1.4)
        pen.rectangle((left, top, left + width, bottom), ink)
        left += width + rng.choice([1.5, 3, 4.5, 6])
    return picture.rotate(90) if rng.random() < 0.3 else picture


def modules(rng: Rng) -> Image.Image:
    """A square of dark and light modules."""
    count = int(rng.integers(4, 40))
    dark = rng.random((count, count, 1)) < rng.uniform(0.3, 0.7)
    inks = (BLACK, WHITE) if rng.random() < 0.7 else (colour(rng), colour(rng))
    pixels = np.where(dark, np.array(inks[0]), np.array(inks[1])).astype(np.uint8)
    return Image.fromarray(pixels).resize((_CANVAS, _CANVAS), Image.Resampling.NEAREST)


def chart(rng: Rng) -> Image.Image:
    """Bars, curves or dots with axes and perhaps a grid."""
    picture, pen = _canvas(rng, WHITE if rng.random() < 0.7 else None)
    if rng.random() < 0.5:
        for y in range(8, 128, int(rng.integers(9, 30))):
            pen.line((15, y, 139, y), (210, 210, 210))
    pen.line((15, 8, 15, 128, 139, 128), (60, 60, 60), 2)
    kind, ink = rng.integers(3), colour(rng)
    if kind == 0:
        count = int(rng.integers(3, 10))
        for left in 18 + np.arange(count) * 116 / count:
            pen.rectangle((left, 128 - rng.uniform(8, 112), left + 82 / count, 128), ink)
    elif kind == 1:
        for _ in range(int(rng.integers(1, 4))):
            walk = np.cumsum(rng.normal(0, 1, 30))
            heights = 128 - (walk - walk.min()) / (np.ptp(walk) + 1e-6) * rng.uniform(45, 112)
            points = list(zip(np.linspace(15, 137, 30).tolist(), heights.tolist(), strict=True))
            pen.line(points, colour(rng), int(rng.integers(1, 5)))
    else:
        for x, y in rng.normal((75, 68), 26, (int(rng.integers(10, 120)), 2)):
            r = rng.uniform(0.8, 4.5)
            pen.ellipse((x - r, y - r, x + r, y + r), ink)
    return picture


def pie(rng: Rng) -> Image.Image:
    """A pie or a ring of coloured sectors."""
    picture, pen = _canvas(rng, WHITE if rng.random() < 0.7 else None)
    edges = np.concatenate([[0], np.sort(rng.uniform(0, 360, int(rng.integers(2, 9)))), [360]]).tolist()
    x, y, r = rng.uniform(60, 84), rng.uniform(60, 84), rng.uniform(25, 66)
    for begin, end in pairwise(edges):
        pen.pieslice((x - r, y - r, x + r, y + r), begin, end, colour(rng))
    if rng.random() < 0.3:
        pen.ellipse((x - r / 2, y - r / 2, x + r / 2, y + r / 2), WHITE)
    return picture


def windows(rng: Rng) -> Image.Image:
    """A screen of boxes with captions."""
    picture, pen = _canvas(rng)
    font = ImageFont.load_default(float(rng.uniform(7, 13)))
    for _ in range(int(rng.integers(3, 12))):
        (left, top), wide, high = rng.uniform(-15, 112, 2), rng.uniform(15, 120), rng.uniform(6, 68)
        back = ground(rng) if rng.random() < 0.6 else colour(rng, 0.3)
        pen.rectangle((left, top, left + wide, top + high), back, (120, 120, 120) if rng.random() < 0.5 else None)
        pen.text((left + 3, top + 2), _words(rng, 3), BLACK if sum(back) > 380 else WHITE, font=font)
    return picture


def strokes(rng: Rng) -> Image.Image:
    """Lines by hand."""
    picture, pen = _canvas(rng)
    ink = colour(rng) if rng.random() < 0.4 else BLACK
    for _ in range(int(rng.integers(2, 25))):
        steps = rng.normal(0, rng.uniform(4, 30), (int(rng.integers(1, 8)), 2))
        walk = np.cumsum(np.vstack([rng.uniform(0, _CANVAS, (1, 2)), steps]), axis=0)
        pen.line([(x, y) for x, y in walk.tolist()], ink, int(rng.integers(1, 8)), joint="curve")
    return picture


def face(rng: Rng) -> Image.Image:
    """A drawn face, perhaps with a body."""
    picture, pen = _canvas(rng)
    (x, y), (wide, high) = rng.uniform(52, 90, 2), rng.uniform(26, 56, 2)
    pen.ellipse((x - wide, y - high, x + wide, y + high), colour(rng), BLACK if rng.random() < 0.5 else None, 3)
    white_eyes, r = rng.random() < 0.5, wide * rng.uniform(0.08, 0.2)
    for eye in (x - 0.4 * wide, x + 0.4 * wide):
        level = y - 0.3 * high
        pen.ellipse((eye - r, level - r, eye + r, level + r), WHITE if white_eyes else BLACK)
        pen.ellipse((eye - r / 2, level - r / 2, eye + r / 2, level + r / 2), BLACK)
    pen.arc((x - wide / 2, y, x + wide / 2, y + 0.6 * high), 10, 170, (60, 0, 0), 3)
    if rng.random() < 0.5:
        pen.rectangle((x - wide / 2, y + high, x + wide / 2, _CANVAS), colour(rng))
    return picture


DRAWINGS: tuple[Drawing, ...] = (
    *(scenes.leaves, emblem, scenes.landscape, flat_shapes, text, scenes.leaves, strokes, emblem, scenes.clouds),
    *(glyphs, scenes.leaves, chart, emblem, bar_code, scenes.landscape, rings, windows, scenes.leaves, emblem),
    *(modules, flat_shapes, scenes.stripes, face, scenes.leaves, text, pie, emblem, scenes.gradient, scenes.clouds),
    *(strokes, rings, scenes.globe),
)
"""What is drawn in turn; what is most varied in the world comes most often."""


def draw_junk(count: int, side: int = SIDE, seed: int = 0) -> UInt8Array:
    """Draw pictures that are no cells: ``uint8 (count, side, side, 3)``.

    Each depends on `seed` and its own number alone, so more of them begin with the same.
    """
    drawn = np.empty((count, side, side, 3), np.uint8)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        picture = DRAWINGS[number % len(DRAWINGS)](rng)
        if rng.random() < _GREY_SHARE:
            picture = picture.convert("L").convert("RGB")
        if rng.random() < _PART_SHARE:
            part = int(rng.uniform(0.3, 1) * picture.width)
            left, top = rng.integers(0, picture.width - part + 1, 2).tolist()
            picture = picture.crop((left, top, left + part, top + part))
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        drawn[number] = np.asarray(_encoded(rng, picture) if rng.random() < _JPEG_SHARE else picture)
    return drawn


def _encoded(rng: Rng, picture: Image.Image) -> Image.Image:
    """Encode and decode as JPEG, lest the traces that it leaves in cells pass for a sign of cells."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(60, 97)), subsampling=0 if rng.random() < 0.5 else 2)
    return Image.open(buffer).convert("RGB")
