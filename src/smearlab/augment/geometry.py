"""Mirror, rotate, zoom and shift: composed into one matrix per picture and resampled once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig


def symmetric(count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw ``float32 (count,)`` uniformly from [-1, 1)."""
    return torch.rand(count, generator=generator) * 2 - 1


def draw_turns(count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one of the eight symmetries of the square for each picture: ``int64 (count,)`` in 0–7.

    Bits mean: 1 mirrors the rows, 2 mirrors the columns, 4 swaps rows and columns.
    """
    return torch.randint(0, 8, (count,), generator=generator)


def apply_turns(pictures: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Mirror and turn each picture by its own symmetry, exactly (no resampling).

    Args:
        pictures: ``(n, c, s, s)`` of any dtype; square.
        turns: ``int64 (n,)`` as from `draw_turns`, on the CPU.

    Returns:
        A new tensor of the same shape and dtype. Pictures of one symmetry are moved together: eight copies at most,
        which is cheaper than a choice per picture for every symmetry.
    """
    turned = torch.empty_like(pictures)
    for turn in sorted(set(turns.tolist())):
        rows = (turns == turn).nonzero().squeeze(1).to(pictures.device)
        some = pictures[rows]
        flips = [axis for bit, axis in ((1, 2), (2, 3)) if turn & bit]
        some = some.flip(flips) if flips else some
        turned[rows] = some.transpose(2, 3) if turn & 4 else some
    return turned


def draw_affine(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one matrix per picture, ``float32 (count, 2, 3)``, in the normalised coordinates of `affine_grid`.

    Mirror, rotation, zoom and shift are multiplied here, so the pictures are resampled only once.
    """
    angle = symmetric(count, generator) * math.radians(config.rotation)
    zoom = torch.exp(symmetric(count, generator) * math.log1p(config.zoom))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    # affine_grid measures from -1 to 1, twice the side.
    shift = symmetric(2 * count, generator).view(count, 2) * 2 * config.shift
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    top = torch.stack([cos * mirror, -sin, shift[:, 0]], dim=1)
    bottom = torch.stack([sin * mirror, cos, shift[:, 1]], dim=1)
    return torch.stack([top, bottom], dim=1)


def apply_affine(pictures: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Resample ``float (n, c, h, w)`` pictures by their own matrices; beyond the border the picture is mirrored.

    Mirroring keeps the corners looking like smear, where a black corner would tell the network the angle.
    """
    grid = sampling_grid(matrices.to(pictures), *pictures.shape[2:])
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def sampling_grid(matrices: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Say where every pixel is taken from: ``(n, height, width, 2)`` as from `affine_grid` without aligned corners.

    A column's and a row's share are added, where `affine_grid` multiplies a matrix per pixel: on a CPU that alone takes
    half as long as the resampling itself.
    """
    across = matrices[:, :, 0, None, None] * _pixel_centres(width, matrices)
    down = matrices[:, :, 1, None] * _pixel_centres(height, matrices) + matrices[:, :, 2, None]
    return (across + down.unsqueeze(3)).permute(0, 2, 3, 1)


def _pixel_centres(size: int, like: torch.Tensor) -> torch.Tensor:
    return (torch.arange(size, device=like.device, dtype=like.dtype) * 2 + 1) / size - 1
