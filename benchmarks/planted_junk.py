"""Pictures that are no blood cells, drawn anew from a random generator: what people leave in a folder of cells.

The families are parted in two, `TUNING` and `MEASURING`: who sets a threshold looks at the first, and the figures come
from the second, whose drawing code and photographs are others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array

Drawing: TypeAlias = "Callable[[np.random.Generator], Image.Image]"
Colour: TypeAlias = tuple[int, int, int]

SIDE = 256
"""Side on which everything is drawn, before it is scaled to the cells' size."""
_TEXT = (
    "please delete this picture not found sample scan of page result error loading patient report name date slide "
    "microscope camera file folder draft copy meeting notes total count ward lot number licence expired click here"
)
_WORDS = tuple(_TEXT.split())


def shapes(rng: np.random.Generator) -> Image.Image:
    """Circles, boxes, triangles and lines in flat colours."""
    canvas, pen = _canvas(_colour(rng))
    for _ in range(rng.integers(2, 9)):
        box = _box(rng)
        kind = rng.integers(4)
        if kind == 0:
            pen.ellipse(box, fill=_colour(rng))
        elif kind == 1:
            pen.rectangle(box, fill=_colour(rng), outline=_colour(rng), width=3)
        elif kind == 2:
            pen.polygon(_points(rng, 3), fill=_colour(rng))
        else:
            pen.line(_points(rng, 2), fill=_colour(rng), width=int(rng.integers(3, 14)))
    return canvas


def text(rng: np.random.Generator) -> Image.Image:
    """A page or a note of words."""
    dark = rng.random() < 0.25
    canvas, pen = _canvas((20, 20, 30) if dark else _light(rng))
    size, ink = int(rng.integers(14, 44)), (230, 230, 230) if dark else _dark(rng)
    for top in range(12, SIDE - size, int(size * 1.3)):
        line = " ".join(str(word) for word in rng.choice(_WORDS, 1 + 90 // size))
        pen.text((12, top), line, fill=ink, font=_font(size))
    return canvas


def barcode(rng: np.random.Generator) -> Image.Image:
    """Black bars of several widths on white, with digits below."""
    canvas, pen = _canvas((255, 255, 255))
    left, bottom = 20, int(rng.integers(150, 225))
    while left < SIDE - 22:
        width = int(rng.integers(2, 8))
        pen.rectangle((left, 30, left + width - 1, bottom), fill=(0, 0, 0))
        left += width + int(rng.integers(2, 8))
    pen.text((40, bottom + 4), "".join(str(digit) for digit in rng.integers(0, 10, 12)), fill=(0, 0, 0), font=_font(22))
    return canvas.rotate(90) if rng.random() < 0.3 else canvas


def screenshot(rng: np.random.Generator) -> Image.Image:
    """A window with title bar, menu, buttons and rows of text."""
    canvas, pen = _canvas(_colour(rng))
    left, top = (int(edge) for edge in rng.integers(4, 30, 2))
    right, bottom = (SIDE - int(edge) for edge in rng.integers(4, 30, 2))
    pen.rectangle((left, top, right, bottom), fill=(245, 245, 245), outline=(90, 90, 90))
    pen.rectangle((left, top, right, top + 22), fill=_dark(rng))
    for button in range(3):
        pen.ellipse((right - 18 - 16 * button, top + 6, right - 8 - 16 * button, top + 16), fill=_colour(rng))
    pen.rectangle((left, top + 23, left + int(rng.integers(40, 80)), bottom), fill=(225, 228, 235))
    for row in range(top + 34, bottom - 14, 18):
        pen.text((left + 90, row), str(rng.choice(_WORDS)), fill=(40, 40, 40), font=_font(14))
        pen.rectangle((left + 8, row + 3, left + 8 + int(rng.integers(15, 40)), row + 9), fill=(150, 155, 170))
    return canvas


def chart(rng: np.random.Generator) -> Image.Image:
    """Bars, a line or a pie with axes."""
    canvas, pen = _canvas((255, 255, 255))
    kind, values = rng.integers(3), rng.uniform(0.1, 1, int(rng.integers(4, 10)))
    if kind == 2:
        turns = np.concatenate([[0], np.cumsum(values / values.sum())]) * 360
        for begin, end in pairwise(turns.tolist()):
            pen.pieslice((40, 30, 216, 206), begin, end, fill=_colour(rng))
        return canvas
    pen.line([(30, 15), (30, 220), (245, 220)], fill=(0, 0, 0), width=2)
    places = np.linspace(45, 225, len(values))
    heights = 220 - 190 * values
    if kind == 0:
        colour = _colour(rng)
        for x, y in zip(places, heights, strict=True):
            pen.rectangle((x - 8, y, x + 8, 219), fill=colour)
    else:
        for _ in range(3):
            heights = 220 - 190 * rng.uniform(0.1, 1, len(values))
            pen.line(list(zip(places.tolist(), heights.tolist(), strict=True)), fill=_colour(rng), width=4)
    pen.text((80, 226), str(rng.choice(_WORDS)), fill=(0, 0, 0), font=_font(18))
    return canvas


def face(rng: np.random.Generator) -> Image.Image:
    """A drawn face, as of a joke."""
    canvas, pen = _canvas(_colour(rng))
    pen.ellipse((38, 38, 218, 218), fill=(255, int(rng.integers(190, 235)), int(rng.integers(40, 170))), outline=0)
    for eye in (95, 161):
        size = int(rng.integers(6, 16))
        pen.ellipse((eye - size, 100 - size, eye + size, 100 + size), fill=(20, 20, 20))
    begin, end = (20, 160) if rng.random() < 0.6 else (200, 340)
    pen.arc((90, 120, 166, 190), begin, end, fill=(120, 20, 20), width=int(rng.integers(4, 12)))
    return canvas


def matrix_code(rng: np.random.Generator) -> Image.Image:
    """A square code of black and white modules with its three finders."""
    modules = int(rng.integers(21, 34))
    bits = rng.integers(0, 2, (modules, modules))
    finder = np.pad(np.pad(np.ones((3, 3), int), 1), 1, constant_values=1)
    for top, left in ((0, 0), (0, modules - 7), (modules - 7, 0)):
        bits[top : top + 7, left : left + 7] = finder
    grey = Image.fromarray(np.pad(255 - 255 * bits, 3, constant_values=255).astype(np.uint8))
    return grey.resize((SIDE, SIDE), Image.Resampling.NEAREST).convert("RGB")


def table(rng: np.random.Generator) -> Image.Image:
    """A sheet of numbers with ruled lines."""
    canvas, pen = _canvas((255, 255, 255))
    wide, high = int(rng.integers(36, 70)), int(rng.integers(18, 32))
    for row, top in enumerate(range(0, SIDE, high)):
        for left in range(0, SIDE, wide):
            fill = (205, 220, 240) if row == 0 else (255, 255, 255)
            pen.rectangle((left, top, left + wide, top + high), fill=fill, outline=(150, 150, 150))
            pen.text((left + 4, top + 3), f"{rng.uniform(0, 100):.1f}", fill=(30, 30, 30), font=_font(high - 10))
    return canvas


def landscape(rng: np.random.Generator) -> Image.Image:
    """A child's landscape: sky, sun, hills, a house."""
    canvas, pen = _canvas((130, int(rng.integers(180, 220)), 250))
    x, y, r = int(rng.integers(30, 220)), int(rng.integers(25, 70)), int(rng.integers(14, 30))
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 225, 60))
    for _ in range(3):
        middle, half = int(rng.integers(0, SIDE)), int(rng.integers(70, 150))
        pen.ellipse((middle - half, 150, middle + half, 400), fill=(40, int(rng.integers(110, 190)), 60))
    left, wall = int(rng.integers(30, 150)), int(rng.integers(50, 80))
    pen.rectangle((left, 170, left + wall, 230), fill=_light(rng), outline=(60, 40, 30))
    pen.polygon([(left - 10, 170), (left + wall // 2, 125), (left + wall + 10, 170)], fill=(170, 50, 40))
    pen.rectangle((left + 12, 190, left + 28, 230), fill=(90, 60, 40))
    return canvas


def street_map(rng: np.random.Generator) -> Image.Image:
    """Streets, blocks, a river and names of places."""
    canvas, pen = _canvas((236, 232, 222))
    for _ in range(5):
        pen.polygon(_points(rng, 4), fill=(200, 225, int(rng.integers(180, 205))))
    pen.line(_points(rng, 5), fill=(150, 195, 235), width=16, joint="curve")
    for _ in range(rng.integers(8, 15)):
        ends = _points(rng, 2)
        pen.line(ends, fill=(180, 175, 165), width=9)
        pen.line(ends, fill=(255, 255, 255) if rng.random() < 0.7 else (250, 215, 120), width=6)
    for _ in range(4):
        pen.text(_points(rng, 1)[0], str(rng.choice(_WORDS)), fill=(70, 70, 70), font=_font(16))
    return canvas


def score_sheet(rng: np.random.Generator) -> Image.Image:
    """Staves with notes."""
    canvas, pen = _canvas((252, 250, 240))
    for top in range(24, 230, 70):
        for line in range(5):
            pen.line([(8, top + 9 * line), (248, top + 9 * line)], fill=(0, 0, 0), width=1)
        for left in range(24, 236, int(rng.integers(18, 34))):
            height = top + 4.5 * int(rng.integers(0, 9))
            pen.ellipse((left - 6, height - 4, left + 6, height + 4), fill=(0, 0, 0))
            pen.line([(left + 6, height), (left + 6, height - 28)], fill=(0, 0, 0), width=2)
    return canvas


def branches(rng: np.random.Generator) -> Image.Image:
    """A bare tree against the sky."""
    canvas, pen = _canvas((int(rng.integers(170, 235)), int(rng.integers(190, 230)), 240))
    spread, shrink = rng.uniform(0.3, 0.7), rng.uniform(0.68, 0.78)

    def grow(x: float, y: float, angle: float, length: float) -> None:
        if length < 5:
            return
        far_x, far_y = x + length * math.cos(angle), y - length * math.sin(angle)
        pen.line([(x, y), (far_x, far_y)], fill=(70, 50, 35), width=max(1, int(length / 7)))
        for side in (-spread, spread):
            grow(far_x, far_y, angle + side + rng.normal(0, 0.12), length * shrink)

    grow(128, 250, math.pi / 2, 62)
    return canvas


def halftone(rng: np.random.Generator) -> Image.Image:
    """A comic's panel: printed dots, a bubble and a shout."""
    canvas, pen = _canvas(_light(rng))
    ink, pitch = _colour(rng), int(rng.integers(8, 15))
    for top in range(0, SIDE, pitch):
        for left in range((top // pitch % 2) * pitch // 2, SIDE, pitch):
            r = pitch * (0.15 + 0.4 * top / SIDE)
            pen.ellipse((left - r, top - r, left + r, top + r), fill=ink)
    pen.ellipse((35, 40, 221, 140), fill=(255, 255, 255), outline=(0, 0, 0), width=4)
    pen.polygon([(110, 132), (150, 132), (90, 190)], fill=(255, 255, 255))
    shout = str(rng.choice(["WOW!", "BOOM!", "OOPS!", "HA HA", "POW!", "NO!!"]))
    pen.text((62, 62), shout, fill=(210, 20, 20), font=_font(46))
    return canvas


def wood(rng: np.random.Generator) -> Image.Image:
    """Grain of wood."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    rings = np.sin((columns * rng.uniform(8, 20) + 0.6 * np.sin(rows * rng.uniform(2, 7))) * 2 * np.pi)
    grain = rng.normal(0, 0.15, (1, SIDE)) + 0.35 * rings
    base = np.array([rng.uniform(120, 180), rng.uniform(80, 120), rng.uniform(40, 75)])
    whole = Image.fromarray(np.clip(base * (1 + 0.5 * grain[..., None]), 0, 255).astype(np.uint8))
    return whole.filter(ImageFilter.GaussianBlur(1))


def clock(rng: np.random.Generator) -> Image.Image:
    """A dial with hands: round, like a cell."""
    canvas, pen = _canvas(_light(rng))
    pen.ellipse((28, 28, 228, 228), fill=_light(rng), outline=_dark(rng), width=8)
    for hour in range(12):
        angle = hour * math.pi / 6
        place = (118 + 82 * math.sin(angle), 116 - 82 * math.cos(angle))
        pen.text(place, str(hour or 12), fill=(20, 20, 20), font=_font(20))
    for length, width in ((50, 8), (75, 4)):
        angle = rng.uniform(0, 2 * math.pi)
        pen.line([(128, 128), (128 + length * math.sin(angle), 128 - length * math.cos(angle))], fill=0, width=width)
    return canvas


TUNING: dict[str, Drawing] = {
    "shapes": shapes,
    "text": text,
    "barcode": barcode,
    "screenshot": screenshot,
    "chart": chart,
    "landscape": landscape,
    "wood": wood,
}
"""Families to set thresholds by."""
MEASURING: dict[str, Drawing] = {
    "face": face,
    "matrix code": matrix_code,
    "table": table,
    "map": street_map,
    "score": score_sheet,
    "tree": branches,
    "comic": halftone,
    "clock": clock,
}
"""Families for figures only."""


def drawn(draw: Drawing, side: int, rng: np.random.Generator) -> UInt8Array:
    """Draw one picture of a family and scale it: ``uint8 (side, side, 3)``."""
    return np.asarray(draw(rng).convert("RGB").resize((side, side), Image.Resampling.LANCZOS))


def _canvas(colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (SIDE, SIDE), colour)
    return canvas, ImageDraw.Draw(canvas)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def _colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue


def _light(rng: np.random.Generator) -> Colour:
    return _colour(rng, 205, 256)


def _dark(rng: np.random.Generator) -> Colour:
    return _colour(rng, 0, 90)


def _box(rng: np.random.Generator) -> tuple[int, int, int, int]:
    left, top = (int(edge) for edge in rng.integers(0, 190, 2))
    wide, high = (int(edge) for edge in rng.integers(25, 120, 2))
    return left, top, left + wide, top + high


def _points(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in rng.uniform(0, SIDE, (count, 2))]
