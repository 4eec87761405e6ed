"""Smooth random deformation, to be added to the one sampling grid of the geometric operations."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F

from smearlab.augment.randomness import centred, numbers

# Random vectors along each side. Five are spaced 24 px at 96 px, so that up to about 8 px the picture does not fold.
_COARSE, _FINE = 4, 6


def displacement(amounts: torch.Tensor, chance: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Draw a smooth field of displacements for each picture (Simard et al. 2003; as coarse vectors, Ronneberger 2015).

    Random vectors on a grid of 4×4 and one of 6×6 over the picture, mixed in random shares, are interpolated
    bicubically.

    Args:
        amounts: ``float32 (m,)``: the largest random vector along each axis, in pixels of a picture with side 96.
        chance: ``float32 (m, 8)`` in [0, 1).
        height: of the pictures in pixels.
        width: of the pictures in pixels.

    Returns:
        ``float32 (m, height, width, 2)``: x and y in the units of ``grid_sample`` (2 is the whole side), to be added to
        its grid.
    """
    share = chance[:, 1].view(-1, 1, 1, 1)
    field = _field(share * _vectors(chance[:, 0], _COARSE), height, width)
    field += _field((1 - share) * _vectors(chance[:, 2], _FINE), height, width)
    side = min(height, width)
    units = torch.tensor([side / width, side / height], device=amounts.device) * (2 / 96)
    return (field * (amounts.view(-1, 1, 1, 1) * units.view(1, 2, 1, 1))).permute(0, 2, 3, 1)


def _vectors(chance: torch.Tensor, size: int) -> torch.Tensor:
    return centred(numbers(chance, 2 * size * size)).view(-1, 2, size, size)


def _field(vectors: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Interpolate ``(m, 2, k, k)`` bicubically to ``(m, 2, height, width)``: two products with fixed weights."""
    size = vectors.shape[2]
    down, across = (_weights(size, length, vectors.device) for length in (height, width))
    return down @ (vectors @ across.T)


@lru_cache(maxsize=32)
def _weights(size: int, length: int, device: torch.device) -> torch.Tensor:
    """Return the weights ``(length, size)`` of bicubic interpolation, first and last vector on the border."""
    eye = torch.eye(size).view(1, 1, size, size)
    return F.interpolate(eye, (length, size), mode="bicubic", align_corners=True)[0, 0].to(device)
