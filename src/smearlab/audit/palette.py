"""Colours, grounds and shapes that the drawn pictures share."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import ImageDraw

Rng: TypeAlias = np.random.Generator
Colour: TypeAlias = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


def colour(rng: Rng, saturation: float | None = None) -> Colour:
    """Draw a colour: any hue, from grey to full, rather bright."""
    vivid = rng.beta(0.8, 1.0) if saturation is None else saturation
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), vivid, rng.beta(1.4, 0.8))
    return int(255 * red), int(255 * green), int(255 * blue)


def ground(rng: Rng) -> Colour:
    """Draw the colour of a ground: often white, seldom black, else grey or any colour."""
    kind = rng.random()
    if kind < 0.35:
        return WHITE
    if kind < 0.45:
        return BLACK
    if kind < 0.65:
        grey = int(rng.integers(256))
        return grey, grey, grey
    return colour(rng)


def shape(
    rng: Rng, pen: ImageDraw.ImageDraw, place: NDArray[np.float64], size: float, fill: Colour, outline: Colour | None
) -> None:
    """Draw an ellipse, a box, a polygon or a sector.

    Args:
        rng: decides which, and its proportions.
        pen: draws it.
        place: ``float64 (2,)`` x and y of its middle.
        size: about half its extent in pixels.
        fill: its colour.
        outline: of its outline; None for none.
    """
    (x, y), (wide, high) = place, size * rng.uniform(0.5, 1, 2)
    box = (float(x - wide), float(y - high), float(x + wide), float(y + high))
    inside = None if outline is not None and rng.random() < 0.3 else fill
    kind, width = int(rng.integers(5)), int(rng.integers(1, 6))
    if kind == 0:
        pen.ellipse(box, inside, outline, width)
    elif kind == 1:
        pen.rectangle(box, inside, outline, width)
    elif kind == 2:
        pen.rounded_rectangle(box, 0.3 * min(wide, high), inside, outline, width)
    elif kind == 3:
        pen.polygon([(float(x + wide * px), float(y + high * py)) for px, py in _corners(rng)], inside, outline)
    else:
        begin, end = np.sort(rng.uniform(0, 360, 2)).tolist()
        pen.pieslice(box, begin, end, inside, outline, width)


def _corners(rng: Rng) -> list[tuple[float, float]]:
    angles = np.sort(rng.random(int(rng.integers(3, 9)))) * 2 * np.pi
    radii = rng.uniform(0.3, 1, len(angles))
    return list(zip((radii * np.cos(angles)).tolist(), (radii * np.sin(angles)).tolist(), strict=True))
