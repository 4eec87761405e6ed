"""Colour casts: hue, channels, white balance."""

from __future__ import annotations

import numpy as np

from smearlab.corruptions.draws import Draws, Floats, Images, Reals
from smearlab.corruptions.pixels import curved, images_of, planes_of

_LEVELS = np.arange(256)


def mixed(images: Images, matrices: Reals) -> Images:
    """Mix the channels of each picture by its matrix, ``float64 (n, 3, 3)``."""
    planes = planes_of(images)
    count, _, height, width = planes.shape
    turned: Floats = np.matmul(matrices.astype(np.float32), planes.reshape(count, 3, height * width))
    return images_of(turned.reshape(planes.shape))


# The YIQ space turns hue around grey without touching luma.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
_STILL = _FROM_YIQ @ np.diag([1.0, 0.0, 0.0]) @ _TO_YIQ
_COSINE = _FROM_YIQ @ np.diag([0.0, 1.0, 1.0]) @ _TO_YIQ
_SINE = _FROM_YIQ @ np.array([[0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]) @ _TO_YIQ


def hue(images: Images, turns: Reals, draws: Draws) -> Images:
    """Turn the colours around the grey axis, by a share of the full circle; luma stays."""
    angle = 2 * np.pi * turns[:, None, None]
    return mixed(images, _STILL + np.cos(angle) * _COSINE + np.sin(angle) * _SINE)


def gains(images: Images, factors: Reals) -> Images:
    """Multiply each channel by its factor, ``float64 (n, 3)``: another white balance."""
    curves = np.clip(_LEVELS * factors[:, :, None] + 0.5, 0, 255)
    return curved(images, curves.astype(np.uint8))


def channel_shift(images: Images, shifts: Reals) -> Images:
    """Add to each channel, ``float64 (n, 3)``, a share of the range."""
    curves = np.clip(_LEVELS + 255 * shifts[:, :, None] + 0.5, 0, 255)
    return curved(images, curves.astype(np.uint8))


def negative(images: Images, channels: Reals) -> Images:
    """Turn over the channels that are 1 in ``float64 (n, 3)``."""
    curves = np.where(channels[:, :, None] > 0, 255 - _LEVELS, _LEVELS)
    return curved(images, curves.astype(np.uint8))
