"""Tone curves: one look-up of 256 values per picture and channel, composed and applied once.

A curve is ``float32 (m, 3, 256)``: what a pixel of value k/255 becomes, in 0–1; between two entries it is straight.
Every operation takes ``amounts float32 (m,)``, 0 meaning identity, and ``chance float32 (m, 8)``, which none of them
needs; those whose curve depends on the picture take ``pictures float32 (m, 3, h, w)`` in 0–1 first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = 256
# The fewest bits posterise leaves at amount 1.
_FEWEST_BITS = 2.0


def gamma(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Raise values to the power ``2**amount``: positive amounts darken the middle tones, negative ones lighten them."""
    return _all_channels(_ramp(amounts) ** torch.exp2(amounts).view(-1, 1))


def solarise(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Invert values above ``1 - amount`` (amounts in 0–1); 0 inverts none, 1 all but black."""
    ramp = _ramp(amounts)
    return _all_channels(torch.where(ramp > 1 - amounts.view(-1, 1), 1 - ramp, ramp))


def posterise(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Cut the lowest bits of an 8-bit value, as Pillow: 8 bits are left at amount 0, 2 at amount 1, rounded."""
    bits = (8 - amounts * (8 - _FEWEST_BITS)).round().view(-1, 1)
    step = torch.exp2(8 - bits)
    values = torch.arange(LEVELS, device=amounts.device, dtype=amounts.dtype)
    return _all_channels((values / step).floor() * step / (LEVELS - 1))


def invert(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blend with the negative by `amounts` in 0–1: 0.5 leaves mid-grey only, 1 is the negative."""
    ramp, share = _ramp(amounts), amounts.view(-1, 1)
    return _all_channels(ramp + share * (1 - 2 * ramp))


def auto_contrast(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blend by `amounts` in 0–1 with the curve that spreads each channel over the whole range, as Pillow.

    A channel of one value only stays as it is.
    """
    lowest, highest = pictures.amin((2, 3)).unsqueeze(2), pictures.amax((2, 3)).unsqueeze(2)
    ramp, span = _ramp(amounts), highest - lowest
    spread = ((ramp - lowest) / span.clamp_min(1e-6)).clamp(0, 1)
    return _blend(ramp, torch.where(span > 0, spread, ramp), amounts)


def equalise(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blend by `amounts` in 0–1 with the curve that makes each channel's histogram flat, as Pillow's ``equalize``.

    A channel of one value only, or of too few pixels for 255 steps, stays as it is.
    """
    counts = _histograms(pictures)
    total = counts.cumsum(2)
    last = counts.gather(2, _last_filled(counts))
    step = (total[:, :, -1:] - last) // (LEVELS - 1)
    flat = ((step // 2 + total - counts) // step.clamp_min(1)).clamp_max(LEVELS - 1) / (LEVELS - 1)
    ramp = _ramp(amounts)
    return _blend(ramp, torch.where(step > 0, flat.to(ramp), ramp), amounts)


def identity(count: int, like: torch.Tensor) -> torch.Tensor:
    """Return curves ``(count, 3, 256)`` that change nothing, on the device of another tensor."""
    return _ramp(like).repeat(count, 3, 1)


def compose_curves(curves: Sequence[torch.Tensor]) -> torch.Tensor:
    """Chain curves ``(m, 3, 256)`` into one; the first of the list acts first."""
    total = curves[0]
    for curve in curves[1:]:
        total = _looked_up(total, curve)
    return total


def apply_curves(pictures: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Apply each channel's own curve to ``float32 (m, 3, h, w)`` in 0–1, straight between the curve's entries."""
    return _looked_up(pictures.flatten(2), curves).view(pictures.shape)


def _looked_up(values: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Look up ``(m, 3, k)`` values in ``(m, 3, 256)`` curves.

    A line between two entries is a slope and an offset at zero. Resampling by the nearest point finds both for every
    value, as places along a picture of one row with two channels; no other look-up is as fast on a CPU.
    """
    slopes = curves.diff(dim=2).mul_(LEVELS - 1)
    ramp = torch.arange(LEVELS - 1, device=curves.device) / (LEVELS - 1)
    # Multiplied, then added, here as below: rounded alike, an entry of nought is found as nought.
    offsets = curves[:, :, :-1] - slopes * ramp
    # Values are in 0–1, places in -1–1: left of the middle only the nearest is ever reached, by rounding.
    lines = torch.stack([slopes, offsets], dim=2).flatten(0, 1)
    lines = F.pad(lines, (LEVELS - 1, 0), mode="replicate").unsqueeze(2)
    # As both coordinates: across the one row of the picture, any place is the same.
    places = values.reshape(len(lines), 1, -1, 1).expand(-1, -1, -1, 2)
    found = F.grid_sample(lines, places, mode="nearest", padding_mode="border", align_corners=False)
    slope, offset = found.view(*curves.shape[:2], 2, -1).unbind(2)
    return (slope * values).add_(offset).clamp_(0, 1)


def _first_entries(count: int, device: torch.device) -> torch.Tensor:
    return torch.arange(0, LEVELS * count, LEVELS, dtype=torch.int32, device=device).view(-1, 1)


def _ramp(like: torch.Tensor) -> torch.Tensor:
    return torch.arange(LEVELS, device=like.device, dtype=like.dtype) / (LEVELS - 1)


def _all_channels(curves: torch.Tensor) -> torch.Tensor:
    return curves.unsqueeze(1).expand(-1, 3, LEVELS)


def _blend(ramp: torch.Tensor, curves: torch.Tensor, amounts: torch.Tensor) -> torch.Tensor:
    return ramp + amounts.view(-1, 1, 1) * (curves - ramp)


def _histograms(pictures: torch.Tensor) -> torch.Tensor:
    """Count the 8-bit values of each channel: ``int64 (m, 3, 256)``."""
    planes = pictures.flatten(0, 1).flatten(1)
    values = (planes * (LEVELS - 1)).add_(0.5).int().add_(_first_entries(len(planes), pictures.device))
    return torch.bincount(values.flatten(), minlength=LEVELS * len(planes)).view(-1, 3, LEVELS)


def _last_filled(counts: torch.Tensor) -> torch.Tensor:
    places = torch.arange(LEVELS, device=counts.device)
    return (places * (counts > 0)).amax(2, keepdim=True)
