"""Uneven light and backgrounds of other colours: what microscope and camera add to a smear.

Every operation takes ``pictures float32 (m, 3, h, w)`` in 0–1, ``amounts float32 (m,)``, 0 meaning identity, and
``chance float32 (m, 8)``, uniforms in [0, 1) from which all its randomness comes; it returns new pictures of the kind.
"""

from __future__ import annotations

import math

import torch

from smearlab.augment.colour import LUMA
from smearlab.augment.randomness import centred

# Backgrounds as laboratories have them: white, yellow, warm grey, grey-blue, pink, mauve.
_TINTS = (
    (0.97, 0.97, 0.97),
    (0.93, 0.87, 0.55),
    (0.78, 0.74, 0.66),
    (0.66, 0.72, 0.82),
    (0.95, 0.80, 0.85),
    (0.80, 0.72, 0.88),
)
# Relative to the background's brightness: below the first a pixel is all cell, above the second all background.
_CELL, _CLEAR = 0.5, 0.95


def illumination(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Let the light fall linearly across the picture, by the share `amounts` of it from one side to the other.

    The direction is random. Between an edge and the middle of the picture, a random place keeps its brightness. Half of
    the pictures get coloured light: each channel falls by its own share of the amount.
    """
    height, width = pictures.shape[2:]
    angles = 2 * math.pi * chance[:, 0]
    cos, sin = angles.cos(), angles.sin()
    # From 0 to 1 between the two corners that lie farthest apart in the direction of the fall.
    reach = (cos.abs() + sin.abs()).clamp_min(1e-6)
    falls = amounts.view(-1, 1) * torch.where(chance[:, 2:3] < 0.5, 1.0, 1 - chance[:, 3:6])
    across = _places(width, pictures) * (cos / (2 * reach)).view(-1, 1)
    down = _places(height, pictures) * (sin / (2 * reach)).view(-1, 1) + 0.5 - 0.5 * chance[:, 1:2]
    return _lit(pictures, 1 - _outer(falls, down)[..., None] - _outer(falls, across).unsqueeze(2))


def vignette(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Darken with the squared distance from a random centre, by the share `amounts` in the farthest corner.

    The centre lies within the middle half of the picture. Negative amounts brighten the corners.
    """
    height, width = pictures.shape[2:]
    centres = centred(chance[:, :2]) * 0.5
    farthest = ((1 + centres.abs()) ** 2).sum(1, keepdim=True)
    strength = amounts.view(-1, 1) / farthest
    across = strength * (_places(width, pictures) - centres[:, :1]) ** 2
    down = strength * (_places(height, pictures) - centres[:, 1:]) ** 2
    return _lit(pictures, (1 - down[:, None, :, None]) - across[:, None, None])


def background(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Move the colour of the bright background towards a random tint by `amounts` in 0–1; dark parts stay.

    At 1 the brightest background takes the tint (white, yellow, grey, grey-blue, pink or mauve, and variations of
    these). Pixels are multiplied, by less the darker they are, so that the background keeps its grain.
    """
    bright = brightest(pictures)
    choice = (chance[:, 0] * len(_TINTS)).long()
    tints = torch.tensor(_TINTS, device=pictures.device, dtype=pictures.dtype)[choice]
    tints = (tints + 0.08 * centred(chance[:, 1:4]) + 0.12 * centred(chance[:, 4:5])).clamp(0.2, 1)
    luma = torch.tensor(LUMA, device=pictures.device, dtype=pictures.dtype)
    mask = torch.matmul(luma, pictures.flatten(2)).view(len(pictures), 1, *pictures.shape[2:])
    mask = mask.div_((bright @ luma).view(-1, 1, 1, 1)).sub_(_CELL).mul_(1 / (_CLEAR - _CELL)).clamp_(0, 1)
    gains = amounts.view(-1, 1) * (tints / bright - 1)
    return _lit(pictures, 1 + mask * gains[:, :, None, None])


def brightest(pictures: torch.Tensor) -> torch.Tensor:
    """Estimate the colour of the background: ``(m, 3)``, each channel's highest mean over a twelfth of the side.

    At least 0.05, so that it can be divided by.
    """
    count, channels, height, width = pictures.shape
    high, wide = max(height // 12, 1), max(width // 12, 1)
    rows, columns = height // high, width // wide
    # Rows, then columns: half the time of avg_pool2d on a CPU.
    whole = pictures[:, :, : rows * high, : columns * wide]
    sums = whole.reshape(count, channels, rows, high, columns * wide).sum(3)
    sums = sums.view(count, channels, rows, columns, wide).sum(4)
    return sums.amax((2, 3)).div_(high * wide).clamp_min(0.05)


def _lit(pictures: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    return (gains.mul_(pictures) if gains.shape == pictures.shape else gains * pictures).clamp_(0, 1)


def _outer(channels: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Multiply ``(m, 3)`` or ``(m, 1)`` by ``(m, k)`` to ``(m, 3 or 1, k)``."""
    return channels[:, :, None] * places[:, None]


def _places(size: int, like: torch.Tensor) -> torch.Tensor:
    """Pixel centres from -1 to 1, the outermost pixels included."""
    return torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype) if size > 1 else like.new_zeros(1)
