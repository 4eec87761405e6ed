"""Brightness, contrast, saturation and channel shifts: composed into one colour matrix per picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smearlab.augment.geometry import symmetric

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig

# ITU-R BT.601 luma, as Pillow and torchvision use for greyscale.
LUMA = (0.299, 0.587, 0.114)


def draw_colour(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one colour matrix per picture: ``float32 (count, 3, 4)``, the last column being added (range 0–1)."""
    saturation = 1 + config.saturation * symmetric(count, generator)
    contrast = 1 + config.contrast * symmetric(count, generator)
    brightness = config.brightness * symmetric(count, generator)
    channels = config.channels * symmetric(3 * count, generator).view(count, 3)
    grey = torch.tensor(LUMA).expand(3, 3)
    linear = saturation.view(-1, 1, 1) * torch.eye(3) + (1 - saturation).view(-1, 1, 1) * grey
    linear = contrast.view(-1, 1, 1) * linear
    # Contrast turns around mid-grey, so a change of contrast alone leaves the mean of the range where it was.
    offset = (0.5 * (1 - contrast) + brightness).view(-1, 1) + channels
    return torch.cat([linear, offset.unsqueeze(2)], dim=2)


def apply_colour(pictures: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Apply one colour matrix per picture to ``float (n, 3, h, w)`` in 0–1; the result is clipped to 0–1."""
    count, _, height, width = pictures.shape
    matrices = matrices.to(pictures)
    flat = torch.baddbmm(matrices[:, :, 3:], matrices[:, :, :3], pictures.reshape(count, 3, height * width))
    return flat.clamp_(0, 1).view(count, 3, height, width)
