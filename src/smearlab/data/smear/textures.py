"""Smooth random fields: noise, grains and open chromatin."""

from __future__ import annotations

import numpy as np
from PIL import Image

from smearlab.data.smear.canvas import SIDE, SIZE, SUPERSAMPLING, Field

_CUBIC_SPREAD = 0.76
"""Standard deviation that white noise keeps under cubic interpolation; dividing by it gives unit variance."""


def smooth_noise(rng: np.random.Generator, scale: float) -> Field:
    """Return noise of about zero mean and unit variance whose features are ``scale`` pixels wide."""
    cells = int(np.ceil(SIZE / scale)) + 4
    coarse = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
    left, top = rng.uniform(1, 2, size=2)
    box = (left, top, left + SIZE / scale, top + SIZE / scale)
    fine = coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    return np.asarray(fine, dtype=np.float32) / np.float32(_CUBIC_SPREAD)


def fractal_noise(rng: np.random.Generator, scale: float, octaves: int = 2) -> Field:
    """Return unit-variance noise with ever finer and weaker detail, from ``scale`` pixels downwards."""
    weights = 0.6 ** np.arange(octaves)
    total = sum(weight * smooth_noise(rng, scale / 2**step) for step, weight in enumerate(weights))
    return np.asarray(total / np.sqrt((weights**2).sum()), dtype=np.float32)


def grains(rng: np.random.Generator, spacing: float, radius: float, density: float = 1.0) -> Field:
    """Return round grains (0..1) scattered like granules: no two in quite the same place.

    Args:
        rng: the source of all randomness.
        spacing: mean distance between neighbouring grains, pixels.
        radius: radius of a grain, pixels; each varies by about a fifth.
        density: share of the places that hold a grain, 0..1.
    """
    count = int(np.ceil(SIZE / spacing)) + 3
    offset = rng.random(2)
    places = rng.uniform(0.12, 0.88, (count, count, 2)).astype(np.float32)
    sizes = (radius * rng.uniform(0.75, 1.25, (count, count))).astype(np.float32)
    sizes[rng.random((count, count)) > density] = -9
    line = (np.arange(2 * SIZE) / 2 + 0.25) / spacing + 1
    u, v = (line + offset[0]).astype(np.float32), (line + offset[1]).astype(np.float32)
    # Noise on the depth makes them lumpy instead of perfect discs.
    depth = _enlarged(_nearest_grain(u, v, places, sizes, spacing))
    depth += np.float32(0.3 * radius) * smooth_noise(rng, 1.6 * radius)
    return np.asarray(np.clip(depth * np.float32(0.6 * SUPERSAMPLING) + np.float32(0.5), 0, 1))


def _nearest_grain(u: Field, v: Field, places: Field, sizes: Field, spacing: float) -> Field:
    """Return how deep each sample (columns u, rows v) lies in the deepest of the 2×2 nearest grains, pixels."""
    column, row = u.round().astype(np.intp), v.round().astype(np.intp)
    u, v = u - column, v - row
    best = np.full((len(v), len(u)), -9, dtype=np.float32)
    for down in (-1, 0):
        for right in (-1, 0):
            # Whole rows, then whole columns: several times as fast as picking each sample by both.
            x, y, size = (
                table.take(row + down, 0).take(column + right, 1)
                for table in (places[..., 0] + right, places[..., 1] + down, sizes)
            )
            du, dv = u[None] - x, v[:, None] - y
            np.maximum(best, size - np.float32(spacing) * np.sqrt(du * du + dv * dv), out=best)
    return best


def _enlarged(field: Field) -> Field:
    """Interpolate a coarser field to the drawing surface; a distance loses nothing by it."""
    return np.array(Image.fromarray(field).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def openings(rng: np.random.Generator, scale: float, share: float, softness: float = 1.7) -> Field:
    """Return the light gaps (0..1) between chromatin clumps.

    Args:
        rng: the source of all randomness.
        scale: width of a gap, pixels.
        share: about the part of the nucleus that is open, 0..1.
        softness: how gradually a gap fades, in standard deviations of the noise.
    """
    noise = fractal_noise(rng, scale, 2)
    threshold = np.quantile(noise[::7, ::7], 1 - share)
    return np.asarray(np.clip((noise - threshold) / np.float32(softness) + 0.5, 0, 1), dtype=np.float32)
