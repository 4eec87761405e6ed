"""Noise of sensors and transmission."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from smearlab.corruptions.draws import Draws, Floats, Images, Reals
from smearlab.corruptions.pixels import column, images_of, planes_of


def _normals(images: Images, draws: Draws) -> Floats:
    count, height, width, _ = images.shape
    noise = np.empty((count, 3, height, width), np.float32)
    for generator, place in zip(draws.generators, noise, strict=True):
        generator.standard_normal(out=place, dtype=np.float32)
    return noise


def gaussian_noise(images: Images, sigmas: Reals, draws: Draws) -> Images:
    """Add normal noise to every value; the standard deviation is a share of the full range."""
    noise = _normals(images, draws)
    noise *= column(sigmas)
    noise += planes_of(images)
    return images_of(noise)


def speckle_noise(images: Images, sigmas: Reals, draws: Draws) -> Images:
    """Add normal noise in proportion to the value itself."""
    noise = _normals(images, draws)
    noise *= column(sigmas)
    noise += 1
    noise *= planes_of(images)
    return images_of(noise)


_DRAWS = 1 << 14


@lru_cache(maxsize=24)
def _poisson_levels(photons: float) -> NDArray[np.uint8]:
    """Return ``uint8 (256, 16384)``: for each level, what shot noise makes of it, evenly over the chances."""
    table = np.empty((256, _DRAWS), np.uint8)
    for level in range(256):
        mean = level / 255 * photons
        most = int(mean + 10 * np.sqrt(mean) + 10)
        arrived = np.arange(most + 1)
        logs = arrived * np.log(max(mean, 1e-12)) - mean - np.concatenate([[0], np.cumsum(np.log(arrived[1:]))])
        ends = np.rint(np.minimum(np.cumsum(np.exp(logs)), 1) * _DRAWS).astype(np.int64)
        ends[-1] = _DRAWS
        seen = (np.minimum(arrived / photons, 1) * 255 + 0.5).astype(np.uint8)
        table[level] = np.repeat(seen, np.diff(ends, prepend=0))
    return table


def shot_noise(images: Images, photons: Reals, draws: Draws) -> Images:
    """Count photons: a value v in 0–1 becomes a Poisson draw of mean v × photons, over photons.

    The draw is a look-up in the quantiles of the distribution, ten times faster than drawing and exact to a chance of
    1/16384. Each number of photons has a table of its own, so a batch should hold few different ones.
    """
    noisy = np.empty_like(images)
    for row, generator in enumerate(draws.generators):
        table = _poisson_levels(float(photons[row]))
        chances = generator.integers(0, _DRAWS, images[row].shape, dtype=np.uint16)
        noisy[row] = table[images[row], chances]
    return noisy


def salt_pepper(images: Images, shares: Reals, draws: Draws) -> Images:
    """Set a share of all values to 0 or 255, each channel by itself, with equal chance (scikit-image's ``s&p``)."""
    noisy = images.copy()
    for row, generator in enumerate(draws.generators):
        chances = generator.random(images[row].shape, dtype=np.float32)
        share = np.float32(shares[row])
        noisy[row][chances < share] = 255
        noisy[row][chances < share / 2] = 0
    return noisy


def camera_noise(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Noise of a small sensor: it grows with the root of brightness from a floor, in grains wider than a pixel.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        strengths: standard deviation at full brightness, a share of the range.
        draws: of these pictures.
    """
    planes = planes_of(images)
    noise = _normals(images, draws)
    # Demosaicking spreads a sensor pixel's error over its neighbours.
    noise += np.roll(noise, 1, axis=2)
    noise += np.roll(noise, 1, axis=3)
    noise *= np.float32(0.5)
    noise *= np.sqrt(np.float32(0.1) + np.float32(0.9) * planes)
    noise *= column(strengths)
    noise += planes
    return images_of(noise)
