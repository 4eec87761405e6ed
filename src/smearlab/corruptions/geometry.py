"""Where a cell lies, how large and how straight it is, and what fills the places its picture does not reach."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.corruptions.blur import smoothed
from smearlab.corruptions.draws import Draws, Floats, Images, Ints, Reals
from smearlab.corruptions.pixels import border_colours, each

_Picture = NDArray[np.uint8]


def surroundings(side: int, reach: int) -> Ints:
    """Return ``int64 (side + 2 reach,)``: which pixel of an axis stands for each place on it and `reach` beyond it.

    The outer sixth is mirrored back and forth. It shows background and red cells; mirroring more of the picture would
    put pieces of the cell itself along the new rim, and black would show where the picture ended.
    """
    place = np.arange(-reach, side + reach)
    period = max(1, side // 6)

    def folded(beyond: Ints) -> Ints:
        within = beyond % (2 * period)
        return np.where(within < period, within, 2 * period - 1 - within)

    before, after = folded(-place - 1), side - 1 - folded(place - side)
    return np.where(place < 0, before, np.where(place >= side, after, place))


def widened(image: _Picture, reach: int) -> _Picture:
    """Return a picture with `reach` pixels of surroundings on every side."""
    height, width = image.shape[:2]
    return image.take(surroundings(height, reach), axis=0).take(surroundings(width, reach), axis=1)


def magnify(images: Images, factors: Reals | float) -> Images:
    """Show the same cells as through another objective: magnified around the centre.

    Above 1 the middle is enlarged; below 1 the picture is made smaller (averaging) amid continued surroundings.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        factors: one for all or ``(n,)``, greater than 0.

    Returns:
        ``uint8 (n, h, w, 3)``.
    """
    height, width = images.shape[1:3]
    each_factor = np.broadcast_to(np.asarray(factors, np.float64), (len(images),))

    def magnified(picture: Image.Image, row: int) -> Image.Image:
        shown_width, shown_height = width / each_factor[row], height / each_factor[row]
        reach = max(0, math.ceil((max(shown_width - width, shown_height - height)) / 2))
        source = Image.fromarray(widened(images[row], reach)) if reach else picture
        left, top = (source.width - shown_width) / 2, (source.height - shown_height) / 2
        box = (left, top, left + shown_width, top + shown_height)
        return source.resize((width, height), Image.Resampling.BICUBIC, box=box)

    return each(images, magnified)


def crop(images: Images, shares: Reals, places: Reals) -> Images:
    """Cut out a part and enlarge it to the whole.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        shares: side of the part over the side of the picture (0–1].
        places: ``float64 (n, 2)`` in 0–1: from the left to the right, from the top to the bottom.
    """
    height, width = images.shape[1:3]

    def cut(picture: Image.Image, row: int) -> Image.Image:
        shown = (width * shares[row], height * shares[row])
        left, top = places[row] * (width - shown[0], height - shown[1])
        box = (left, top, left + shown[0], top + shown[1])
        return picture.resize((width, height), Image.Resampling.BICUBIC, box=box)

    return each(images, cut)


def warp(images: Images, matrices: Reals, fills: Reals | None = None) -> Images:
    """Resample by an affine map about the centre, bilinear.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        matrices: ``float64 (n, 2, 3)``: place in the result (across, down; from the centre, in pixels) → place in the
            picture.
        fills: ``float64 (n, 3)`` in 0–255: colour of places outside the picture; a negative one, or None, stands for
            continued surroundings.
    """
    height, width = images.shape[1:3]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    corners = np.array([[x, y, 1] for x in (-width / 2, width / 2) for y in (-height / 2, height / 2)])
    reaches = np.abs(corners @ matrices.transpose(0, 2, 1)).max(axis=1) - (width / 2, height / 2)
    continued = np.ones(len(images), bool) if fills is None else fills[:, 0] < 0

    def warped(picture: Image.Image, row: int) -> Image.Image:
        matrix = matrices[row]
        reach = max(0, math.ceil(reaches[row].max()) + 1) if continued[row] else 0
        source = Image.fromarray(widened(images[row], reach)) if reach else picture
        # Pillow's map goes from corner to corner of pixels; half a pixel either way makes it centre to centre.
        shift = middle + reach + matrix[:, 2] - matrix[:, :2] @ middle
        shift += 0.5 - matrix[:, :2] @ (0.5, 0.5)
        data = (*matrix[0, :2], shift[0], *matrix[1, :2], shift[1])
        fill = None if fills is None or continued[row] else tuple(int(level) for level in fills[row])
        kind = Image.Transform.AFFINE
        return source.transform((width, height), kind, data, Image.Resampling.BILINEAR, fillcolor=fill)

    return each(images, warped)


def fills_for(images: Images, draws: Draws) -> Reals:
    """Draw what stands outside each picture: surroundings for one half, black, white or the slide's colour."""
    kind = draws.uniform()
    fills = np.full((len(images), 3), -1.0)
    fills[kind >= 0.5] = 0.0
    fills[kind >= 0.7] = 255.0
    slide = kind >= 0.8
    fills[slide] = border_colours(images)[slide]
    return fills


def rotation(degrees: Reals) -> Reals:
    """Return matrices ``float64 (n, 2, 3)`` for `warp`."""
    angle = np.radians(degrees)
    zero = np.zeros_like(angle)
    rows = [[np.cos(angle), -np.sin(angle), zero], [np.sin(angle), np.cos(angle), zero]]
    return np.array(rows).transpose(2, 0, 1)


def shearing(across: Reals, down: Reals) -> Reals:
    """Return matrices ``float64 (n, 2, 3)`` for `warp`; amounts in pixels a pixel."""
    one, zero = np.ones_like(across), np.zeros_like(across)
    return np.array([[one, across, zero], [down, one, zero]]).transpose(2, 0, 1)


def shifting(across: Reals, down: Reals) -> Reals:
    """Return matrices ``float64 (n, 2, 3)`` for `warp`; amounts in pixels."""
    one, zero = np.ones_like(across), np.zeros_like(across)
    return np.array([[one, zero, across], [zero, one, down]]).transpose(2, 0, 1)


def flip(images: Images, across: NDArray[np.bool_], down: NDArray[np.bool_]) -> Images:
    """Mirror the pictures that are named, left to right and top to bottom."""
    mirrored = images.copy()
    mirrored[across] = mirrored[across][:, :, ::-1]
    mirrored[down] = mirrored[down][:, ::-1]
    return mirrored


def displaced(images: Images, fields: Floats) -> Images:
    """Sample every pixel somewhere else, bilinear, mirrored at the rim.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        fields: ``float32 (n, 2, h, w)``: how far to look down and across, in pixels.
    """
    height, width = images.shape[1:3]
    grid = np.mgrid[:height, :width].astype(np.float32)
    moved = np.empty_like(images)
    for row, field in enumerate(fields):
        places = [_folded(grid[axis] + field[axis], side) for axis, side in ((0, height), (1, width))]
        moved[row] = _bilinear(images[row], places[0], places[1])
    return moved


def _folded(place: Floats, side: int) -> Floats:
    last = np.float32(side - 1)
    return np.asarray(np.clip(last - np.abs(last - np.abs(place)), 0, last), np.float32)


def _bilinear(image: _Picture, down: Floats, across: Floats) -> _Picture:
    height, width, _ = image.shape
    top, left = down.astype(np.intp), across.astype(np.intp)
    below, right = (down - top)[..., None], (across - left)[..., None]
    next_row, next_column = np.where(top + 1 < height, width, 0), (left + 1 < width).astype(np.intp)
    flat, corner = image.reshape(-1, 3), top * width + left
    upper = flat[corner] * (1 - right) + flat[corner + next_column] * right
    lower = flat[corner + next_row] * (1 - right) + flat[corner + next_row + next_column] * right
    result: _Picture = (upper * (1 - below) + lower * below + np.float32(0.5)).astype(np.uint8)
    return result


def elastic_fields(images: Images, sigmas: Reals, draws: Draws) -> Floats:
    """Draw smooth random displacements of unit spread: ``float32 (n, 2, h, w)``; `sigmas` in pixels say how smooth."""
    count, height, width, _ = images.shape
    fields = np.empty((count, 2, height, width), np.float32)
    for row, generator in enumerate(draws.generators):
        fields[row] = smoothed(generator.standard_normal((2, height, width), dtype=np.float32), float(sigmas[row]))
    spread = np.sqrt((fields.astype(np.float64) ** 2).mean(axis=(2, 3), keepdims=True))
    return np.asarray(fields / np.maximum(spread, 1e-6), np.float32)
