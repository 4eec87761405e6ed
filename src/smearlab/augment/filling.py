"""What stands where a turned, shrunk or shifted picture does not reach.

Networks learn what fills the corners: one trained on mirrored corners takes black ones for a part of the cell, and the
other way round. Every picture therefore draws its own filling.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

_SIDE = 2.0
"""Length of a picture's side in the coordinates of `grid_sample`."""
_FOLDS: tuple[tuple[float, float], ...] = ((0.25, _SIDE), (0.60, _SIDE / 6), (0.70, 1e-4), (1.0, _SIDE / 6))
"""(chance up to, how much of the rim is mirrored back and forth): the whole picture; its outer sixth, which shows
background and red cells but not the cell again; only the last pixel; and, below, one colour."""
_PLAIN = 0.70
"""Pictures with a chance above this are surrounded by one colour."""
_BLACK, _WHITE, _SLIDE = 0.4, 0.55, 0.85
"""(chance up to) black, white, the mean colour of the picture's own rim; beyond: any colour."""


def sample(pictures: torch.Tensor, grid: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Resample each picture and fill the places beyond it in the picture's own way.

    Args:
        pictures: ``float32 (n, c, h, w)`` in 0–1, on any device; not changed.
        grid: ``float32 (n, h, w, 2)`` as for `grid_sample`, contiguous; overwritten.
        chance: ``float32 (n, 8)`` in [0, 1), on the CPU; columns 0 to 4 decide the filling.

    Returns:
        ``float32 (n, c, h, w)``.
    """
    plain = (chance[:, 0] >= _PLAIN).nonzero().squeeze(1)
    places = plain.to(pictures.device)
    outside = (grid[places].abs() > 1).any(3).unsqueeze(1) if len(plain) else None
    folded = _folded(grid, _periods(chance[:, 0]).to(grid))
    result = F.grid_sample(pictures, folded, mode="bilinear", padding_mode="border", align_corners=False)
    if outside is not None:
        colours = _colours(pictures[places], chance[plain].to(pictures))
        result[places] = torch.where(outside, colours.unsqueeze(2).unsqueeze(3), result[places])
    return result


def _periods(chance: torch.Tensor) -> torch.Tensor:
    bounds = torch.tensor([bound for bound, _ in _FOLDS])
    periods = torch.tensor([period for _, period in _FOLDS])
    return periods[torch.bucketize(chance.contiguous(), bounds, right=True).clamp(max=len(_FOLDS) - 1)]


def _folded(grid: torch.Tensor, periods: torch.Tensor) -> torch.Tensor:
    """Mirror places beyond the rim back and forth within `periods` ``(n,)`` of it; in place where it can."""
    period = periods.view(-1, 1, 1, 1)
    beyond = (grid.abs() - 1).clamp_(min=0)
    # A triangle wave: 0 at the rim, up to the period, back to the rim.
    wave = beyond.remainder_(2 * period).sub_(period).abs_().neg_().add_(period)
    return grid.clamp_(-1, 1).mul_(wave.neg_().add_(1))


def _colours(pictures: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Return the colour around each picture ``(n, c)``."""
    rim = [pictures[:, :, 0], pictures[:, :, -1], pictures[:, :, :, 0], pictures[:, :, :, -1]]
    slide = torch.cat(rim, dim=2).mean(2)
    kind = chance[:, 1:2]
    colours = torch.where(kind < _SLIDE, slide, chance[:, 2 : 2 + pictures.shape[1]])
    return torch.where(kind < _WHITE, (kind >= _BLACK).to(slide).expand_as(slide), colours)
