"""How much of a recipe's own training a study of systems can afford: epochs, batches and copies cut to a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smearlab.evaluation.studies.plan import Scale
    from smearlab.training.recipe import PhaseConfig, Recipe

FEWEST = 5
"""Epochs in all that a cut leaves; fewer would measure the budget rather than the system."""


def epochs_allowed(scale: Scale, giga: float) -> int:
    """Return how many epochs a row may have in all.

    The number follows from the network alone and not from the machine's mood, so that a study that is gone on with
    elsewhere asks for the same.

    Args:
        scale: whose `epochs` are for networks of up to `work` 10⁹ multiply-adds for each picture; larger ones get
            fewer in proportion, but at least five.
        giga: 10⁹ multiply-adds of one picture going forward.
    """
    if not scale.work or giga <= scale.work:
        return scale.epochs
    return min(scale.epochs, max(FEWEST, int(scale.epochs * scale.work / giga)))


def capped(recipe: Recipe, scale: Scale, giga: float, share: float = 1.0) -> tuple[str, ...]:
    """Return the overrides that cut a recipe's training to a scale; all else stays as it is written.

    Phases share the epochs in the proportion that they have in the recipe, each at least one.

    Args:
        recipe: as it stands.
        scale: of the study.
        giga: 10⁹ multiply-adds of one picture going forward.
        share: of the data's training pictures that the study trains on, which cuts numbers of copies alike.
    """
    planned = [phase.epochs for phase in recipe.phases]
    epochs = shared_out(planned, epochs_allowed(scale, giga))
    overrides = [
        override
        for number, (phase, count) in enumerate(zip(recipe.phases, epochs, strict=True))
        for override in _of_phase(f"phases.{number}", phase, count, scale)
    ]
    if recipe.balance.per_class and share < 1:
        overrides.append(f"balance.per_class={max(1, round(recipe.balance.per_class * share))}")
    return tuple(overrides)


def shared_out(planned: list[int], allowed: int) -> list[int]:
    """Share epochs out to phases in the proportion planned, each at least one, none more than planned.

    >>> shared_out([10, 20], 6), shared_out([1, 1], 10), shared_out([30, 1], 4)
    ([2, 4], [1, 1], [3, 1])
    """
    if sum(planned) <= allowed:
        return planned
    shares = [max(1, int(allowed * one / sum(planned))) for one in planned]
    while sum(shares) < allowed:  # to whom most is missing
        missing = [one - share * sum(planned) / allowed for one, share in zip(planned, shares, strict=True)]
        shares[missing.index(max(missing))] += 1
    return shares


def _of_phase(key: str, phase: PhaseConfig, epochs: int, scale: Scale) -> list[str]:
    overrides = [f"{key}.epochs={epochs}", f"{key}.min_steps_per_epoch=1"]
    if epochs < phase.epochs:
        # The rise to the full rate, growing and patience keep their share of the phase.
        share = epochs / phase.epochs
        overrides.append(f"{key}.warmup_epochs={phase.warmup_epochs * share:g}")
        if phase.trainable.grow_epochs:
            overrides.append(f"{key}.trainable.grow_epochs={max(1, round(phase.trainable.grow_epochs * share))}")
    if scale.batch and phase.batch_size > scale.batch:
        overrides.append(f"{key}.batch_size={scale.batch}")
    return overrides


def from_scratch(recipe: Recipe) -> tuple[str, ...]:
    """Return the overrides that train a recipe without the weights it wants: all of the network learns from the start.

    A backbone that nobody trained and that is kept still gives its head nothing to learn from.
    """
    everything = "{ share = 1.0 }"
    return (
        "network.weights=none",
        *(f"phases.{number}.trainable={everything}" for number in range(len(recipe.phases))),
    )
