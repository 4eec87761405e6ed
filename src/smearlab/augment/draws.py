"""What chance decided for every picture of a batch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch

from smearlab.augment.operations import ENGINE, INDEX

CHANCES = 8
"""Uniform random numbers that every operation of every picture has for itself."""


@dataclass(frozen=True)
class Draws:
    """What happens to each picture of a batch; None where the policy does no such thing.

    Attributes:
        turns: ``int64 (n,)``, see `geometry.draw_turns`.
        matrices: ``float32 (n, 2, 3)``, see `geometry.draw_affine`.
        colours: ``float32 (n, 3, 4)``, see `colour.draw_colour`.
        amounts: ``float32 (n, operations)`` in the order of `operations.ENGINE`; 0 leaves the picture alone.
        chance: ``float32 (n, operations, 8)`` in [0, 1): angles, places and noise of each operation.
        chains: of AugMix and PixMix: what happens in each chain after the above.
        weights: ``float32 (n, chains)`` the share of each chain in the mixture.
        blend: ``float32 (n,)`` the share of the mixture against the picture without it.
        steps: of a sequence: what happens in each step, one after another, instead of all of the above.
        used: of a step: ``bool (n,)`` which pictures it changes.
    """

    turns: torch.Tensor | None = None
    matrices: torch.Tensor | None = None
    colours: torch.Tensor | None = None
    amounts: torch.Tensor | None = None
    chance: torch.Tensor | None = None
    chains: tuple[Draws, ...] = ()
    weights: torch.Tensor | None = None
    blend: torch.Tensor | None = None
    steps: tuple[Draws, ...] = ()
    used: torch.Tensor | None = None

    def take(self, rows: slice | torch.Tensor) -> Draws:
        """Return the draws of some pictures: the share of one of several processes."""
        parts: dict[str, Any] = {field.name: _some(getattr(self, field.name), rows) for field in fields(self)}
        return Draws(**parts)


def _some(
    part: torch.Tensor | tuple[Draws, ...] | None, rows: slice | torch.Tensor
) -> torch.Tensor | tuple[Draws, ...] | None:
    if isinstance(part, tuple):
        return tuple(one.take(rows) for one in part)
    return None if part is None else part[rows]


def still(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return amounts of nothing, ``(count, operations)``, and the chances of every operation."""
    chance = torch.rand(count, len(ENGINE), CHANCES, generator=generator)
    return torch.zeros(count, len(ENGINE)), chance


def fixed(name: str, amounts: torch.Tensor, generator: torch.Generator) -> Draws:
    """Return draws that do one operation at given amounts ``(n,)``: for sheets and tests."""
    all_amounts, chance = still(len(amounts), generator)
    all_amounts[:, INDEX[name]] = amounts
    return Draws(amounts=all_amounts, chance=chance)
