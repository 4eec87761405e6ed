"""Down-and-up sampling: what a coarser camera, or a picture enlarged from a small one, leaves of the detail."""

from __future__ import annotations

import torch

from smearlab.augment.separable import apply_separable, downsample_filter, pixelate_filter


def downsample(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Shrink by ``1 / (1 + amount)``, averaging areas, and enlarge bilinearly to the old size.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)``, >= 0; the small size is a whole number of pixels.
        chance: unused: nothing is left to chance.
    """
    return apply_separable(pictures, *downsample_filter(amounts, *pictures.shape[2:]))


def pixelate(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Shrink by ``1 / (1 + amount)``, averaging areas, and enlarge by repeating pixels.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)``, >= 0; the small size is a whole number of pixels.
        chance: unused: nothing is left to chance.
    """
    return apply_separable(pictures, *pixelate_filter(amounts, *pictures.shape[2:]))
