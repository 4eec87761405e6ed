"""Trying every recipe of the teams: building its network and taking training steps on a few pictures."""

from __future__ import annotations

import gc
import json
import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from smearlab.data.framing import frame_cells
from smearlab.data.read import read
from smearlab.errors import DataError, SmearlabError
from smearlab.evaluation.studies.needs import memory_at_hand, need_of
from smearlab.networks.at_hand import weights_at_hand
from smearlab.networks.preparing import prepare_network
from smearlab.training.job import TrainingData
from smearlab.training.local_weights import locate_weights
from smearlab.training.recipe_io import load_recipe
from smearlab.training.recipe_list import team_recipes
from smearlab.training.rehearsal import rehearse, shortened
from smearlab.training.train import initial_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smearlab.data.cells import Cells, IntArray, UInt8Array
    from smearlab.data.framing import Framing
    from smearlab.evaluation.studies.needs import Need
    from smearlab.training.recipe import Recipe

Outcome = Literal["trained", "built", "failed"]
_MARGIN = 0.9  # of the memory at hand; the rest is for what else runs
_BYTES_OF_PARAMETER = 16  # weight, gradient and the optimiser's two moments
_GIB = 2.0**30


@dataclass(frozen=True)
class Checked:
    """What came of trying a recipe.

    Attributes:
        recipe: its name.
        outcome: ``trained``; ``built`` (counted, but too large to train here) or ``failed``.
        weights: ``pretrained``, ``random`` (the wanted ones are not at hand) or ``from scratch`` (none are wanted).
        parameters: of the network; 0 where it cannot be built.
        loss: of the last training step's epoch; None where none was taken.
        seconds: for all of it.
        note: what is missing, or what went wrong.
    """

    recipe: str
    outcome: Outcome
    weights: str = ""
    parameters: int = 0
    loss: float | None = None
    seconds: float = 0.0
    note: str = ""

    def line(self) -> str:
        """Return it as a line for a person."""
        told = [f"{self.outcome:<8}{self.recipe:<36}{self.parameters:>12,}  {self.weights:<13}{self.seconds:6.1f} s"]
        told += [f"loss {self.loss:.3f}"] if self.loss is not None else []
        return "  ".join([*told, *([self.note] if self.note else [])])


def check_recipes(
    data: str = "demo", *, team: str | None = None, as_json: bool = False, tell: Callable[[str], None] = print
) -> bool:
    """Try the recipes of the teams one at a time, telling each as it is done and at last how many work.

    Args:
        data: labelled pictures in any form; two of each class are used.
        team: only this team's.
        as_json: tell one JSON list at the end instead.
        tell: takes each line.

    Returns:
        Whether all work; a recipe that is only too large for this machine does.

    Raises:
        RecipeError: there is no such team.
        DataError: the data cannot be read, or a class has fewer than two pictures.
    """
    names = team_recipes(team)
    pictures = FewPictures(data)
    rows = []
    for name in names:
        rows.append(check_recipe(name, pictures))
        if not as_json:
            tell(rows[-1].line())
    tell(json.dumps([asdict(row) for row in rows], indent=2) if as_json else summary(rows))
    return all(row.outcome != "failed" for row in rows)


def check_recipe(name: str, pictures: FewPictures) -> Checked:
    """Build a recipe's network and take one step, or a few, of each of its phases.

    Starting weights that are not at hand are left random: trying a recipe downloads nothing.

    Args:
        name: of a recipe that ships, or a file.
        pictures: to train on.
    """
    begun = time.monotonic()
    weights, parameters = "", 0
    try:
        recipe, weights = _with_reachable_weights(load_recipe(name), pictures.source)
        need = need_of(recipe, len(pictures.class_names))
        parameters = need.parameters
        wanted, there = _memory(need, len(pictures.class_names)), memory_at_hand()
        if wanted > _MARGIN * there:
            note = f"not trained: takes about {wanted / _GIB:.1f} GiB, and {there / _GIB:.1f} GiB are free"
            return Checked(name, "built", weights, parameters, None, time.monotonic() - begun, note)
        loss = _train(recipe, pictures)
    except (SmearlabError, RuntimeError, ValueError, TypeError, KeyError, MemoryError) as error:
        # One recipe's failure, of whatever kind, must not hide what is with the others.
        note = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Checked(name, "failed", weights, parameters, None, time.monotonic() - begun, note)
    finally:
        gc.collect()  # networks of a gigabyte hold cycles, and the next one needs their place
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return Checked(name, "trained", weights, parameters, loss, time.monotonic() - begun)


def summary(rows: Sequence[Checked]) -> str:
    """Say how many of the recipes work, how many took a step, and which did not and why."""
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in ("trained", "built", "failed")}
    random = sum(row.weights == "random" for row in rows)
    lines = [f"{row.recipe}: {row.note}" for row in rows if row.outcome != "trained"]
    lines += [f"{random} started from random weights, because those they want are not at hand."] if random else []
    steps = "all" if counts["trained"] == len(rows) else f"{counts['trained']}"
    built = f", {counts['built']} {'was' if counts['built'] == 1 else 'were'} built only" if counts["built"] else ""
    works = f"{len(rows) - counts['failed']} of {len(rows)} recipes work"
    return "\n".join([*lines, f"{works}: {steps} took a training step{built}."])


class FewPictures:
    """Two pictures of each class, framed as any recipe wants them: one to train on, one to validate.

    Args:
        source: labelled pictures in any form.

    Raises:
        DataError: the data cannot be read, or a class has fewer than two pictures.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        cells = read(source)
        self.class_names = cells.class_names
        self._cells = cells.take(_two_of_each(cells))
        self._framed = cache(self._frame)

    def data(self, recipe: Recipe) -> TrainingData:
        """Return them as a recipe trains on them."""
        first = np.arange(0, 2 * len(self.class_names), 2)
        labels, names = self._cells.known_labels, self.class_names
        return TrainingData(self._framed(recipe.framing), labels, first, first + 1, names, recipe.name)

    def _frame(self, framing: Framing) -> UInt8Array:
        return frame_cells(self._cells, framing)


def _two_of_each(cells: Cells) -> IntArray:
    """Return the positions of the first two pictures of each class, class after class."""
    chosen = [np.flatnonzero(cells.known_labels == label)[:2] for label in range(len(cells.class_names))]
    few = [name for name, rows in zip(cells.class_names, chosen, strict=True) if len(rows) < 2]
    if few:
        raise DataError(f"{cells.name} has fewer than two pictures of {', '.join(few)}. Give two of each class.")
    return np.concatenate(chosen)


def _memory(need: Need, batch: int) -> float:
    """Return about how many bytes the steps take: a real training also holds the best weights and saves them."""
    return _BYTES_OF_PARAMETER * need.parameters + need.activations * batch


def _with_reachable_weights(recipe: Recipe, beside: str) -> tuple[Recipe, str]:
    if recipe.network.weights == "none":
        return recipe, "from scratch"
    if weights_at_hand(recipe.network, beside):
        return locate_weights(recipe, beside), "pretrained"
    # Batch normalisation that nobody trained, frozen, lets numbers grow from layer to layer beyond all bounds.
    learning = (f"phases.{number}.trainable.freeze_norms=false" for number in range(len(recipe.phases)))
    return load_recipe(recipe, ["network.weights=none", "network.restore_norms=never", *learning]), "random"


def _train(recipe: Recipe, pictures: FewPictures) -> float:
    """Return the loss of the last epoch of the recipe in small."""
    short = shortened(recipe, len(pictures.class_names))
    data = pictures.data(short)
    network = initial_network(short, len(data.class_names))
    if short.network.weights != "none":
        prepare_network(network, short.network, data.images, data.train)
    return float(rehearse(network, data, short)[-1]["train_loss"])
