"""A policy: from a batch of raw pictures and a generator to the batch the network trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smearlab.augment import colour, geometry

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig


def augment(pictures: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """Change each picture by its own random draw.

    Args:
        pictures: ``uint8 (n, h, w, 3)`` on any device.
        config: the policy and its strengths.
        generator: a CPU generator, so that the draws are the same on every device.

    Returns:
        ``float32 (n, 3, h, w)`` in 0–1 on the same device; a function of the arguments alone.
    """
    count, height, width, _ = pictures.shape
    planes = pictures.permute(0, 3, 1, 2)
    if config.policy == "none":
        return to_unit(planes)
    if config.policy == "flips" and height == width:
        # Turning bytes moves a quarter of the memory that turning floats would.
        return to_unit(geometry.apply_turns(planes, geometry.draw_turns(count, generator)))
    unit = to_unit(planes).contiguous()
    moved = geometry.apply_affine(unit, _matrices(config, count, generator))
    if config.policy != "light":
        return moved
    return colour.apply_colour(moved, colour.draw_colour(config, count, generator))


def to_unit(pictures: torch.Tensor) -> torch.Tensor:
    """Scale ``uint8`` to ``float32`` in 0–1."""
    return pictures.float().div_(255)


def _matrices(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    if config.policy == "flips":  # not square: a quarter turn would not fit, a half turn does
        still = config.model_copy(update={"rotation": 0.0, "zoom": 0.0, "shift": 0.0})
        matrices = geometry.draw_affine(still, count, generator)
        half_turn = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
        return matrices * half_turn.view(-1, 1, 1)
    return geometry.draw_affine(config, count, generator)
