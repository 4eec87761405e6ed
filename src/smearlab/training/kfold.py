"""The folds of a cross-validation: every picture tested once, and no copy or group in two folds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from smearlab.training.preparation import find_copies, prepare

if TYPE_CHECKING:
    from smearlab.data.cells import Cells
    from smearlab.training.preparation import Prepared
    from smearlab.training.recipe import Recipe

OWN_SPLIT = "The split that the data brings is not used: all pictures are shared out among the folds."


def with_folds(recipe: Recipe, folds: int | None = None) -> Recipe:
    """Return the recipe with a split into folds.

    Args:
        recipe: its validation share is taken out of what is not tested.
        folds: how many; None takes the recipe's own number.
    """
    changed = {"kind": "folds", "folds": folds or recipe.split.folds, "fold": 0}
    return recipe.model_copy(update={"split": recipe.split.model_copy(update=changed)})


def fold_recipe(recipe: Recipe, fold: int) -> Recipe:
    """Return the recipe of one fold, numbered from 0; all else, the seed too, is the same for all."""
    return recipe.model_copy(update={"split": recipe.split.model_copy(update={"fold": fold})})


def without_split(cells: Cells) -> Cells:
    """Return the pictures without the split that the data brings, and say so in their notes."""
    if cells.parts is None:
        return cells
    return replace(cells, parts=None, notes=(*cells.notes, OWN_SPLIT))


def prepare_folds(cells: Cells, recipe: Recipe) -> list[Prepared]:
    """Share pictures out to folds; copies are searched once for all of them.

    Args:
        cells: labelled pictures, from `without_split`.
        recipe: from `with_folds`.

    Returns:
        One per fold, whose test parts together are every picture that can be tested: not exact copies, nor pictures
        that stand under several labels, nor classes of one or two pictures.

    Raises:
        SplitError: there are fewer independent groups of pictures than folds.
    """
    copies = find_copies(cells, recipe)
    return [prepare(cells, fold_recipe(recipe, fold), copies) for fold in range(recipe.split.folds)]
