"""Gaussian, motion and defocus blur, and sharpness; every picture has its own kernel."""

from __future__ import annotations

import math

import torch

from smearlab.augment.separable import apply_separable, gaussian_filter, to_pixels
from smearlab.augment.spectral import apply_factors, disc_factors, line_factors


def gaussian_blur(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur by a Gaussian; pictures are mirrored at their borders.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` standard deviations in pixels at 96 px.
        chance: unused: nothing is left to chance.
    """
    return apply_separable(pictures, *gaussian_filter(amounts, *pictures.shape[2:]))


def motion_blur(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur along a straight line, as a moving stage does; pictures are mirrored at their borders.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` lengths of the line in pixels at 96 px.
        chance: ``float32 (m, 8)`` in [0, 1); column 0 is the angle, a half turn in all.
    """
    height, width = pictures.shape[2:]
    lengths = to_pixels(amounts, height, width)
    return apply_factors(pictures, line_factors(lengths, chance[:, 0] * math.pi, height, width))


def defocus(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur by an even disc, the picture of a point through a lens out of focus.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` radii in pixels at 96 px.
        chance: unused: nothing is left to chance.
    """
    height, width = pictures.shape[2:]
    return apply_factors(pictures, disc_factors(to_pixels(amounts, height, width), height, width))


def sharpness(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Sharpen or soften: move away from, or towards, a picture smoothed over 3×3 pixels.

    This is Pillow's ``ImageEnhance.Sharpness`` and torchvision's ``adjust_sharpness`` with the factor ``1 + amount``;
    the outermost pixels stay as they are.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)``, > 0 sharpens, < 0 softens, -1 is the smoothed picture.
        chance: unused: nothing is left to chance.
    """
    result = pictures.clone()
    if min(pictures.shape[2:]) < 3:
        return result
    across = pictures[..., :-2] + pictures[..., 1:-1]
    across += pictures[..., 2:]
    around = across[:, :, :-2] + across[:, :, 1:-1]
    around += across[:, :, 2:]
    # The kernel is 1 all around and 5 in the centre, over 13: detail = centre - (sum of nine + 4 centre) / 13.
    detail = around.sub_(pictures[:, :, 1:-1, 1:-1], alpha=9).mul_((amounts / -13).view(-1, 1, 1, 1))
    result[:, :, 1:-1, 1:-1] += detail
    return result.clamp_(0, 1)
