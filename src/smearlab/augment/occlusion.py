"""Parts of the picture covered: rectangles, a regular grid, and debris of any kind."""

from __future__ import annotations

import math

import torch

from smearlab.augment import chances
from smearlab.augment.debris import spots

__all__ = ["erase", "grid_mask", "spots"]

_RECTANGLES = 3
_LARGEST_ASPECT = 10 / 3
_GRID_UNITS = (0.15, 0.6)


def erase(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Cover one to three rectangles (random erasing, Zhong et al. 2020).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` share of the area in 0–1, over all rectangles; where they overlap, less is covered.
        chance: ``float32 (m, 8)`` in [0, 1); decides number, shapes, places and the fill: one colour, the picture's
            mean, or noise.
    """
    height, width = pictures.shape[2:]
    draws = chances.spread(chance, 5 + 3 * _RECTANGLES)
    number = 1 + (draws[:, 0] * _RECTANGLES).floor()
    covered = pictures.new_zeros(len(pictures), height, width, dtype=torch.bool)
    for place in range(_RECTANGLES):
        share = torch.where(place < number, amounts / number, 0.0)
        covered |= _rectangle(share, draws[:, 5 + 3 * place : 8 + 3 * place], height, width)
    return torch.where(covered.unsqueeze(1), _fill(pictures, draws[:, 1:5]), pictures)


def grid_mask(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Cover the squares of a regular grid (GridMask, Chen et al. 2020).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` share of the area that is covered, 0–1.
        chance: ``float32 (m, 8)`` in [0, 1); decides the grid's unit, its place, and the fill as in `erase`.
    """
    height, width = pictures.shape[2:]
    draws = chances.spread(chance, 7)
    smallest, largest = _GRID_UNITS
    unit = ((smallest + (largest - smallest) * draws[:, 4]) * min(height, width)).unsqueeze(1)
    ratio = amounts.sqrt().unsqueeze(1)
    rows = (_centres(height, pictures) / unit + draws[:, 5:6]).frac() < ratio
    columns = (_centres(width, pictures) / unit + draws[:, 6:7]).frac() < ratio
    covered = rows.unsqueeze(2) & columns.unsqueeze(1)
    return torch.where(covered.unsqueeze(1), _fill(pictures, draws[:, :4]), pictures)


def _rectangle(share: torch.Tensor, draws: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return ``bool (m, h, w)``: a rectangle of this share of the area wholly inside the picture."""
    # Aspects beyond the share itself would make the rectangle longer than the picture.
    limit = torch.minimum(-share.clamp(min=1e-6).log(), share.new_tensor(math.log(_LARGEST_ASPECT)))
    aspect = torch.exp((2 * draws[:, 0] - 1) * limit)
    tall, wide = (share * aspect).sqrt() * height, (share / aspect).sqrt() * width
    rows = _span(draws[:, 1] * (height - tall), tall, height)
    columns = _span(draws[:, 2] * (width - wide), wide, width)
    return rows.unsqueeze(2) & columns.unsqueeze(1)


def _span(start: torch.Tensor, length: torch.Tensor, size: int) -> torch.Tensor:
    beyond = _centres(size, start) - start.unsqueeze(1)
    return (beyond > 0) & (beyond < length.unsqueeze(1))


def _centres(size: int, like: torch.Tensor) -> torch.Tensor:
    return torch.arange(size, device=like.device) + 0.5


def _fill(pictures: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Return what covers each picture: a random colour, its own mean colour, or noise; ``(m, 3, h, w)`` in 0–1."""
    height, width = pictures.shape[2:]
    kind, colour = draws[:, 0] * 3, draws[:, 1:4]
    base = torch.where((kind < 1).unsqueeze(1), colour, pictures.mean(dim=(2, 3)))
    strength = torch.where(kind < 2, 0.0, 0.25)
    fine = torch.zeros(len(pictures), dtype=torch.long, device=pictures.device)
    noise = chances.noise(colour[:, 0], colour[:, 1], colour[:, 2] < 0.5, fine, height, width)
    return noise.mul_(strength.view(-1, 1, 1, 1)).add_(base.view(-1, 3, 1, 1)).clamp_(0, 1)
