"""Smooth random deformation, to be added to the one sampling grid of the geometric operations."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from smearlab.augment.randomness import centred, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

# Random vectors along each side: 32 and 19 px apart at 96 px.
_COARSE, _FINE = 4, 6


def displacement(amounts: torch.Tensor, chance: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Draw a smooth field of displacements for each picture (Simard et al. 2003; as coarse vectors, Ronneberger 2015).

    Random vectors on a grid of 4×4 and one of 6×6 over the picture, mixed in random shares, are interpolated
    bicubically.

    Args:
        amounts: ``float32 (m,)``: the longest random vector along each axis, in pixels of a picture with side 96 (the
            shorter side, where they differ); from about 8 the picture may fold.
        chance: ``float32 (m, 8)`` in [0, 1).
        height: of the pictures in pixels.
        width: of the pictures in pixels.

    Returns:
        ``float32 (m, height, width, 2)``: x and y in the units of ``grid_sample`` (2 is the whole side), to be added to
        its grid.
    """
    side, share = min(height, width), chance[:, 1]
    units = torch.tensor([side / width, side / height], device=amounts.device) * (2 / 96)
    # The closer the vectors, the shorter: else the fine field would fold where the coarse one does not.
    shortened = (_COARSE - 1) / (_FINE - 1)
    coarse = _vectors(chance[:, 0], _COARSE, (amounts * share).view(-1, 1) * units)
    fine = _vectors(chance[:, 2], _FINE, (amounts * (1 - share) * shortened).view(-1, 1) * units)
    return interpolated((coarse, fine), height, width).permute(0, 2, 3, 1)


def interpolated(grids: Sequence[torch.Tensor], height: int, width: int) -> torch.Tensor:
    """Interpolate grids ``(m, 2, k, k)`` bicubically to ``(m, 2, height, width)`` and add them up.

    The first and last vectors lie on the border. Two products with fixed weights do it, for all grids at once.
    """
    device = grids[0].device
    rows = [grid @ _weights(grid.shape[3], width, device).T for grid in grids]
    down = [_weights(grid.shape[2], height, device) for grid in grids]
    return torch.cat(down, dim=1) @ torch.cat(rows, dim=2)


def _vectors(chance: torch.Tensor, size: int, lengths: torch.Tensor) -> torch.Tensor:
    """Draw ``(m, 2, size, size)`` within the lengths ``(m, 2)``."""
    return centred(numbers(chance, 2 * size * size)).view(-1, 2, size, size) * lengths[:, :, None, None]


@lru_cache(maxsize=32)
def _weights(size: int, length: int, device: torch.device) -> torch.Tensor:
    """Return the weights ``(length, size)`` of bicubic interpolation, first and last vector on the border."""
    eye = torch.eye(size).view(1, 1, size, size)
    return F.interpolate(eye, (length, size), mode="bicubic", align_corners=True)[0, 0].to(device)
