"""The blurs of a picture as one: factors of frequencies multiplied, filters of rows and columns multiplied."""

from __future__ import annotations

import math

import torch

from smearlab.augment.operations import INDEX
from smearlab.augment.separable import (
    apply_separable,
    compose,
    downsample_filter,
    gaussian_filter,
    pixelate_filter,
    to_pixels,
)
from smearlab.augment.spectral import apply_factors, disc_factors, line_factors

OPTICS = ("defocus", "motion_blur")
"""Not separable into rows and columns; multiplied as factors of the picture's frequencies."""
FILTERS = ("gaussian_blur", "downsample", "pixelate")
"""Separable; multiplied as one matrix for the rows and one for the columns."""


def optics(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur by lens and movement at once.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m, operations)`` in the order of `operations.ENGINE`; of these `OPTICS` are done.
        chance: ``float32 (m, operations, 8)``.
    """
    height, width = pictures.shape[2:]
    radii = to_pixels(amounts[:, INDEX["defocus"]], height, width)
    lengths = to_pixels(amounts[:, INDEX["motion_blur"]], height, width)
    parts = []
    if bool(radii.any()):
        parts.append(disc_factors(radii, height, width))
    if bool(lengths.any()):
        angles = chance[:, INDEX["motion_blur"], 0] * math.pi
        parts.append(line_factors(lengths, angles, height, width))
    return apply_factors(pictures, math.prod(parts[1:], start=parts[0])) if parts else pictures


def filters(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur, shrink and enlarge at once; arguments as of `optics`, the operations those of `FILTERS`."""
    height, width = pictures.shape[2:]
    kinds = zip(FILTERS, (gaussian_filter, downsample_filter, pixelate_filter), strict=True)
    chosen = [(amounts[:, INDEX[name]], make) for name, make in kinds]
    parts = [make(amount, height, width) for amount, make in chosen if bool(amount.any())]
    if not parts:
        return pictures
    whole = parts[0]
    for part in parts[1:]:
        whole = compose(whole, part)
    return apply_separable(pictures, *whole)
