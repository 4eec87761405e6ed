"""What a model's training already showed it: which operations, and so which families and groups, are no news to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smearlab.augment.operations import operations_of
from smearlab.corruptions.families import FAMILIES, OPERATIONS
from smearlab.errors import RecipeError
from smearlab.inference.model_folder import resolve_model
from smearlab.training.corrupted import chosen_corruptions
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from smearlab.inference.info import ModelInfo
    from smearlab.training.recipe import Recipe


@dataclass(frozen=True)
class TrainedOn:
    """What a model's augmentation consisted of.

    Attributes:
        operations: rows of `smearlab.corruptions.families.OPERATIONS`.
        judged_by: families that altered the validation pictures by which the epoch was chosen: not trained on, but not
            news either.
    """

    operations: frozenset[str]
    judged_by: frozenset[str] = frozenset()

    @property
    def families(self) -> frozenset[str]:
        """Families of which at least one operation was trained on."""
        return frozenset(OPERATIONS[name] for name in self.operations)

    @property
    def groups(self) -> frozenset[str]:
        """Groups of which at least one family was trained on."""
        return frozenset(str(FAMILIES[name]) for name in self.families)


def trained_operations(recipe: Recipe) -> set[str]:
    """Return the operations that a recipe's augmentation can draw, by their names in the table of families."""
    return known_operations(operations_of(recipe.augment))


def known_operations(names: Iterable[str]) -> set[str]:
    """Keep the names that the table of families knows."""
    return {name for name in names if name in OPERATIONS}


def trained_on(model: str | Path, info: ModelInfo) -> TrainedOn | None:
    """Say what a model was trained on, from its run's recipe, or else from its ``model.json``; None if neither tells.

    Args:
        model: as the user gave it.
        info: the contents of its ``model.json``.
    """
    recipe = run_recipe(model)
    if recipe is not None:
        return TrainedOn(frozenset(trained_operations(recipe)), _judged_by(recipe))
    recorded = info.provenance.operations
    return None if recorded is None else TrainedOn(frozenset(known_operations(recorded)))


def _judged_by(recipe: Recipe) -> frozenset[str]:
    if recipe.selection.suite == "none":
        return frozenset()
    try:
        chosen = chosen_corruptions(recipe.selection, recipe.augment)
    except RecipeError:
        return frozenset()
    return frozenset(corruption.family for corruption in chosen)


def run_recipe(model: str | Path) -> Recipe | None:
    """Return the recipe of the run that a model lies in, or None where it lies in none.

    A recipe that this version cannot read is no recipe: a model must not be refused for it.
    """
    path = resolve_model(model).parent / "recipe.toml"
    if not path.is_file():
        return None
    try:
        return load_recipe(path)
    except RecipeError:
        return None
