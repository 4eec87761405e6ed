"""A sequence of steps: on which pictures each acts, how one operation is drawn alone, and running them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smearlab.augment.draws import Draws, still
from smearlab.augment.geometry import draw_turns
from smearlab.augment.operations import ENGINE, INDEX, allowed
from smearlab.augment.portions import change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smearlab.augment.config import AugmentConfig, StepConfig

    Doing = Callable[[torch.Tensor, Draws], torch.Tensor]

_TURNING = ("flip", "flips")


def draw_used(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw which pictures each step changes: ``bool (steps, count)``.

    A step changes each picture by its rate. Where only some of the steps are chosen, they are different ones, in the
    order of the recipe. Untouched pictures are mirrored and turned where the sequence does that, and nothing else.
    """
    rates = torch.tensor([step.rate for step in config.steps])
    used = torch.rand(count, len(rates), generator=generator) < rates
    place = torch.rand(count, len(rates), generator=generator).argsort(1).argsort(1)
    if config.choose:
        used &= place < config.choose
    untouched = torch.rand(count, 1, generator=generator) < config.untouched
    turning = torch.tensor([step.name in _TURNING for step in config.steps])
    return (used & (~untouched | turning)).T.contiguous()


def draw_operation(
    config: AugmentConfig, step: StepConfig, count: int, generator: torch.Generator, progress: float
) -> Draws:
    """Draw a step that is one operation of the engine, for every picture; an operation left out does nothing."""
    operation = ENGINE[INDEX[step.name]]
    if step.name == "flip":
        turns = draw_turns(count, generator)
        return Draws(turns=turns) if operation in allowed(config) else Draws()
    amounts, chance = still(count, generator)
    level = torch.rand(count, generator=generator)
    sign = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    if operation not in allowed(config):
        return Draws()
    level = level if step.vary else torch.ones(count)
    full = operation.full * step.magnitude * config.magnitude_at(progress)
    amounts[:, INDEX[step.name]] = full * level * (sign if operation.signed else 1.0)
    return Draws(amounts=amounts, chance=chance)


def run_steps(unit: torch.Tensor, steps: Sequence[Draws], function: Doing) -> torch.Tensor:
    """Run steps one after another, each on the pictures that drew it.

    Args:
        unit: ``float32 (n, 3, h, w)`` in 0–1 on any device; changed in place.
        steps: their draws, on the CPU.
        function: does the draws of one step to pictures of this form.

    Returns:
        ``float32 (n, 3, h, w)`` in 0–1 on the same device.
    """
    for step in steps:
        rows = torch.arange(len(unit)) if step.used is None else step.used.nonzero().squeeze(1)
        if len(rows) == len(unit):
            unit = function(unit, step)
        elif len(rows):
            _run_on_some(unit, rows, step.take(rows), function)
    return unit


def _run_on_some(unit: torch.Tensor, rows: torch.Tensor, drawn: Draws, function: Doing) -> None:
    change(unit, rows, lambda taken: function(taken, drawn))
