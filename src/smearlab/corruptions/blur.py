"""Blur of focus, motion and glass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.corruptions.draws import Draws, Floats, Images, Ints, Reals
from smearlab.corruptions.pixels import images_of, planes_of


@lru_cache(maxsize=256)
def gaussian_matrix(side: int, sigma: float) -> Floats:
    """Return ``float32 (side, side)``: Gaussian smoothing along one axis as a matrix, mirrored at the ends.

    Args:
        side: pixels along the axis.
        sigma: standard deviation in pixels (> 0); the kernel ends at four of them, as SciPy's does.
    """
    reach = int(4 * sigma + 0.5)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    matrix = np.zeros((side, side))
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        # The half-sample mirror: … b a | a b c | c b …
        place = (np.arange(side) + step) % (2 * side)
        np.add.at(matrix, (np.arange(side), np.where(place < side, place, 2 * side - 1 - place)), weight)
    return matrix.astype(np.float32)


def smoothed(planes: Floats, sigma: float) -> Floats:
    """Smooth ``float32 (..., h, w)`` with a Gaussian of `sigma` pixels; 0 changes nothing."""
    if sigma <= 0:
        return planes
    height, width = planes.shape[-2:]
    down, across = gaussian_matrix(height, sigma), gaussian_matrix(width, sigma)
    return np.asarray(np.matmul(np.matmul(down, planes), across.T), np.float32)


def _by_amount(amounts: Reals) -> Iterator[tuple[float, Ints]]:
    for amount in np.unique(amounts):
        yield float(amount), np.flatnonzero(amounts == amount)


def gaussian_blur(images: Images, sigmas: Reals, draws: Draws) -> Images:
    """Blur with a Gaussian; standard deviations in published pixels."""
    blurred = np.empty_like(images)
    for sigma, rows in _by_amount(np.round(sigmas * draws.unit, 2)):
        blurred[rows] = images_of(smoothed(planes_of(images[rows]), sigma))
    return blurred


def _half_widths(radius: float) -> list[int]:
    return [math.isqrt(int(radius * radius + 1e-9) - row * row) for row in range(int(radius + 1e-9) + 1)]


def _disk_sums(padded: NDArray[np.uint8], halves: list[int], height: int, width: int) -> NDArray[np.uint32]:
    """Sum each pixel's disk from running sums along the rows: two additions a row of the disk, in exact integers."""
    reach = len(halves) - 1
    running = np.zeros((padded.shape[0], padded.shape[1] + 1, 3), np.uint32)
    np.cumsum(padded, axis=1, dtype=np.uint32, out=running[:, 1:])
    total = np.zeros((height, width, 3), np.uint32)
    for row in range(-reach, reach + 1):
        half = halves[abs(row)]
        strip = running[reach + row : reach + row + height]
        total += strip[:, reach + half + 1 : reach + half + 1 + width]
        total -= strip[:, reach - half : reach - half + width]
    return total


def disk_blur(images: Images, radius: float) -> Floats:
    """Average over the pixels at most `radius` pixels away: ``float32 (n, h, w, 3)`` in 0–255, mirrored at the rim.

    A lens out of focus makes a disk of every point (OpenCV's ``filter2D`` with the disk of Hendrycks & Dietterich).
    """
    height, width = images.shape[1:3]
    halves = _half_widths(radius)
    reach = len(halves) - 1
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    area = sum((2 * half + 1) * (1 if row == 0 else 2) for row, half in enumerate(halves))
    sums = np.empty(images.shape, np.float32)
    for place, picture in zip(sums, padded, strict=True):
        place[...] = _disk_sums(picture, halves, height, width)
    return sums * np.float32(1 / area)


def defocus(images: Images, radii: Reals, draws: Draws) -> Images:
    """Blur with a disk whose radius, in published pixels, may be a fraction.

    Between two whole radii the two blurred pictures are mixed, so that blur grows steadily.
    """
    blurred = np.empty_like(images)
    for radius, rows in _by_amount(np.round(radii * draws.unit, 1)):
        low = math.floor(radius)
        mixed = disk_blur(images[rows], low)
        if radius > low:
            mixed += np.float32(radius - low) * (disk_blur(images[rows], low + 1) - mixed)
        blurred[rows] = (mixed + np.float32(0.5)).astype(np.uint8)
    return blurred


def motion_steps(radius: float, sigma: float, degrees: float) -> tuple[Floats, Ints, Ints]:
    """Return weights and offsets (across, down) of ImageMagick's motion blur.

    A half Gaussian that begins at the pixel and trails off in one direction, sampled at whole pixels.

    Args:
        radius: of the kernel in pixels; it has ``2 ⌈radius⌉ + 1`` taps.
        sigma: standard deviation of the trail in pixels.
        degrees: direction.
    """
    taps = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-(taps**2) / (2 * sigma * sigma))
    angle = math.radians(degrees)
    across, down = (np.ceil(taps * share - 0.5).astype(np.int64) for share in (math.cos(angle), math.sin(angle)))
    return (weights / weights.sum()).astype(np.float32), across, down


def _trail(image: NDArray[np.uint8], weights: Floats, across: Ints, down: Ints) -> Floats:
    height, width, _ = image.shape
    reach = int(max(np.abs(across).max(), np.abs(down).max()))
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.float32)
    total = np.zeros(image.shape, np.float32)
    part = np.empty(image.shape, np.float32)
    for weight, right, below in zip(weights, across, down, strict=True):
        top, left = reach + below, reach + right
        np.multiply(padded[top : top + height, left : left + width], weight, out=part)
        total += part
    return total


def motion_blur(images: Images, radii: Reals, sigmas: Reals, degrees: Reals, draws: Draws) -> Images:
    """Blur along a line as ImageMagick 6 does, which cuts fractions of a level off; lengths in published pixels."""
    blurred = np.empty_like(images)
    for row, image in enumerate(images):
        steps = motion_steps(radii[row] * draws.unit, max(sigmas[row] * draws.unit, 1e-3), degrees[row])
        # The hair keeps a whole level that the sum left just short of itself.
        blurred[row] = (_trail(image, *steps) + np.float32(2e-3)).astype(np.uint8)
    return blurred


def zoom_blur(images: Images, greatest: Reals, draws: Draws, steps: int = 8) -> Images:
    """Average the picture with copies magnified up to a factor (> 1), as if zoomed while exposed."""
    height, width = images.shape[1:3]
    blurred = np.empty_like(images)
    for row, image in enumerate(images):
        picture = Image.fromarray(image)
        total = image.astype(np.float32)
        for factor in np.linspace(1, greatest[row], steps):
            cut = (width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2)
            box = (*cut, width - cut[0], height - cut[1])
            total += np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box=box))
        blurred[row] = (total / (steps + 1) + np.float32(0.5)).astype(np.uint8)
    return blurred


def _shuffled(index: Ints, reach: int, generator: np.random.Generator) -> None:
    """Exchange every place with one at most `reach` away, in place.

    Places `2 reach + 1` apart cannot meet, so all of them swap at once; the phases between take turns.
    """
    height, width = index.shape
    pitch = 2 * reach + 1
    for phase in generator.permutation(pitch * pitch):
        rows = np.arange(reach + phase // pitch, height - reach, pitch)[:, None]
        columns = np.arange(reach + phase % pitch, width - reach, pitch)[None]
        moves = generator.integers(-reach, reach, (2, rows.shape[0], columns.shape[1]))
        there = rows + moves[0], columns + moves[1]
        here = np.broadcast_arrays(rows, columns)
        index[tuple(here)], index[there] = index[there], index[tuple(here)]


def glass_blur(images: Images, sigmas: Reals, reaches: Reals, rounds: Reals, draws: Draws) -> Images:
    """Blur, exchange neighbouring pixels at random, blur again: a picture through frosted glass.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        sigmas: of the two Gaussian blurs, in published pixels.
        reaches: how far pixels move, in published pixels (at least one pixel).
        rounds: how often.
        draws: of these pictures.
    """
    soft = gaussian_blur(images, sigmas, draws)
    height, width = images.shape[1:3]
    for row, generator in enumerate(draws.generators):
        index = np.arange(height * width).reshape(height, width)
        for _ in range(int(rounds[row])):
            _shuffled(index, max(1, round(reaches[row] * draws.unit)), generator)
        soft[row] = soft[row].reshape(-1, 3)[index]
    return gaussian_blur(soft, sigmas, draws)


def unsharp(images: Images, amounts: Reals, sigmas: Reals, draws: Draws) -> Images:
    """Sharpen by unsharp masking: add the difference to a Gaussian blur, times an amount (0 changes nothing)."""

    def sharpened(planes: Floats, sigma: float, amount: Floats) -> Floats:
        return planes + amount * (planes - smoothed(planes, sigma))

    sharp = np.empty_like(images)
    for sigma, rows in _by_amount(np.round(sigmas * draws.unit, 2)):
        amount = amounts[rows].astype(np.float32).reshape(-1, 1, 1, 1)
        sharp[rows] = images_of(sharpened(planes_of(images[rows]), sigma, amount))
    return sharp
