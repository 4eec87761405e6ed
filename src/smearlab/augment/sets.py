"""Augmented sets by name: light, moderate and heavy, and every policy that needs no further words.

Imports no torch, so that a name can be judged without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from smearlab.augment.config import AugmentConfig, PolicyName, StepConfig
from smearlab.errors import RecipeError, did_you_mean


@dataclass(frozen=True)
class NamedSet:
    """What an augmented set consists of.

    Attributes:
        config: what is done to each copy.
        per_image: copies of each picture where nothing else is asked for.
    """

    config: AugmentConfig
    per_image: int


def _steps(operations: int, magnitude: float) -> tuple[StepConfig, ...]:
    return StepConfig(name="geometry"), StepConfig(name="pipeline", operations=operations, magnitude=magnitude)


SETS: dict[str, NamedSet] = {
    "light": NamedSet(AugmentConfig(policy="light"), 1),
    "moderate": NamedSet(AugmentConfig(policy="sequence", steps=_steps(2, 0.4)), 2),
    "heavy": NamedSet(AugmentConfig(policy="sequence", steps=_steps(4, 0.6), mixup=0.2, cutmix=1.0, mix_share=0.5), 4),
}
"""More copies of each picture, more operations on each copy, and in the heavy one MixUp and CutMix."""


def named_policies() -> tuple[str, ...]:
    """Return every name that stands for a policy by itself: of policies and of sets."""
    return tuple(dict.fromkeys([*(name for name in get_args(PolicyName) if name != "sequence"), *SETS]))


def policy_of(name: str, base: AugmentConfig | None = None) -> AugmentConfig:
    """Return the policy that a name stands for.

    Args:
        name: of a policy or of a set.
        base: settings that a policy takes its strengths from; a set has its own.

    Raises:
        RecipeError: there is none of that name, or it is a sequence, whose steps only a recipe can tell.
    """
    if name in SETS and name != "light":
        return SETS[name].config
    base = base or AugmentConfig()
    if name == "sequence" and not base.steps:
        raise RecipeError("The policy 'sequence' has its steps in a recipe: give --recipe, and no --policy.")
    if name != "sequence" and name not in named_policies():
        known = named_policies()
        raise RecipeError(
            f"There is no policy '{name}'.{did_you_mean(name, known)} The policies are: {', '.join(known)}."
        )
    return base.model_copy(update={"policy": name})
