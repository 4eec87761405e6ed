"""A policy: from a batch of raw pictures and a generator to the batch the network trains on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from smearlab.augment import colour, geometry
from smearlab.augment.draws import Draws
from smearlab.augment.engine import mix_chains, run_engine
from smearlab.augment.geometry import to_unit
from smearlab.augment.operations import INDEX, PUBLISHED
from smearlab.augment.policies import draw_policy
from smearlab.augment.sequence import draw_operation, draw_used, run_steps

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig, StepConfig

_SIMPLE = frozenset({"none", "flips", "geometry", "light"})
"""Policies that are one matrix of place and one of colour; the others draw from the operations of the engine."""


def draw(
    config: AugmentConfig, count: int, height: int, width: int, generator: torch.Generator, progress: float = 1.0
) -> Draws:
    """Draw what happens to each of `count` pictures; the pictures themselves are not needed.

    Args:
        config: the policy and its strengths.
        count: pictures in the whole batch, over all processes.
        height: of a picture in pixels.
        width: of a picture in pixels.
        generator: a CPU generator, so that the draws are the same on every device.
        progress: the share of the training done, 0–1; a curriculum starts mild.
    """
    if config.policy == "none":
        return Draws()
    if config.policy == "sequence":
        used = draw_used(config, count, generator)
        drawn = [_draw_step(config, step, count, height, width, generator, progress) for step in config.steps]
        return Draws(steps=tuple(replace(one, used=rows) for one, rows in zip(drawn, used, strict=True)))
    if config.policy == "flips" and height == width:
        return Draws(turns=geometry.draw_turns(count, generator))
    if config.policy not in _SIMPLE:
        return _upright(draw_policy(config, count, generator, progress), square=height == width)
    matrices = _matrices(config, count, generator)
    if config.policy != "light":
        return Draws(matrices=matrices)
    return Draws(matrices=matrices, colours=colour.draw_colour(config, count, generator))


def apply(pictures: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Do to each picture what was drawn for it.

    Args:
        pictures: ``uint8 (n, h, w, 3)`` on any device.
        draws: one of each kind per picture.

    Returns:
        ``float32 (n, 3, h, w)`` in 0–1 on the same device.
    """
    return _apply(pictures.permute(0, 3, 1, 2), draws)


def _apply(planes: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Do what was drawn to ``uint8 (n, 3, h, w)``, or ``float32`` in 0–1; the pictures given stay as they are."""
    if draws.steps:
        unit = to_unit(planes)
        return run_steps(unit.clone() if unit is planes else unit, draws.steps, _apply)
    if draws.amounts is not None:
        unit = run_engine(planes, draws)
        return mix_chains(unit, draws) if draws.chains else unit
    if draws.turns is not None:
        # Turning bytes moves a quarter of the memory that turning floats would.
        return to_unit(geometry.apply_turns(planes, draws.turns))
    unit = to_unit(planes)
    if draws.matrices is not None:
        unit = geometry.apply_affine(unit, draws.matrices)
    return unit if draws.colours is None else colour.apply_colour(unit, draws.colours)


def augment(
    pictures: torch.Tensor, config: AugmentConfig, generator: torch.Generator, progress: float = 1.0
) -> torch.Tensor:
    """Change each picture by its own random draw: `draw`, then `apply`; a function of the arguments alone."""
    count, height, width, _ = pictures.shape
    return apply(pictures, draw(config, count, height, width, generator, progress))


def _draw_step(
    config: AugmentConfig,
    step: StepConfig,
    count: int,
    height: int,
    width: int,
    generator: torch.Generator,
    progress: float,
) -> Draws:
    """Draw one step of a sequence for every picture, whether it will be used on it or not."""
    if step.name in INDEX:
        return _upright(draw_operation(config, step, count, generator, progress), square=height == width)
    policy = config.of_step(step)
    if step.name in ("geometry", "light"):
        policy = policy.milder(policy.magnitude_at(progress))
    drawn = draw(policy, count, height, width, generator, progress)
    return replace(drawn, turns=None) if step.name in PUBLISHED else drawn


def _upright(draws: Draws, *, square: bool) -> Draws:
    """Leave out the quarter turns where a picture is not square: the turned one would not fit."""
    if square or draws.turns is None:
        return draws
    return replace(draws, turns=draws.turns % 4)


def _matrices(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    if config.policy == "flips":  # not square: a quarter turn would not fit, a half turn does
        still = config.model_copy(update={"rotation": 0.0, "zoom": 0.0, "shift": 0.0})
        matrices = geometry.draw_affine(still, count, generator)
        half_turn = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
        return matrices * half_turn.view(-1, 1, 1)
    return geometry.draw_affine(config, count, generator)
