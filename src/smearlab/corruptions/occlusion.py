"""What hides a part of the cell: patches, grids, spots, other cells, patterns laid over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smearlab.corruptions.blur import smoothed
from smearlab.corruptions.draws import Draws, Floats, Images, Reals

_Picture = NDArray[np.uint8]


def _patch(shape: tuple[int, int], image: _Picture, generator: np.random.Generator) -> _Picture:
    """Draw what a patch is filled with: black, white, grey, the mean colour, any colour, or noise; equally often."""
    kind = generator.integers(6)
    if kind == 5:
        return generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
    mean = image.reshape(-1, 3).sum(axis=0, dtype=np.int64) // (image.shape[0] * image.shape[1])
    colours = [np.zeros(3), np.full(3, 255), np.full(3, 128), mean, generator.integers(0, 256, 3)]
    return np.broadcast_to(colours[kind].astype(np.uint8), (*shape, 3))


def erase(images: Images, shares: Reals, draws: Draws) -> Images:
    """Hide one rectangle of a share of the area (random erasing, Zhong et al. 2020; cutout, DeVries & Taylor 2017)."""
    hidden = images.copy()
    height, width = images.shape[1:3]
    for row, generator in enumerate(draws.generators):
        ratio = np.exp(generator.uniform(-1, 1) * np.log(2.5) / 2)
        tall = int(min(height, round(height * np.sqrt(shares[row]) * ratio)))
        wide = int(min(width, round(width * np.sqrt(shares[row]) / ratio)))
        top, left = generator.integers(0, height - tall + 1), generator.integers(0, width - wide + 1)
        hidden[row, top : top + tall, left : left + wide] = _patch((tall, wide), images[row], generator)
    return hidden


def grid_mask(images: Images, shares: Reals, draws: Draws) -> Images:
    """Hide squares on a turned grid (GridMask, Chen et al. 2020), black.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        shares: side of a hidden square over the grid's pitch (0–1).
        draws: of these pictures; the pitch is 16–40 published pixels.
    """
    height, width = images.shape[1:3]
    down, across = np.mgrid[:height, :width].astype(np.float32)
    pitch = draws.uniform(16, 40) * draws.unit
    angle, shift = draws.uniform(0, np.pi / 2), draws.uniform(size=2)
    hidden = images.copy()
    for row in range(len(images)):
        turn = np.cos(angle[row]), np.sin(angle[row])
        one = ((across * turn[0] + down * turn[1]) / pitch[row] + shift[row, 0]) % 1
        two = ((down * turn[0] - across * turn[1]) / pitch[row] + shift[row, 1]) % 1
        hidden[row][(one < shares[row]) & (two < shares[row])] = 0
    return hidden


def spots(images: Images, numbers: Reals, radii: Reals, draws: Draws) -> Images:
    """Lay round spots over the picture, dark, bright or coloured, with soft rims and half transparent or more.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        numbers: of spots.
        radii: the greatest, in published pixels.
        draws: of these pictures.
    """
    height, width = images.shape[1:3]
    down, across = np.mgrid[:height, :width].astype(np.float32)
    spotted = images.copy()
    for row, generator in enumerate(draws.generators):
        picture = images[row].astype(np.float32)
        for _ in range(int(numbers[row])):
            x, y, radius = generator.uniform((0, 0, 0.4), (width, height, 1.0))
            distance = np.hypot(across - np.float32(x), down - np.float32(y))
            cover = np.clip(np.float32(radius * radii[row] * draws.unit) - distance, 0, 1)[..., None]
            colour = generator.choice([np.zeros(3), np.full(3, 255.0), generator.uniform(0, 255, 3)])
            picture += cover * np.float32(generator.uniform(0.5, 1)) * (colour.astype(np.float32) - picture)
        spotted[row] = (picture + np.float32(0.5)).astype(np.uint8)
    return spotted


def _transmittance(kind: int, distance: Floats, radius: float, rough: Floats) -> Floats:
    """Return how much red, green and blue light passes a cell around: ``float32 (h, w, 3)``."""
    away = distance / np.float32(radius) + rough
    body = np.clip((1 - away) * np.float32(radius / 1.5), 0, 1)[..., None]
    if kind == 0:
        # A red cell: thin in its middle.
        depth = np.clip(np.float32(0.55) + np.float32(0.6) * away[..., None], 0, 1)
        return np.asarray(1 - body * depth * np.array([0.16, 0.28, 0.17], np.float32), np.float32)
    nucleus = np.clip((np.float32(0.72) - away - 2 * rough) * np.float32(radius / 2), 0, 1)[..., None]
    pale = 1 - body * np.array([0.30, 0.38, 0.06], np.float32)
    return np.asarray(pale * (1 - nucleus * np.array([0.58, 0.76, 0.36], np.float32)), np.float32)


def neighbours(images: Images, numbers: Reals, depths: Reals, draws: Draws) -> Images:
    """Push other cells in from the rim: red cells mostly, a nucleated one now and then.

    They are drawn, not copied: a copy of the picture's own cell would repeat the answer.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        numbers: of cells.
        depths: how far they reach in, as a share of their own diameter (0–1).
        draws: of these pictures.
    """
    height, width = images.shape[1:3]
    down, across = np.mgrid[:height, :width].astype(np.float32)
    crowded = np.empty_like(images)
    for row, generator in enumerate(draws.generators):
        picture = images[row].astype(np.float32)
        rough = 0.08 * _rough(height, width, generator)
        for _ in range(int(numbers[row])):
            kind = int(generator.random() < 0.2)
            radius = generator.uniform(0.15, 0.2) * min(height, width) * (1.5 if kind else 1.0)
            way = generator.uniform(0, 2 * np.pi)
            # From the centre along the way to the rim, then outwards until only the wanted part is inside.
            rim = min(width / 2 / max(abs(np.cos(way)), 1e-6), height / 2 / max(abs(np.sin(way)), 1e-6))
            reach = rim + radius * (1 - 2 * depths[row] * generator.uniform(0.7, 1.0))
            x, y = width / 2 + reach * np.cos(way), height / 2 + reach * np.sin(way)
            picture *= _transmittance(kind, np.hypot(across - np.float32(x), down - np.float32(y)), radius, rough)
        crowded[row] = (picture + np.float32(0.5)).astype(np.uint8)
    return crowded


def _rough(height: int, width: int, generator: np.random.Generator) -> Floats:
    """Draw smooth noise of unit spread."""
    noise = smoothed(generator.standard_normal((height, width), dtype=np.float32), min(height, width) / 12)
    return np.asarray(noise / max(float(np.sqrt((noise.astype(np.float64) ** 2).mean())), 1e-6), np.float32)


def pattern(images: Images, shares: Reals, draws: Draws) -> Images:
    """Blend in a coloured pattern with detail at every scale (the pictures mixed in by PixMix, Hendrycks et al. 2022).

    Args:
        images: ``uint8 (n, h, w, 3)``.
        shares: of the pattern (0–1).
        draws: of these pictures.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    blended = np.empty_like(images)
    for row, generator in enumerate(draws.generators):
        total = np.zeros((3, height, width), np.float32)
        for sigma in (side / 8, side / 24, side / 72):
            noise = smoothed(generator.standard_normal((3, height, width), dtype=np.float32), max(0.5, sigma))
            total += noise * np.float32(np.sqrt(sigma) / max(float(noise.std()), 1e-6))
        level = 1 / (1 + np.exp(-total.transpose(1, 2, 0) / np.float32(np.sqrt(side / 24))))
        mixed = images[row] + np.float32(shares[row]) * (255 * level - images[row])
        blended[row] = (mixed + np.float32(0.5)).astype(np.uint8)
    return blended
