"""How many numbers the network of a recipe has, without making them: kept in a file for the recipes that ship."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.atomic import write_text
from smearlab.training import recipe_io

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe

# What says nothing of a network's size, so that changing it leaves the kept count valid.
_WEIGHTLESS_NETWORK = {"weights", "scaling", "restore_norms", "enlarge"}
_WEIGHTLESS_HEAD = {"activation", "dropout", "l1", "l2", "initialisation"}


@dataclass(frozen=True)
class ParameterCount:
    """The numbers of a network for the eight cell types.

    Attributes:
        learnable: weights and biases, of frozen layers too.
        statistics: running means and variances of batch normalisation.
    """

    learnable: int
    statistics: int

    @property
    def total(self) -> int:
        """Both together, as Keras' summaries count them."""
        return self.learnable + self.statistics


def parameter_count(recipe: Recipe) -> ParameterCount:
    """Return the count of a recipe's network: the kept one where it is of this very network, else counted anew.

    Raises:
        RecipeError: the network cannot be built.
    """
    kept = _kept().get(recipe.name, {})
    if kept.get("network") == _structure(recipe):
        return ParameterCount(kept["learnable"], kept["statistics"])
    return count_anew(recipe)


def count_anew(recipe: Recipe) -> ParameterCount:
    """Count a recipe's network by building it on torch's ``meta`` device, where tensors have shapes and no numbers.

    Raises:
        RecipeError: the network cannot be built.
    """
    import torch  # a listing of recipes whose counts are kept does without

    from smearlab.networks.build import build_network, count_parameters

    with torch.device("meta"):
        size, classes = recipe.framing.size, len(CLASS_NAMES)
        network = build_network(recipe.network, recipe.head, classes, size=size, load_weights=False)
    running = ("running_mean", "running_var")
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if name.endswith(running))
    return ParameterCount(count_parameters(network), statistics)


def counts_file() -> Path:
    """Return the place of the kept counts, beside the recipes that ship."""
    return Path(str(resources.files("smearlab") / "recipes" / "parameters.json"))


def counts_text(*, anew: bool = False) -> str:
    """Return what the file of kept counts should hold for the recipes that ship.

    Args:
        anew: count every network, also those whose kept count seems valid.
    """
    rows: dict[str, dict[str, object]] = {}
    counted: dict[str, ParameterCount] = {}
    for recipe in map(recipe_io.load_recipe, recipe_io.shipped_recipes()):
        network = _structure(recipe)
        if network not in counted:
            counted[network] = count_anew(recipe) if anew else parameter_count(recipe)
        rows[recipe.name] = {"network": network, **asdict(counted[network])}
    lines = (f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_counts(*, anew: bool = False) -> None:
    """Write the file of kept counts."""
    write_text(counts_file(), counts_text(anew=anew))
    _kept.cache_clear()


@cache
def _kept() -> dict[str, dict[str, Any]]:
    path = counts_file()
    content: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def _structure(recipe: Recipe) -> str:
    """Identify all of a recipe that decides the size of its network."""
    parts = (
        recipe.network.model_dump(mode="json", exclude=_WEIGHTLESS_NETWORK),
        recipe.head.model_dump(mode="json", exclude=_WEIGHTLESS_HEAD),
        recipe.framing.size,
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
