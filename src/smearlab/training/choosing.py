"""Which recipe a run is trained by, and whether it is the one that the run was begun with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.errors import TrainingError
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.training.recipe import Recipe
    from smearlab.training.run_folder import Run


def choose_recipe(
    data: str | Path, recipe: str | Path | Recipe | None, overrides: Sequence[str], folder: Run, *, resume: bool
) -> Recipe:
    """Decide the recipe: the one named, the one of the run to resume, or the one made for this kind of data."""
    own = recipe is None and resume and folder.recipe.is_file()
    usual = "quick" if str(data) == "demo" else "standard"
    chosen = load_recipe(folder.recipe if own else recipe or usual, overrides)
    # The name alone: a recipe is passed on, and a path says more about its user than about the data.
    source = chosen.data.model_copy(update={"source": Path(str(data)).name})
    return chosen.model_copy(update={"data": source})


def check_same_recipe(chosen: Recipe, folder: Run) -> None:
    """Check that a run is gone on with by its own recipe and data; its precision may have been decided since.

    Raises:
        TrainingError: something differs; the message names what.
    """
    if not folder.recipe.is_file():
        return
    own = load_recipe(folder.recipe)
    new = chosen.model_copy(update={"precision": own.precision}) if chosen.precision.mode == "auto" else chosen
    if new != own:
        sections = [name for name in type(own).model_fields if getattr(own, name) != getattr(new, name)]
        raise TrainingError(
            f"The run in {folder.path} was started with another recipe or other data (it differs in: "
            f"{', '.join(sections)}). Resume it with its own data and no new --set, or choose another --out."
        )
