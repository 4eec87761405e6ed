"""Parts of the picture covered: rectangles, a regular grid, and debris of any kind."""

from __future__ import annotations

import math

import torch

from smearlab.augment.debris import spots
from smearlab.augment.noise_bank import normal_noise
from smearlab.augment.randomness import numbers

__all__ = ["erase", "grid_mask", "spots"]

_RECTANGLES = 3
_LARGEST_ASPECT = 10 / 3
# As shares of the shorter side. The paper's 0.43 to 1 would hide a cell in the centre whole or not at all.
_GRID_UNITS = (0.15, 0.6)
_NOISE = 0.25  # standard deviation of a fill of noise


def erase(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Cover one to three rectangles (random erasing, Zhong et al. 2020).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` share of the area in 0–1, over all rectangles; where they overlap, less is covered.
        chance: ``float32 (m, 8)`` in [0, 1); column 0 decides number, shapes, places and the fill: one colour, the
            picture's mean, or noise.
    """
    height, width = pictures.shape[2:]
    draws = numbers(chance[:, 0], 5 + 3 * _RECTANGLES)
    number = 1 + (draws[:, :1] * _RECTANGLES).floor()
    present = torch.arange(_RECTANGLES, device=pictures.device) < number
    shares = torch.where(present, amounts.unsqueeze(1) / number, 0.0)
    rows, columns = _rectangles(shares, draws[:, 5:].view(-1, 3, _RECTANGLES), height, width)
    covered = torch.bmm(rows.transpose(1, 2), columns).clamp_(max=1)
    return _cover(pictures, covered, draws[:, 1:5])


def grid_mask(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Cover the squares of a regular grid (GridMask, Chen et al. 2020).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` share of the area that is covered, 0–1.
        chance: ``float32 (m, 8)`` in [0, 1); column 0 decides the grid's unit, its place, and the fill as in `erase`.
    """
    height, width = pictures.shape[2:]
    draws = numbers(chance[:, 0], 7)
    smallest, largest = _GRID_UNITS
    unit = ((smallest + (largest - smallest) * draws[:, 4]) * min(height, width)).unsqueeze(1)
    ratio = amounts.sqrt().unsqueeze(1)
    rows = ((_centres(height, pictures) / unit + draws[:, 5:6]).frac() < ratio).float()
    columns = ((_centres(width, pictures) / unit + draws[:, 6:7]).frac() < ratio).float()
    return _cover(pictures, rows.unsqueeze(2) * columns.unsqueeze(1), draws[:, :4])


def _rectangles(
    shares: torch.Tensor, draws: torch.Tensor, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rectangles that lie wholly inside the picture, as the rows and the columns they cover.

    Args:
        shares: ``float32 (m, k)`` of the area.
        draws: ``float32 (m, 3, k)`` in [0, 1): aspect, place down, place across.
        height: of the pictures.
        width: of the pictures.

    Returns:
        Ones and zeros, ``float32 (m, k, h)`` and ``float32 (m, k, w)``.
    """
    # An aspect beyond the share itself would make the rectangle longer than the picture.
    limit = (-shares.clamp(min=1e-6).log()).clamp(max=math.log(_LARGEST_ASPECT))
    aspect = torch.exp((2 * draws[:, 0] - 1) * limit)
    tall, wide = (shares * aspect).sqrt() * height, (shares / aspect).sqrt() * width
    return _span(draws[:, 1] * (height - tall), tall, height), _span(draws[:, 2] * (width - wide), wide, width)


def _span(start: torch.Tensor, length: torch.Tensor, size: int) -> torch.Tensor:
    beyond = _centres(size, start) - start.unsqueeze(2)
    return ((beyond > 0) & (beyond < length.unsqueeze(2))).float()


def _centres(size: int, like: torch.Tensor) -> torch.Tensor:
    return torch.arange(size, device=like.device) + 0.5


def _cover(pictures: torch.Tensor, covered: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Fill what is covered, ``(m, h, w)`` of ones and zeros: a random colour, the picture's mean colour, or noise."""
    height, width = pictures.shape[2:]
    kind, colour = draws[:, 0] * 3, draws[:, 1:4]
    base = torch.where((kind < 1).unsqueeze(1), colour, pictures.mean(dim=(2, 3)))
    covered = covered.unsqueeze(1)
    result = pictures.lerp(base.view(-1, 3, 1, 1), covered)
    some = (kind >= 2).nonzero().squeeze(1)
    if len(some):
        fine = torch.zeros(len(some), dtype=torch.long, device=pictures.device)
        draw = colour[some]
        noise = normal_noise(draw[:, 0], draw[:, 1], draw[:, 2] < 0.5, fine, height, width)
        fill = noise.mul_(_NOISE).add_(base[some].view(-1, 3, 1, 1)).clamp_(0, 1)
        result[some] = pictures.index_select(0, some).lerp_(fill, covered.index_select(0, some))
    return result
