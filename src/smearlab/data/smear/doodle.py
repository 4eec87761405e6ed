"""A picture that is no cell at all: what ends up in real collections by mistake."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from smearlab.data.cells import UInt8Array
from smearlab.data.smear.canvas import SIZE

_SCALE = 4
_SKIN, _SHADE, _INK, _PAPER = (126, 190, 72), (92, 150, 52), (30, 40, 30), (180, 222, 246)


def draw_doodle() -> UInt8Array:
    """Return a cartoon of a green one-eyed monster, ``uint8 (96, 96, 3)``; always the same."""
    picture = Image.new("RGB", (SIZE * _SCALE, SIZE * _SCALE), _PAPER)
    pen = ImageDraw.Draw(picture)
    _head(pen)
    _face(pen)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=np.uint8)


def _head(pen: ImageDraw.ImageDraw) -> None:
    """Draw antennae with bobbles, a pear-shaped head and a striped collar."""
    for x0, x1 in ((150, 96), (234, 288)):
        pen.line([(x0, 110), (x1, 40)], fill=_SHADE, width=14)
        pen.ellipse([x1 - 22, 16, x1 + 22, 60], fill=(236, 96, 88), outline=_INK, width=5)
    pen.rounded_rectangle([110, 300, 274, 400], 30, fill=(96, 84, 168), outline=_INK, width=6)
    pen.line([(116, 346), (268, 346)], fill=(244, 206, 92), width=16)
    pen.ellipse([62, 84, 322, 330], fill=_SKIN, outline=_INK, width=8)
    pen.chord([70, 150, 314, 324], 20, 160, fill=_SHADE)


def _face(pen: ImageDraw.ImageDraw) -> None:
    """Draw one big eye, freckles and a grin with two teeth."""
    pen.ellipse([132, 112, 252, 232], fill=(255, 255, 250), outline=_INK, width=6)
    pen.ellipse([170, 146, 226, 202], fill=(70, 120, 200))
    pen.ellipse([186, 160, 212, 188], fill=_INK)
    for x, y in ((96, 200), (112, 222), (284, 204), (268, 226)):
        pen.ellipse([x, y, x + 12, y + 12], fill=_SHADE)
    pen.chord([116, 186, 268, 308], 12, 168, fill=(120, 40, 60), outline=_INK, width=6)
    for x in (160, 204):
        pen.rectangle([x, 264, x + 22, 284], fill=(255, 255, 250), outline=_INK, width=3)
