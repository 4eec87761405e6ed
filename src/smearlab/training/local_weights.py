"""Where a recipe finds the file of starting weights that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.errors import RecipeError
from smearlab.networks.at_hand import VARIABLE, find_weights, weight_places

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe


def locate_weights(recipe: Recipe, data: object) -> Recipe:
    """Replace the name of a weight file by the path where it lies.

    A recipe that comes with smearlab can name a file but not know its place. It is looked for in the current folder,
    in the folder that ``SMEARLAB_WEIGHTS`` names, beside the data, and in smearlab's cache (``weights/``).

    Args:
        recipe: whose ``network.weights`` may be a relative path.
        data: what will be trained on; only a path has a place.

    Raises:
        RecipeError: it lies in none of them.
    """
    name = recipe.network.weights
    if name in ("none", "pretrained") or Path(name).is_absolute() or Path(name).is_file():
        return recipe
    found = find_weights(name, data)
    if found is None:
        looked = ", ".join(str(place) for place in weight_places(data))
        raise RecipeError(
            f"network.weights: the recipe '{recipe.name}' starts from {name}, not in the current folder nor in "
            f"{looked}. Give its place with --set network.weights=PATH or {VARIABLE}=FOLDER. Or set network.weights to "
            "'pretrained', which downloads timm's weights of that network, or 'none', which starts from scratch and "
            "needs several times the epochs."
        )
    network = recipe.network.model_copy(update={"weights": str(found.resolve())})
    return recipe.model_copy(update={"network": network})
