"""The policies: which operations each picture gets, and how strongly.

Whatever the policy, the operations of a picture run in the engine's order, which composes what can be composed; the
published policies therefore agree with their papers in what is drawn, not in the order of two operations of a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from smearlab.augment.draws import Draws, still
from smearlab.augment.geometry import draw_turns
from smearlab.augment.operations import (
    AUGMIX,
    ENGINE,
    INDEX,
    PIPELINE,
    TRADITIONAL,
    Operation,
    allowed,
    family_share,
    randaugment_space,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.augment.config import AugmentConfig

AUGMIX_WIDTH = 3
AUGMIX_DEPTH = 3
_AUGMIX_SEVERITY = 0.3  # of 1, as the 3 of 10 that the paper uses


def draw_policy(config: AugmentConfig, count: int, generator: torch.Generator, progress: float) -> Draws:
    """Draw a policy of operations for `count` square pictures.

    Args:
        config: policy, magnitude, what is left out.
        count: of pictures.
        generator: the source of every draw; how many numbers are drawn never depends on their values.
        progress: share of the training done, 0–1, for the curriculum.
    """
    magnitude = config.magnitude_at(progress)
    operations = allowed(config)
    turns = draw_turns(count, generator)
    if not any(operation.name == "flip" for operation in operations):
        turns = torch.zeros_like(turns)
    untouched = torch.rand(count, generator=generator) < config.untouched
    draws = _DRAWN[config.policy](config, operations, count, generator, magnitude)
    assert draws.amounts is not None
    draws.amounts[untouched] = 0
    if draws.blend is not None:
        draws.blend[untouched] = 0
    draws.amounts[:, INDEX["flip"]] = 0  # done exactly, by turns, for every picture
    return Draws(turns, None, None, draws.amounts, draws.chance, draws.chains, draws.weights, draws.blend)


def _ours(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Use every family on its own share of the pictures, by one of its operations, at any amount up to the magnitude.

    Amounts are uniform from nothing to the magnitude, so that mild alterations, which are common, are not forgotten
    over the rare hard ones.
    """
    amounts, chance = still(count, generator)
    families = sorted({operation.family for operation in ENGINE})
    used = torch.rand(count, len(families), generator=generator)
    which = torch.rand(count, len(families), generator=generator)
    level = torch.rand(count, len(families), generator=generator)
    sign = torch.where(torch.rand(count, len(families), generator=generator) < 0.5, -1.0, 1.0)
    members = [operation for operation in operations if operation.name != "flip"]
    if not members:
        return Draws(amounts=amounts, chance=chance)
    peers = [[other.name for other in members if other.family == operation.family] for operation in members]
    place = [families.index(operation.family) for operation in members]
    number = torch.tensor([names.index(operation.name) for names, operation in zip(peers, members, strict=True)])
    share = torch.tensor([family_share(config, name) for name in families])
    choice = (which[:, place] * torch.tensor([len(names) for names in peers])).long()
    chosen = (used < share)[:, place] & (choice == number)
    # A turned cell is as natural as the cell itself: rotation knows no mild and hard.
    strength = torch.tensor([1.0 if operation.name == "rotate" else magnitude for operation in members])
    full = torch.tensor([float(operation.full) for operation in members])
    signed = torch.tensor([operation.signed for operation in members])
    amount = full * (level[:, place] * strength) * torch.where(signed, sign[:, place], 1.0)
    amounts[:, [INDEX[operation.name] for operation in members]] = amount * chosen
    return Draws(amounts=amounts, chance=chance)


def _traditional(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Turn, zoom, shift and relight a little: what most notebooks do."""
    amounts, chance = still(count, generator)
    level = torch.rand(count, len(TRADITIONAL), generator=generator) * 2 - 1
    left = {operation.name for operation in operations}
    for position, (name, full) in enumerate(TRADITIONAL.items()):
        if name in left:
            amounts[:, INDEX[name]] = level[:, position] * magnitude * full
    return Draws(amounts=amounts, chance=chance)


def _randaugment(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Use some operations of the published space, all at one magnitude (Cubuk et al. 2020)."""
    space = _named(operations, randaugment_space())
    level = torch.full((count, config.operations), magnitude)
    return _chosen(space, level, count, generator, published=True)


def _trivialaugment(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Use one operation of the published space at any magnitude (Müller & Hutter 2021)."""
    level = torch.rand(count, 1, generator=generator) * magnitude
    return _chosen(_named(operations, randaugment_space()), level, count, generator, published=True)


def _pipeline(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Use some of many operations on a share of the pictures, as Keras' RandomAugmentationPipeline."""
    level = torch.rand(count, config.operations, generator=generator) * magnitude
    changed = torch.rand(count, config.operations, generator=generator) < config.rate
    return _chosen(_named(operations, PIPELINE), level * changed, count, generator)


def _augmix(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Mix three short chains with one another and with the picture (Hendrycks et al. 2020)."""
    amounts, chance = still(count, generator)
    space = _named(operations, AUGMIX)
    chains = tuple(_augmix_chain(space, count, generator, magnitude) for _ in range(AUGMIX_WIDTH))
    # Dirichlet(1, …) and Beta(1, 1), from uniform numbers alone.
    exponential = -torch.rand(count, AUGMIX_WIDTH, generator=generator).clamp_min(1e-7).log()
    weights = exponential / exponential.sum(1, keepdim=True)
    blend = torch.rand(count, generator=generator)
    return Draws(amounts=amounts, chance=chance, chains=chains, weights=weights, blend=blend)


def _augmix_chain(space: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float) -> Draws:
    depth = torch.randint(1, AUGMIX_DEPTH + 1, (count, 1), generator=generator)
    level = (0.1 + torch.rand(count, AUGMIX_DEPTH, generator=generator) * 0.9) * _AUGMIX_SEVERITY * magnitude
    level = torch.where(torch.arange(AUGMIX_DEPTH) < depth, level, 0.0)
    return _chosen(space, level, count, generator, published=True)


def _pixmix(
    config: AugmentConfig, operations: Sequence[Operation], count: int, generator: torch.Generator, magnitude: float
) -> Draws:
    """Mix the picture with fractals, after one mild operation or none (Hendrycks et al. 2022)."""
    level = torch.rand(count, 1, generator=generator) * _AUGMIX_SEVERITY * magnitude
    level = level * (torch.rand(count, 1, generator=generator) < 0.5)
    draws = _chosen(_named(operations, AUGMIX), level, count, generator, published=True)
    if any(operation.name == "fractal" for operation in operations):
        assert draws.amounts is not None
        draws.amounts[:, INDEX["fractal"]] = magnitude * torch.rand(count, generator=generator)
    return draws


def _named(operations: Sequence[Operation], names: Sequence[str]) -> list[Operation]:
    return [operation for operation in operations if operation.name in names]


def _chosen(
    space: Sequence[Operation],
    level: torch.Tensor,
    count: int,
    generator: torch.Generator,
    *,
    published: bool = False,
) -> Draws:
    """Choose different operations of a space for each picture, one for each column of `level` ``(count, k)``."""
    amounts, chance = still(count, generator)
    order = torch.rand(count, max(len(space), 1), generator=generator).argsort(1)
    sign = torch.where(torch.rand(level.shape, generator=generator) < 0.5, -1.0, 1.0)
    for column in range(min(level.shape[1], len(space))):
        for number, operation in enumerate(space):
            chosen = order[:, column] == number
            full = operation.randaugment if published and operation.randaugment is not None else operation.full
            amount = _amount(full, operation, level[:, column], sign[:, column])
            amounts[chosen, INDEX[operation.name]] = amount[chosen]
    return Draws(amounts=amounts, chance=chance)


def _amount(full: float, operation: Operation, level: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    return full * level * sign if operation.signed else full * level


_DRAWN = {
    "traditional": _traditional,
    "randaugment": _randaugment,
    "trivialaugment": _trivialaugment,
    "augmix": _augmix,
    "pixmix": _pixmix,
    "pipeline": _pipeline,
    "ours": _ours,
}
