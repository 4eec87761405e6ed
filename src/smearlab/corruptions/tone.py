"""Brightness, contrast, saturation and tone curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import ImageEnhance

from smearlab.corruptions.draws import Draws, Floats, Images, Reals
from smearlab.corruptions.pixels import WHITE, column, counts, curved, each, grey_of

_LEVELS = np.arange(256, dtype=np.float32)


def _quantised(curves: NDArray[np.floating]) -> NDArray[np.uint8]:
    quantised: NDArray[np.uint8] = (np.clip(curves, 0, 255) + 0.5).astype(np.uint8)
    return quantised


def _blended(pivot: Floats, factors: Reals) -> NDArray[np.uint8]:
    # Pillow's Image.blend: single precision, clipped, the fraction cut off.
    curves = pivot[:, None] + factors.astype(np.float32)[:, None] * (_LEVELS - pivot[:, None])
    return np.clip(curves, 0, 255).astype(np.uint8)


def brightness(images: Images, factors: Reals, draws: Draws) -> Images:
    """Multiply every level, as Pillow's ``ImageEnhance.Brightness``; a factor of 1 changes nothing."""
    return curved(images, _blended(np.zeros(len(images), np.float32), factors))


def contrast(images: Images, factors: Reals, draws: Draws) -> Images:
    """Spread or squeeze the levels around the picture's mean grey, as Pillow's ``ImageEnhance.Contrast``."""
    grey = grey_of(images)
    mean = grey.reshape(len(images), -1).sum(axis=1, dtype=np.int64) / grey[0].size
    return curved(images, _blended((mean + 0.5).astype(np.int64).astype(np.float32), factors))


def contrast_around_channels(images: Images, factors: Reals, draws: Draws) -> Images:
    """Spread or squeeze each channel around its own mean (Hendrycks & Dietterich 2019)."""
    mean = images.sum(axis=(1, 2), dtype=np.int64) / (images.shape[1] * images.shape[2])
    curves = mean[:, :, None] + factors[:, None, None] * (_LEVELS - mean[:, :, None])
    return curved(images, _quantised(curves))


def gamma(images: Images, exponents: Reals, draws: Draws) -> Images:
    """Raise every level in 0–1 to a power: above 1 darker, below 1 brighter."""
    return curved(images, _quantised(255 * (_LEVELS[None] / 255) ** exponents[:, None]))


def s_curve(images: Images, strengths: Reals, draws: Draws) -> Images:
    """Bend the middle tones like a camera's curve: above 0 steeper in the middle, below 0 flatter (−1 … 1)."""
    x = _LEVELS[None] / 255
    curves = x + strengths[:, None] * (x * x * (3 - 2 * x) - x)
    return curved(images, _quantised(255 * curves))


def levels(images: Images, black: Reals, white: Reals) -> Images:
    """Map 0–255 onto black … white (0–1 each): a veil of stray light, a dark lamp, or both."""
    return curved(images, _quantised(255 * (black[:, None] + (white - black)[:, None] * _LEVELS / 255)))


def posterise(images: Images, bits: Reals, draws: Draws) -> Images:
    """Keep the highest bits of every level (1–8; fractions are rounded up)."""
    mask = (0xFF << (8 - np.ceil(bits).astype(np.int64))) & 0xFF
    return curved(images, (np.arange(256)[None] & mask[:, None]).astype(np.uint8))


def solarise(images: Images, shares: Reals, draws: Draws) -> Images:
    """Turn over the brightest share of the range of levels (0–1)."""
    threshold = 256 * (1 - shares[:, None])
    return curved(images, np.where(threshold <= _LEVELS, 255 - _LEVELS, _LEVELS).astype(np.uint8))


def auto_contrast(images: Images, shares: Reals, draws: Draws) -> Images:
    """Stretch each channel to the full range, and mix that with the picture by the share (0–1)."""
    held = counts(images) > 0
    low = held.argmax(axis=2)[:, :, None].astype(np.float64)
    high = 255 - held[:, :, ::-1].argmax(axis=2)[:, :, None].astype(np.float64)
    # A channel with a single level has nothing to stretch.
    stretched = np.where(high > low, (_LEVELS - low) * (255 / np.maximum(high - low, 1)), _LEVELS)
    return curved(images, _quantised(_LEVELS + shares[:, None, None] * (np.clip(stretched, 0, 255) - _LEVELS)))


def equalise(images: Images, shares: Reals, draws: Draws) -> Images:
    """Give each channel an even histogram, and mix that with the picture by the share (0–1)."""
    held = counts(images)
    below = np.cumsum(held, axis=2) - held
    last = np.take_along_axis(held, 255 - (held[:, :, ::-1] > 0).argmax(axis=2)[:, :, None], axis=2)
    step = (held.sum(axis=2, keepdims=True) - last) // 255
    # As Pillow's ImageOps.equalize, which leaves a channel alone where its levels are too few to spread.
    spread = np.where(step > 0, np.clip((below + step // 2) // np.maximum(step, 1), 0, 255), _LEVELS)
    return curved(images, _quantised(_LEVELS + shares[:, None, None] * (spread - _LEVELS)))


def saturation(images: Images, factors: Reals, draws: Draws) -> Images:
    """Move the colours away from grey (above 1) or towards it, as Pillow's ``ImageEnhance.Color``."""
    return each(images, lambda picture, row: ImageEnhance.Color(picture).enhance(float(factors[row])))


def _levels_of(images: Images) -> Floats:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32)


def _cut_off(levels: Floats) -> Images:
    # The hair keeps a whole level that arithmetic left just short of itself.
    cut = (np.clip(levels, 0, WHITE) + np.float32(1e-3)).astype(np.uint8)
    return np.ascontiguousarray(cut.transpose(0, 2, 3, 1))


def saturate(images: Images, factors: Reals, added: Reals, draws: Draws) -> Images:
    """Change the saturation of the HSV cone: times a factor, plus an amount, clipped to 0–1; fractions are cut off.

    Value and hue stay, so each channel's distance from the greatest one scales with the saturation.
    """
    levels = _levels_of(images)
    greatest = levels.max(axis=1, keepdims=True)
    distance = greatest - levels
    widest = distance.max(axis=1, keepdims=True)
    after = np.clip(widest / np.maximum(greatest, 1) * column(factors) + column(added), 0, 1) * greatest
    # Grey has no hue; red stands for it, as in the usual conversion, so that green and blue fall.
    distance[:, 1:] += np.where(widest > 0, np.float32(0), np.float32(1))
    return _cut_off(greatest - distance * (after / np.where(widest > 0, widest, np.float32(1))))


def add_value(images: Images, added: Reals, draws: Draws) -> Images:
    """Add to the value of the HSV cone (Hendrycks & Dietterich's brightness): hue and saturation stay."""
    levels = _levels_of(images)
    greatest = levels.max(axis=1, keepdims=True)
    target = np.minimum(greatest + WHITE * column(added), WHITE)
    # Black has neither hue nor saturation and becomes grey.
    return _cut_off(np.where(greatest > 0, levels * (target / np.maximum(greatest, 1)), target))


def sharpness(images: Images, factors: Reals, draws: Draws) -> Images:
    """Sharpen (above 1) or soften (below 1), as Pillow's ``ImageEnhance.Sharpness``."""
    return each(images, lambda picture, row: ImageEnhance.Sharpness(picture).enhance(float(factors[row])))
