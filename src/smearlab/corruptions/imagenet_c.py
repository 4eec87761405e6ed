"""ImageNet-C's noise, blur, digital and geometric corruptions (Hendrycks & Dietterich 2019) for pictures of 96×96.

Their constants were published for two sizes: Tiny-ImageNet-C, 64×64, and ImageNet-C, 224×224. Neither fits 96: at 64
a blur is a few pixels wide, at 224 noise is strong because there are many pixels to average over. `at_96` takes each
constant a third of the way between the two, in even ratios of side and constant. Weather is left out.
"""

from __future__ import annotations

import math

import numpy as np

from smearlab.corruptions import blur, digital, geometry, noise, tone
from smearlab.corruptions.draws import Draws, Images, Reals
from smearlab.corruptions.pixels import pick

_SHARE = math.log(96 / 64) / math.log(224 / 64)

Five = tuple[float, float, float, float, float]


def at_96(at_64: Five, at_224: Five) -> Five:
    """Return the constants for 96×96 between those published for 64×64 and 224×224 (all greater than 0)."""
    a, b, c, d, e = (small ** (1 - _SHARE) * large**_SHARE for small, large in zip(at_64, at_224, strict=True))
    return a, b, c, d, e


GAUSSIAN_NOISE = at_96((0.04, 0.08, 0.12, 0.15, 0.18), (0.08, 0.12, 0.18, 0.26, 0.38))
SHOT_NOISE = at_96((250, 100, 50, 30, 15), (60, 25, 12, 5, 3))
IMPULSE_NOISE = at_96((0.01, 0.02, 0.05, 0.08, 0.14), (0.03, 0.06, 0.09, 0.17, 0.27))
SPECKLE_NOISE = at_96((0.15, 0.2, 0.25, 0.3, 0.35), (0.15, 0.2, 0.35, 0.45, 0.6))
GAUSSIAN_BLUR = at_96((0.5, 0.75, 1, 1.25, 1.5), (1, 2, 3, 4, 6))
GLASS_SIGMA = at_96((0.1, 0.5, 0.6, 0.7, 0.9), (0.7, 0.9, 1, 1.1, 1.5))
GLASS_REACH = (1, 1, 1, 2, 3)
GLASS_ROUNDS = (1, 1, 2, 2, 2)
DEFOCUS_RADIUS = at_96((0.5, 1, 1.5, 2.5, 3), (3, 4, 6, 8, 10))
MOTION_RADIUS = at_96((10, 10, 10, 10, 12), (10, 15, 15, 15, 20))
MOTION_SIGMA = at_96((1, 1.5, 2, 2.5, 3), (3, 5, 8, 12, 15))
ZOOM = at_96((1.05, 1.1, 1.15, 1.2, 1.25), (1.1, 1.15, 1.2, 1.25, 1.3))
CONTRAST: Five = (0.4, 0.3, 0.2, 0.1, 0.05)
BRIGHTNESS: Five = (0.1, 0.2, 0.3, 0.4, 0.5)
SATURATE_FACTOR = at_96((0.3, 0.1, 2, 5, 30), (0.3, 0.1, 2, 5, 20))
SATURATE_ADDED: Five = (0, 0, 0, 0.1, 0.2)
JPEG = at_96((65, 58, 50, 40, 25), (25, 18, 15, 10, 7))
PIXELATE = at_96((0.9, 0.8, 0.7, 0.6, 0.5), (0.6, 0.5, 0.4, 0.3, 0.25))
# Tiny-ImageNet-C's alone, in sides of the picture: ImageNet-C's steps go from one kind of warp to another.
ELASTIC_SCALE: Five = (0, 0.05, 0.1, 0.1, 0.16)
ELASTIC_SIGMA: Five = (0.1, 0.3, 0.08, 0.03, 0.03)
ELASTIC_AFFINE: Five = (0.08, 0.06, 0.06, 0.03, 0.02)


def gaussian_noise(images: Images, severity: int, draws: Draws) -> Images:
    """Normal noise."""
    return noise.gaussian_noise(images, pick(GAUSSIAN_NOISE, severity, len(images)), draws)


def shot_noise(images: Images, severity: int, draws: Draws) -> Images:
    """Poisson noise of few photons."""
    return noise.shot_noise(images, pick(SHOT_NOISE, severity, len(images)), draws)


def impulse_noise(images: Images, severity: int, draws: Draws) -> Images:
    """Salt and pepper."""
    return noise.salt_pepper(images, pick(IMPULSE_NOISE, severity, len(images)), draws)


def speckle_noise(images: Images, severity: int, draws: Draws) -> Images:
    """Noise in proportion to the value."""
    return noise.speckle_noise(images, pick(SPECKLE_NOISE, severity, len(images)), draws)


def gaussian_blur(images: Images, severity: int, draws: Draws) -> Images:
    """A Gaussian."""
    return blur.gaussian_blur(images, pick(GAUSSIAN_BLUR, severity, len(images)), draws)


def defocus_blur(images: Images, severity: int, draws: Draws) -> Images:
    """A disk."""
    return blur.defocus(images, pick(DEFOCUS_RADIUS, severity, len(images)), draws)


def glass_blur(images: Images, severity: int, draws: Draws) -> Images:
    """Neighbouring pixels exchanged between two blurs."""
    tables = GLASS_SIGMA, GLASS_REACH, GLASS_ROUNDS
    sigmas, reaches, rounds = (pick(table, severity, len(images)) for table in tables)
    return blur.glass_blur(images, sigmas, reaches, rounds, draws)


def motion_blur(images: Images, severity: int, draws: Draws) -> Images:
    """A line at an angle within 45° of the horizontal."""
    radii, sigmas = (pick(table, severity, len(images)) for table in (MOTION_RADIUS, MOTION_SIGMA))
    return blur.motion_blur(images, radii, sigmas, draws.uniform(-45, 45), draws)


def zoom_blur(images: Images, severity: int, draws: Draws) -> Images:
    """Zoomed while exposed."""
    return blur.zoom_blur(images, pick(ZOOM, severity, len(images)), draws)


def contrast(images: Images, severity: int, draws: Draws) -> Images:
    """Each channel squeezed around its mean."""
    return tone.contrast_around_channels(images, pick(CONTRAST, severity, len(images)), draws)


def brightness(images: Images, severity: int, draws: Draws) -> Images:
    """More value in the HSV cone."""
    return tone.add_value(images, pick(BRIGHTNESS, severity, len(images)), draws)


def saturate(images: Images, severity: int, draws: Draws) -> Images:
    """Another saturation in the HSV cone: less at severities 1 and 2, more from 3 on."""
    factors, added = (pick(table, severity, len(images)) for table in (SATURATE_FACTOR, SATURATE_ADDED))
    return tone.saturate(images, factors, added, draws)


def jpeg_compression(images: Images, severity: int, draws: Draws) -> Images:
    """JPEG."""
    return digital.jpeg(images, np.round(pick(JPEG, severity, len(images))), draws)


def pixelate(images: Images, severity: int, draws: Draws) -> Images:
    """Blocks."""
    return digital.pixelate(images, pick(PIXELATE, severity, len(images)), draws)


def elastic_transform(images: Images, severity: int, draws: Draws) -> Images:
    """A random affine map by three points, and smooth displacements on top of it."""
    side = min(images.shape[1:3])
    scale, sigma, affine = (
        float(np.asarray(table)[severity - 1]) * side for table in (ELASTIC_SCALE, ELASTIC_SIGMA, ELASTIC_AFFINE)
    )
    warped = geometry.warp(images, _three_points(side // 3, draws.uniform(-affine, affine, (3, 2))))
    if not scale:
        return warped
    fields = [generator.uniform(-1, 1, (2, *images.shape[1:3])) for generator in draws.generators]
    smooth = blur.smoothed(np.stack(fields).astype(np.float32), sigma)
    return geometry.displaced(warped, smooth * np.float32(scale))


def _three_points(reach: int, moves: Reals) -> Reals:
    """Return the maps, result → picture, that undo moving three corners of a square by `moves`, ``(n, 3, 2)``."""
    before = np.array([[reach, reach], [reach, -reach], [-reach, -reach]], np.float64)
    after = np.concatenate([before + moves, np.ones((*moves.shape[:2], 1))], axis=2)
    return np.linalg.solve(after, np.broadcast_to(before, moves.shape)).transpose(0, 2, 1)
