"""Dyes, lamp and slide: pictures taken apart into the light that each dye absorbs, and put together otherwise."""

from __future__ import annotations

import numpy as np

from smearlab.corruptions.draws import Floats, Images, Reals
from smearlab.corruptions.pixels import border_colours

# Absorption of red, green and blue light by haematoxylin, eosin and diaminobenzidine (Ruifrok & Johnston 2001).
# Romanowsky stains have other dyes, but theirs too are a violet one and a pink one; a third axis holds the rest.
_HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_HED_INVERSE = np.linalg.inv(_HED)


def density(images: Images, slide: Reals) -> Floats:
    """Return optical density above that of the empty slide: ``float32 (n, 3, h, w)``.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        slide: ``float64 (n, 3)`` in 0–255: colour of the empty slide.
    """
    logs = -np.log((np.arange(256) + 1) / 256).astype(np.float32)
    taken = np.take(logs, images.transpose(0, 3, 1, 2))
    taken += np.log((slide + 1) / 256).astype(np.float32)[:, :, None, None]
    return np.ascontiguousarray(taken)


def developed(densities: Floats, lamp: Reals) -> Images:
    """Return the picture that a density makes before a lamp of colour `lamp`, ``float64 (n, 3)`` in 0–255."""
    levels = np.exp(-densities)
    levels *= (lamp + 1).astype(np.float32)[:, :, None, None]
    levels -= np.float32(0.5)
    clipped = np.clip(levels, 0, 255, out=levels)
    return np.ascontiguousarray(clipped.astype(np.uint8).transpose(0, 2, 3, 1))


def restained(images: Images, matrices: Reals, lamp: Reals | None = None, slide: Reals | None = None) -> Images:
    """Change how much the dyes absorb, and the lamp behind them.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        matrices: ``float64 (n, 3, 3)`` acting on optical densities of red, green and blue.
        lamp: ``float64 (n, 3)`` in 0–255: colour of the empty slide afterwards; None leaves it.
        slide: its colour now; None takes it from the pictures' rims.
    """
    slide = border_colours(images) if slide is None else slide
    densities = density(images, slide)
    count, _, height, width = densities.shape
    changed: Floats = np.matmul(matrices.astype(np.float32), densities.reshape(count, 3, height * width))
    return developed(changed.reshape(densities.shape), slide if lamp is None else lamp)


def dye_matrices(strengths: Reals, turns: Reals) -> Reals:
    """Return matrices for `restained`: other amounts of the dyes, and dyes of another hue.

    Args:
        strengths: ``float64 (n, 3)``: factor on the amount of each dye.
        turns: ``float64 (n, 3, 3)``: added to each dye's absorption of red, green and blue; 0 leaves its hue. The
            absorption over all three stays.
    """
    dyes = np.clip(_HED + turns, 0.02, None)
    dyes *= _HED.sum(axis=1)[:, None] / dyes.sum(axis=2, keepdims=True)
    # Densities are columns: taken apart by the dyes as they were, scaled, put together by the dyes as they are now.
    return dyes.transpose(0, 2, 1) @ (strengths[:, :, None] * _HED_INVERSE.T)


def other_background(images: Images, colours: Reals, shares: Reals) -> Images:
    """Give the empty parts of the slide another colour and leave the cells.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        colours: ``float64 (n, 3)`` in 0–255.
        shares: ``float64 (n,)`` in 0–1: how far towards it.
    """
    slide = border_colours(images)
    absorbed = np.abs(density(images, slide)).sum(axis=1)
    # Half of the change at a density of 0.25: fainter is background, deeper is cell; between them it fades.
    empty = 1 / (1 + (absorbed / np.float32(0.25)) ** 4)
    share = (empty * shares.astype(np.float32)[:, None, None])[..., None]
    moved = images + share * (colours - slide).astype(np.float32)[:, None, None]
    return np.asarray(np.clip(moved, 0, 255) + np.float32(0.5), np.uint8)
