"""What lies on a slide or in its mounting: deposits of stain, bubbles, dust."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from smearlab.corruptions.blur import smoothed
from smearlab.corruptions.draws import Draws, Images, Reals

BUBBLE_ALPHA = 100
BUBBLE_RIM_ALPHA = 130
_FILLED = 0.6


def blot(side: int, generator: np.random.Generator, filled: float = _FILLED) -> NDArray[np.bool_]:
    """Draw a ragged blot: ``bool (side, side)`` of which the share `filled` is True.

    Smooth noise is added to a cone and the highest places are kept, so the blot is round on the whole, frayed at its
    rim, and now and then in pieces, like stain that dried.
    """
    rough = generator.standard_normal((side, side), dtype=np.float32)
    noise = smoothed(rough, max(0.5, side / 12))
    middle = (side - 1) / 2
    steps = (np.arange(side, dtype=np.float32) - middle) / max(middle, 0.5)
    cone = np.hypot(steps[:, None], steps[None])
    height = noise / max(float(noise.std()), 1e-6) * 0.28 - cone
    kept = round(filled * side * side)
    return np.asarray(height >= np.sort(height, axis=None)[-kept])


def stain_deposits(images: Images, sides: Reals, numbers: Reals, draws: Draws) -> Images:
    """Cover places with black blots about 60 % filled, at least ten published pixels from the rim.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        sides: of the blots' squares, in published pixels.
        numbers: of blots on each picture.
        draws: of these pictures.
    """
    covered = images.copy()
    height, width = images.shape[1:3]
    for row, generator in enumerate(draws.generators):
        side = max(1, min(round(sides[row] * draws.unit), height, width))
        # In a picture too small for the margin, the blot lies in the middle.
        margin = [min(round(10 * draws.unit), (length - side) // 2) for length in (height, width)]
        for _ in range(int(numbers[row])):
            top = generator.integers(margin[0], height - side - margin[0], endpoint=True)
            left = generator.integers(margin[1], width - side - margin[1], endpoint=True)
            covered[row, top : top + side, left : left + side][blot(side, generator)] = 0
    return covered


def _bubble_mask(width: int, height: int, radii: Reals, places: Reals, rim: int) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    for radius, (across, down) in zip(radii.astype(int), places, strict=True):
        x = round(radius + across * max(0, width - 2 * radius))
        y = round(radius + down * max(0, height - 2 * radius))
        for reach, alpha in ((radius + rim, BUBBLE_RIM_ALPHA), (radius, BUBBLE_ALPHA)):
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=alpha)
    return mask


def bubbles(images: Images, radii: Reals, numbers: Reals, draws: Draws) -> Images:
    """Lay white, half-transparent bubbles with a denser rim over the picture; a later one covers an earlier one.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        radii: the greatest radius in published pixels; the least is three.
        numbers: of bubbles on each picture.
        draws: of these pictures.
    """
    covered = np.empty_like(images)
    height, width = images.shape[1:3]
    for row, generator in enumerate(draws.generators):
        number = int(numbers[row])
        whole = generator.integers(3, max(3, int(radii[row])), number, endpoint=True)
        mask = _bubble_mask(
            width, height, np.round(whole * draws.unit), generator.random((number, 2)), max(1, round(2 * draws.unit))
        )
        picture = Image.fromarray(images[row])
        picture.paste((255, 255, 255), (0, 0), mask)
        covered[row] = np.asarray(picture)
    return covered


def _speck(width: int, height: int, reach: float, generator: np.random.Generator) -> Image.Image:
    """Draw one speck, or a fibre one time in four, at twice the size and make it smaller: soft rims."""
    sheet = Image.new("L", (width * 2, height * 2), 0)
    draw = ImageDraw.Draw(sheet)
    x, y = generator.uniform(0, width * 2), generator.uniform(0, height * 2)
    if generator.random() < 0.25:
        angles = np.cumsum(np.r_[generator.uniform(0, 6.3), generator.normal(0, 0.35, 7)])
        path = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), axis=0) * reach
        draw.line([(x + dx, y + dy) for dx, dy in path], fill=255, width=max(1, round(reach / 3)))
    else:
        turns = np.sort(generator.uniform(0, 2 * np.pi, 8))
        reaches = reach * generator.uniform(0.6, 1.4, 8)
        corners = zip(x + reaches * np.cos(turns), y + reaches * np.sin(turns), strict=True)
        draw.polygon([(float(across), float(down)) for across, down in corners], fill=255)
    return sheet.resize((width, height), Image.Resampling.BILINEAR)


def dust(images: Images, numbers: Reals, reaches: Reals, draws: Draws) -> Images:
    """Scatter dark specks and fibres, some of them out of focus, that let part of the light through.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        numbers: of specks on each picture.
        reaches: size of a speck in published pixels.
        draws: of these pictures.
    """
    height, width = images.shape[1:3]
    dusty = np.empty_like(images)
    for row, generator in enumerate(draws.generators):
        picture = Image.fromarray(images[row])
        for _ in range(int(numbers[row])):
            size = 2 * reaches[row] * draws.unit * generator.uniform(0.5, 1.5)
            soft = ImageFilter.GaussianBlur(generator.uniform(0, 1.5) * draws.unit)
            dense = generator.uniform(0.45, 0.95)
            mask = (
                _speck(width, height, size, generator).filter(soft).point([int(level * dense) for level in range(256)])
            )
            tone = int(generator.uniform(15, 90))
            picture.paste((tone, tone, tone), (0, 0), mask)
        dusty[row] = np.asarray(picture)
    return dusty
