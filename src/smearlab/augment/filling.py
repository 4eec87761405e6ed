"""What stands where a turned, shrunk or shifted picture does not reach.

Networks learn what fills the corners: one trained on mirrored corners takes black ones for a part of the cell, and the
other way round. Every picture therefore draws its own filling.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

_SIDE = 2.0
"""Length of a picture's side in the coordinates of `grid_sample`."""
_KINDS: tuple[tuple[float, float | None], ...] = ((0.25, _SIDE), (0.60, _SIDE / 6), (0.70, None))
"""(chance up to, how much of the rim is mirrored back and forth): the whole picture; its outer sixth, which shows
background and red cells but not the cell again; only the last pixel. Above, the picture is surrounded by one colour."""
PLAIN = len(_KINDS)
"""The kind of filling that is one colour."""
_BLACK, _WHITE, _SLIDE = 0.4, 0.55, 0.85
"""(chance up to) black, white, the mean colour of the picture's own rim; beyond: any colour."""


def kinds(chance: torch.Tensor) -> torch.Tensor:
    """Return which kind of filling each picture gets, ``int64 (n,)`` in 0–`PLAIN`, by ``chance float32 (n, 8)``."""
    bounds = torch.tensor([bound for bound, _ in _KINDS], device=chance.device)
    return torch.bucketize(chance[:, 0].contiguous(), bounds, right=True)


def sample(pictures: torch.Tensor, grid: torch.Tensor, kind: int, chance: torch.Tensor) -> torch.Tensor:
    """Resample pictures and fill the places beyond them in one way.

    Args:
        pictures: ``float32 (n, c, h, w)`` in 0–1, on any device; not changed.
        grid: ``float32 (n, h, w, 2)`` as for `grid_sample`; fastest where all x lie together, and all y.
        kind: of filling, as from `kinds`.
        chance: ``float32 (n, 8)`` in [0, 1), on the same device; columns 1 to 4 decide the colour of `PLAIN`.

    Returns:
        ``float32 (n, c, h, w)``.
    """
    period = None if kind == PLAIN else _KINDS[kind][1]
    places = grid if period is None or period == _SIDE else _folded(grid, period)
    padding = "reflection" if period == _SIDE else "border"  # the whole picture: `grid_sample` knows that itself
    result = F.grid_sample(pictures, places, mode="bilinear", padding_mode=padding, align_corners=False)
    if kind != PLAIN:
        return result
    far = grid.abs()
    # As numbers: choosing by truth values takes twenty times as long on a CPU, and 0 and 1 choose exactly.
    within = (torch.maximum(far[..., 0], far[..., 1]) <= 1).to(result).unsqueeze(1)
    return torch.lerp(_colours(pictures, chance).view(*result.shape[:2], 1, 1), result, within)


def _folded(grid: torch.Tensor, period: float) -> torch.Tensor:
    """Mirror places beyond the rim back and forth within a `period` of it."""
    kept = grid.clamp(-1, 1)
    beyond = grid - kept
    # A triangle wave, the distance from the nearest multiple: 0 at the rim, up to the period, back to the rim.
    wave = beyond.sub_((beyond * (0.5 / period)).round_(), alpha=2 * period).abs_()
    return torch.addcmul(kept, kept, wave, value=-1)


def _colours(pictures: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Return the colour around each picture ``(n, c)``."""
    rim = [pictures[:, :, 0], pictures[:, :, -1], pictures[:, :, :, 0], pictures[:, :, :, -1]]
    slide = torch.cat(rim, dim=2).mean(2)
    kind = chance[:, 1:2]
    colours = torch.where(kind < _SLIDE, slide, chance[:, 2 : 2 + pictures.shape[1]])
    return torch.where(kind < _WHITE, (kind >= _BLACK).to(slide).expand_as(slide), colours)
