"""Mirror, rotate, zoom and shift: composed into one matrix per picture and resampled once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from smearlab.augment import filling
from smearlab.augment.elastic import displacement
from smearlab.augment.operations import ENGINE, INDEX
from smearlab.augment.portions import portions, put, take

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig

GEOMETRY = [INDEX[operation.name] for operation in ENGINE if operation.stage == "geometry" and operation.name != "flip"]
"""Columns of the amounts that move pixels beyond mirroring and quarter turns."""


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
    across, down = _shares(matrices, height, width)
    return (across + down).permute(0, 2, 3, 1)


def _shares(matrices: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a column and what a row add to the places: ``(n, 2, 1, width)`` and ``(n, 2, height, 1)``."""
    across = matrices[:, :, 0, None] * _pixel_centres(width, matrices)
    down = matrices[:, :, 1, None] * _pixel_centres(height, matrices) + matrices[:, :, 2, None]
    return across.unsqueeze(2), down.unsqueeze(3)


def _pixel_centres(size: int, like: torch.Tensor) -> torch.Tensor:
    return (torch.arange(size, device=like.device, dtype=like.dtype) * 2 + 1) / size - 1


def compose_affine(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Compose rotation, zoom, crop, shear and translation of each picture into one matrix.

    Args:
        amounts: ``float32 (n, operations)`` in the order of `operations.ENGINE`.
        chance: ``float32 (n, operations, 8)``.

    Returns:
        ``float32 (n, 2, 3)``: from where in the picture, in the coordinates of `affine_grid`, each place is taken.
    """
    angle = torch.deg2rad(amounts[:, INDEX["rotate"]])
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    kept = 1 - amounts[:, INDEX["crop"]].clamp(0, 0.95)
    # Looking at a larger part of the picture makes everything in it smaller.
    scale = torch.exp2(-amounts[:, INDEX["zoom"]]) * kept
    linear = turn @ _shears(amounts[:, INDEX["shear"]], chance[:, INDEX["shear"], 0]) * scale.view(-1, 1, 1)
    # A crop lies anywhere within the picture; the window's centre moves by up to what is cut off.
    crop = (chance[:, INDEX["crop"], :2] * 2 - 1) * (1 - kept).unsqueeze(1)
    return torch.cat([linear, (crop + _translations(amounts, chance)).unsqueeze(2)], dim=2)


def _shears(degrees: torch.Tensor, axis: torch.Tensor) -> torch.Tensor:
    """Return shear matrices ``(n, 2, 2)``, along the rows or along the columns by chance."""
    slope = torch.deg2rad(degrees).tan()
    matrices = torch.eye(2).to(degrees).repeat(len(degrees), 1, 1)
    along_rows = axis < 0.5
    matrices[:, 0, 1] = torch.where(along_rows, slope, 0.0)
    matrices[:, 1, 0] = torch.where(along_rows, 0.0, slope)
    return matrices


def _translations(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Return shifts ``(n, 2)`` in any direction; the coordinates run from -1 to 1, twice the side."""
    length = 2 * amounts[:, INDEX["translate"]]
    direction = chance[:, INDEX["translate"], 0] * math.tau
    return torch.stack([length * direction.cos(), length * direction.sin()], dim=1)


def warp(
    pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor, turns: torch.Tensor | None = None
) -> torch.Tensor:
    """Do all geometric operations of each picture by one resampling, and its symmetry of the square with them.

    Pictures that are only mirrored and turned are not resampled but moved exactly.

    Args:
        pictures: ``float (n, c, h, w)`` in 0–1, or ``uint8``, which is scaled to that; not changed.
        amounts: ``float32 (n, operations)`` on the CPU.
        chance: ``float32 (n, operations, 8)`` on the CPU.
        turns: ``int64 (n,)`` as from `draw_turns`, on the CPU; done first.

    Returns:
        A new tensor, or the pictures themselves where they are numbers in 0–1 and nothing moves.
    """
    turns = torch.zeros(len(pictures), dtype=torch.long) if turns is None else turns
    moved = (amounts[:, GEOMETRY] != 0).any(1)
    if not bool((moved | (turns != 0)).any()):
        return to_unit(pictures)
    result = torch.empty(pictures.shape, device=pictures.device)
    still = (~moved).nonzero().squeeze(1)
    if len(still):
        put(result, still, to_unit(apply_turns(take(pictures, still.to(pictures.device)), turns[still])))
    rows = moved.nonzero().squeeze(1)
    if len(rows):
        _resample(pictures, result, rows, amounts[rows], chance[rows], turns[rows])
    return result


def to_unit(pictures: torch.Tensor) -> torch.Tensor:
    """Scale ``uint8`` to ``float32`` in 0–1, one place after another in memory; numbers stay as they are."""
    if pictures.dtype != torch.uint8:
        return pictures
    return pictures.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _resample(
    pictures: torch.Tensor,
    result: torch.Tensor,
    rows: torch.Tensor,
    amounts: torch.Tensor,
    chance: torch.Tensor,
    turns: torch.Tensor,
) -> None:
    """Resample some pictures into the result, the pictures of one kind of filling together.

    Resampling reads all over a picture, which takes half the time on a CPU while the picture is still in the cache.
    """
    device, (height, width) = pictures.device, pictures.shape[2:]
    matrices = (turn_matrices(turns) @ compose_affine(amounts, chance)).to(device)
    across, down = _shares(matrices, height, width)
    colours = chance[:, INDEX["zoom"]].to(device)
    bent = amounts[:, INDEX["elastic"]] != 0
    bends = _bends(amounts[bent], chance[bent], height, width, device)
    place = bent.long().cumsum(0).sub_(1).tolist()
    for (kind, is_bent), members in _grouped(filling.kinds(chance[:, INDEX["zoom"]]), bent).items():
        for part in portions(len(members), device):
            some = torch.tensor(members[part])
            here = some.to(device)
            grid = across.index_select(0, here) + down.index_select(0, here)
            if is_bent:
                grid += bends[[place[row] for row in members[part]]]
            taken = to_unit(take(pictures, rows[some].to(device)))
            put(result, rows[some], filling.sample(taken, grid.permute(0, 2, 3, 1), kind, colours[here]))


def _bends(amounts: torch.Tensor, chance: torch.Tensor, height: int, width: int, device: torch.device) -> torch.Tensor:
    lengths, numbers = amounts[:, INDEX["elastic"]].to(device), chance[:, INDEX["elastic"]].to(device)
    return displacement(lengths, numbers, height, width).permute(0, 3, 1, 2)


def _grouped(kinds: torch.Tensor, bent: torch.Tensor) -> dict[tuple[int, bool], list[int]]:
    groups: dict[tuple[int, bool], list[int]] = {}
    for row, key in enumerate(zip(kinds.tolist(), bent.tolist(), strict=True)):
        groups.setdefault(key, []).append(row)
    return groups


def turn_matrices(turns: torch.Tensor) -> torch.Tensor:
    """Return the symmetries of `draw_turns` as matrices ``float32 (n, 2, 2)`` of places, x before y."""
    flips = torch.stack([1 - (turns & 2), 1 - 2 * (turns & 1)], dim=1).float()
    straight, swapped = torch.eye(2), torch.eye(2).flip(0)
    return torch.diag_embed(flips) @ torch.where((turns & 4).bool().view(-1, 1, 1), swapped, straight)
