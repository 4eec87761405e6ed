"""MixUp and CutMix: two pictures in one, with soft labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig


def mix(
    pictures: torch.Tensor, targets: torch.Tensor, config: AugmentConfig, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix a share of the batches by MixUp (Zhang et al. 2018) or CutMix (Yun et al. 2019).

    Args:
        pictures: ``float (n, 3, h, w)``.
        targets: ``float (n, classes)`` probabilities.
        config: the Beta parameters and the share of batches.
        generator: the source of every draw.

    Returns:
        Pictures and soft targets of the same shapes.
    """
    kinds = [kind for kind, alpha in (("mixup", config.mixup), ("cutmix", config.cutmix)) if alpha > 0]
    # All draws are made whether used or not, so switching one option leaves the draws of the others alone.
    chance, choice = torch.rand(2, generator=generator).tolist()
    seed = int(torch.randint(0, 2**62, (1,), generator=generator))
    partner = torch.randperm(len(pictures), generator=generator).to(pictures.device)
    if not kinds or chance >= config.mix_share:
        return pictures, targets
    draws = np.random.default_rng(seed)
    if kinds[int(choice * len(kinds))] == "mixup":
        share = draws.beta(config.mixup, config.mixup, len(pictures))
        return mixup(pictures, targets, partner, torch.as_tensor(share, dtype=pictures.dtype))
    return cutmix(pictures, targets, partner, draws.beta(config.cutmix, config.cutmix), draws.random(2))


def mixup(
    pictures: torch.Tensor, targets: torch.Tensor, partner: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each picture with its partner; ``share (n,)`` is what remains of the picture itself."""
    share = share.to(pictures.device)
    blend = share.view(-1, 1, 1, 1)
    return (
        pictures * blend + pictures[partner] * (1 - blend),
        targets * share.view(-1, 1) + targets[partner] * (1 - share).view(-1, 1),
    )


def cutmix(
    pictures: torch.Tensor, targets: torch.Tensor, partner: torch.Tensor, share: float, centre: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paste one window of each partner; the labels follow the area that was really replaced."""
    height, width = pictures.shape[2:]
    half = math.sqrt(1 - share) / 2
    top, bottom = (int(np.clip((centre[0] + sign * half) * height, 0, height)) for sign in (-1, 1))
    left, right = (int(np.clip((centre[1] + sign * half) * width, 0, width)) for sign in (-1, 1))
    mixed = pictures.clone()
    mixed[:, :, top:bottom, left:right] = pictures[partner, :, top:bottom, left:right]
    kept = 1 - (bottom - top) * (right - left) / (height * width)
    return mixed, targets * kept + targets[partner] * (1 - kept)
