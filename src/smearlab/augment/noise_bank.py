"""A fixed bank of normal noise, from which every picture reads its own window.

Drawing anew for every picture would cost more than the operations themselves, and a generator on the device could not
give a picture the same noise in every batch. The bank is drawn once from a constant seed, always on the CPU.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from smearlab.augment.separable import to_pixels

GRAINS = (0.0, 0.5, 0.8)
"""Blurs, as standard deviations in pixels at 96 px, that turn independent noise into a camera's correlated noise."""

_SEED = 96
_ROWS = 4096


def normal_noise(
    starts: torch.Tensor, signs: torch.Tensor, colour: torch.Tensor, grains: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """Return standard normal noise for each picture, a window of a fixed bank.

    Args:
        starts: ``float32 (m,)`` in [0, 1): where in the bank the window begins.
        signs: ``float32 (m,)``; below 0.5 the noise is negated.
        colour: ``bool (m,)``; the channels differ, or are all alike.
        grains: ``int64 (m,)`` positions in `GRAINS`.
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (m, 3, h, w)``, mean 0 and variance 1 over the bank.
    """
    bank = _bank(height, width, starts.device)
    rows = len(bank) // len(GRAINS)
    first = (starts * (rows - 3 * height)).long() + grains * rows
    channel = torch.arange(3, device=starts.device) * colour.unsqueeze(1) * height
    lines = (first.unsqueeze(1) + channel).unsqueeze(2) + torch.arange(height, device=starts.device)
    window = bank.index_select(0, lines.flatten()).view(-1, 3, height, width)
    return window.mul_(torch.where(signs < 0.5, -1.0, 1.0).view(-1, 1, 1, 1))


@lru_cache(maxsize=16)
def _bank(height: int, width: int, device: torch.device) -> torch.Tensor:
    """Return ``float32 (grains * rows, width)`` normal noise; each grain a little more blurred, variance kept at 1."""
    generator = torch.Generator().manual_seed(_SEED)
    fine = torch.randn(max(_ROWS, 8 * height), width, generator=generator)
    sigmas = to_pixels(torch.tensor(GRAINS), height, width).tolist()
    return torch.cat([_blurred(fine, sigma) for sigma in sigmas]).to(device)


def _blurred(noise: torch.Tensor, sigma: float) -> torch.Tensor:
    if sigma == 0:
        return noise
    reach = max(1, round(4 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma).square())
    # Independent values add in squares: a kernel of unit length keeps the variance.
    kernel /= kernel.square().sum().sqrt()
    for axis in (0, 1):
        moved = [noise.roll(step - reach, axis) * weight for step, weight in enumerate(kernel)]
        noise = torch.stack(moved).sum(dim=0)
    return noise
