"""What to say when the loss is no longer a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe
    from smearlab.training.state import Progress


def diagnose(progress: Progress, recipe: Recipe, network: torch.nn.Module, rate: float) -> str:
    """Say where the loss broke, what state the weights are in, and what to change.

    Args:
        progress: where the run stands.
        recipe: the run's recipe.
        network: the network as it is now.
        rate: the learning rate of this step.
    """
    phase = recipe.phases[progress.phase]
    spoilt = [name for name, weight in network.named_parameters() if not bool(torch.isfinite(weight).all())]
    weights = f"{len(spoilt)} weights are no longer finite, first '{spoilt[0]}'" if spoilt else "all weights are finite"
    return (
        f"The loss is no longer a number in epoch {progress.epochs_done + 1}, step {progress.step} "
        f"(phase '{phase.name}', learning rate {rate:.3g}, {recipe.precision.mode}); {weights}. "
        f"To train again: {', or '.join(_advice(progress, recipe))}."
    )


def _advice(progress: Progress, recipe: Recipe) -> list[str]:
    lower = recipe.phases[progress.phase].learning_rate / 3
    advice = [f"lower phases.{progress.phase}.learning_rate (try {lower:.1g})"]
    if recipe.precision.mode != "float32":
        advice.append("set precision.mode = 'float32'")
    if not recipe.regularisation.clip_gradient:
        advice.append("set regularisation.clip_gradient = 1.0")
    return advice
