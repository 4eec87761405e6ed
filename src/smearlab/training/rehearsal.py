"""A recipe's training in small, without files: one step or two of every phase, to see that all of it works."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from smearlab.training.display import Display
from smearlab.training.job import FitResult, TrainingData
from smearlab.training.loop import Trainer
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

_NOWHERE = Path("rehearsal that writes no file")


class _Rehearsal(Trainer):
    """The training loop, but for everything that it writes: a state of 350 million weights would be gigabytes."""

    def _save(self) -> None:
        return

    def _save_best(self) -> None:
        return

    def _keep_start(self, number: int) -> None:
        return

    def _finish(self) -> FitResult:
        return FitResult({}, self.progress)


def shortened(recipe: Recipe, batch_size: int) -> Recipe:
    """Return a recipe whose phases are one epoch, or two where what learns grows, of small batches.

    Args:
        recipe: any.
        batch_size: of every phase.
    """
    overrides = ["precision.mode=float32"] if recipe.precision.mode == "auto" else []
    overrides += ["balance.per_class=2"] if recipe.balance.kind in ("oversample", "synthetic") else []
    overrides += ["warm_up.epochs=0"] if recipe.warm_up.epochs else []
    for number, phase in enumerate(recipe.phases):
        grows = bool(phase.trainable.grow_epochs)
        here = f"phases.{number}"
        overrides += [f"{here}.epochs={1 + grows}", f"{here}.warmup_epochs=0", f"{here}.batch_size={batch_size}"]
        overrides += [f"{here}.min_steps_per_epoch=1"]
        overrides += [f"{here}.trainable.grow_epochs=1"] if grows else []
    return load_recipe(recipe, overrides)


def rehearse(network: CellNetwork, data: TrainingData, recipe: Recipe) -> list[dict[str, Any]]:
    """Train a shortened recipe on a few pictures; nothing is written.

    Args:
        network: of the recipe; trained in place.
        data: a few framed pictures.
        recipe: from `shortened`.

    Returns:
        The history, a row for every epoch.

    Raises:
        TrainingError: the loss is no number.
    """
    unseen = Display(1, Console(file=io.StringIO()))
    with torch.random.fork_rng():
        result = _Rehearsal(network, data, recipe, _NOWHERE, unseen, lambda rows: None).run()
    return result.progress.history
