"""Between pictures and planes of numbers, and what all corruptions need of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smearlab.corruptions.draws import Floats, Images, Ints, Reals

WHITE = 255


def planes_of(images: Images) -> Floats:
    """Return ``float32 (n, 3, h, w)`` in 0–1: one plane a channel, so that filters run along whole rows."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(WHITE)


def images_of(planes: Floats) -> Images:
    """Return planes in 0–1, clipped and rounded, as pictures."""
    # Half a level added before the fraction is cut off is the cheapest rounding, and the planes are scratch by now.
    levels = np.clip(planes, 0, 1) * np.float32(WHITE)
    levels += np.float32(0.5)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))


def column(amounts: Reals) -> Floats:
    """Return one amount per picture as ``float32 (n, 1, 1, 1)``."""
    return amounts.astype(np.float32).reshape(-1, 1, 1, 1)


def grey_of(images: Images) -> NDArray[np.uint8]:
    """Return ``uint8 (n, h, w)``: luma (ITU-R BT.601) in the fixed-point arithmetic of Pillow's mode ``L``."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    total = images[..., 0] * weights[0] + images[..., 1] * weights[1] + images[..., 2] * weights[2]
    grey: NDArray[np.uint8] = ((total + 0x8000) >> 16).astype(np.uint8)
    return grey


def curved(images: Images, curves: NDArray[np.uint8]) -> Images:
    """Look every value up in a curve.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        curves: ``uint8 (n, 256)``, or ``(n, 3, 256)`` with a curve for each channel.
    """
    tables = np.broadcast_to(curves.reshape(len(images), -1, 256), (len(images), 3, 256)).reshape(-1, 768)
    return each(images, lambda picture, row: picture.point(tables[row].tolist()))


def each(images: Images, alter: Callable[[Image.Image, int], Image.Image]) -> Images:
    """Alter picture by picture with Pillow, which lets other threads run meanwhile; ``alter(picture, position)``."""
    altered = [np.asarray(alter(Image.fromarray(image), position)) for position, image in enumerate(images)]
    return np.stack(altered) if altered else images.copy()


def resized(images: Images, height: int, width: int) -> Images:
    """Resize with Pillow's bicubic filter, which averages where it makes smaller."""
    return each(images, lambda picture, _: picture.resize((width, height), Image.Resampling.BICUBIC))


def border_colours(images: Images) -> Reals:
    """Return ``float64 (n, 3)`` in 0–255: the colour of the slide, judged by the brighter half of the picture's rim.

    A rim holds background and pieces of neighbouring cells; background is the brighter of the two in transmitted light.
    """
    rim = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    brightness = rim.sum(axis=2, dtype=np.int64)
    order = np.argsort(brightness, axis=1, kind="stable")[:, brightness.shape[1] // 2 :]
    total: Ints = np.take_along_axis(rim, order[:, :, None], axis=1).sum(axis=1, dtype=np.int64)
    return np.asarray(total / order.shape[1], np.float64)


def pick(table: object, severity: int, count: int) -> Reals:
    """Return a severity's constant, ``float64 (count,)``, from a table with one entry a severity."""
    return np.full(count, float(np.asarray(table, np.float64)[severity - 1]))


def counts(images: Images) -> Ints:
    """Return how often each level occurs in each channel: ``int64 (n, 3, 256)``."""
    count = len(images)
    offsets = np.arange(count * 3, dtype=np.int64).reshape(count, 1, 1, 3) * 256
    return np.bincount((images + offsets).reshape(-1), minlength=count * 3 * 256).reshape(count, 3, 256)
