"""MedMNIST-C's eleven corruptions of blood cells with their published parameters (Di Salvo et al. 2024).

The tables are those of the paper's package for BloodMNIST. Its lengths were set for pictures of 224×224.
"""

from __future__ import annotations

import numpy as np

from smearlab.corruptions import blur, debris, digital, tone
from smearlab.corruptions.draws import Draws, Function, Images, Reals
from smearlab.corruptions.pixels import pick

PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)
JPEG = (50, 30, 15, 10, 7)
DEFOCUS = (2, 3, 4, 5, 6)
"""Radii. The paper's further blur of the disk (0.01 and 0.1 pixels) is too narrow to change its weights."""
MOTION = ((3, 3), (5, 5), (10, 5), (10, 7), (10, 9))
BRIGHTNESS_UP = (1.1, 1.2, 1.3, 1.35, 1.4)
BRIGHTNESS_DOWN = (0.9, 0.8, 0.7, 0.6, 0.5)
CONTRAST_UP = (1.1, 1.15, 1.2, 1.25, 1.3)
CONTRAST_DOWN = (0.9, 0.8, 0.7, 0.6, 0.5)
SATURATE = (0.05, 0.10, 0.15, 0.17, 0.20)
STAIN_DEPOSITS = (1, 2, 3, 3, 3)
STAIN_SIDES = (24, 24, 24, 24, 32)
BUBBLES = ((5, 10), (7, 10), (10, 10), (12, 12), (15, 12))
LEAST_BUBBLES = 7


def pixelate(images: Images, severity: int, draws: Draws) -> Images:
    """Blocks."""
    return digital.pixelate(images, pick(PIXELATE, severity, len(images)), draws)


def jpeg_compression(images: Images, severity: int, draws: Draws) -> Images:
    """JPEG."""
    return digital.jpeg(images, pick(JPEG, severity, len(images)), draws)


def defocus_blur(images: Images, severity: int, draws: Draws) -> Images:
    """A disk; fractions of a level are cut off, as in the original."""
    radius = DEFOCUS[severity - 1] * draws.unit
    if radius == int(radius):
        # A hair is added, because a sum of equal weights may end just below the level that it stands for.
        return (blur.disk_blur(images, radius) + np.float32(1e-3)).astype(np.uint8)
    return blur.defocus(images, pick(DEFOCUS, severity, len(images)), draws)


def motion_blur(images: Images, severity: int, draws: Draws) -> Images:
    """A line at an angle within 45° of the horizontal."""
    radii, sigmas = (pick([pair[part] for pair in MOTION], severity, len(images)) for part in (0, 1))
    return blur.motion_blur(images, radii, sigmas, draws.uniform(-45, 45), draws)


def _brightness(table: tuple[float, ...]) -> Function:
    return lambda images, severity, draws: tone.brightness(images, pick(table, severity, len(images)), draws)


def _contrast(table: tuple[float, ...]) -> Function:
    return lambda images, severity, draws: tone.contrast(images, pick(table, severity, len(images)), draws)


brightness_up, brightness_down = _brightness(BRIGHTNESS_UP), _brightness(BRIGHTNESS_DOWN)
contrast_up, contrast_down = _contrast(CONTRAST_UP), _contrast(CONTRAST_DOWN)


def saturate(images: Images, severity: int, draws: Draws) -> Images:
    """More saturation in the HSV cone."""
    return tone.saturate(images, np.ones(len(images)), pick(SATURATE, severity, len(images)), draws)


def stain_deposit(images: Images, severity: int, draws: Draws) -> Images:
    """Black blots, their number drawn from one to the severity's."""
    sides = pick(STAIN_SIDES, severity, len(images))
    return debris.stain_deposits(images, sides, _whole(draws, 1, STAIN_DEPOSITS[severity - 1]), draws)


def bubble(images: Images, severity: int, draws: Draws) -> Images:
    """Bubbles, their number drawn from seven to the severity's."""
    radius, most = BUBBLES[severity - 1]
    return debris.bubbles(images, np.full(len(images), float(radius)), _whole(draws, LEAST_BUBBLES, most), draws)


def _whole(draws: Draws, low: int, high: int) -> Reals:
    return draws.integers(low, high).astype(np.float64)
