"""Reading recipes from TOML, overriding single values, and saying clearly what is wrong with one."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from smearlab.data.atomic import write_text
from smearlab.data.paths import user_path
from smearlab.errors import RecipeError, did_you_mean
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_faults import explain

# What a TOML file can hold at any place; checked by pydantic afterwards.
TomlValue: TypeAlias = Any
_LISTS = ("phases", "steps")  # whose items are sections
RECIPES = Path(str(resources.files("smearlab") / "recipes"))
SPACES = RECIPES / "spaces"  # of the search for recipes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails


def shipped_recipes() -> dict[str, Path]:
    """Map the names of the recipes that come with smearlab to their files; a team's carry its folder: ``team/slug``."""
    files = sorted(file for file in RECIPES.rglob("*.toml") if SPACES not in file.parents)
    return {file.relative_to(RECIPES).with_suffix("").as_posix(): file for file in files}


def load_recipe(recipe: str | Path | Recipe, overrides: Sequence[str] = (), given: str = "--set") -> Recipe:
    """Load a recipe by file or by the name of a shipped one, and override single values.

    Args:
        recipe: a TOML file, a shipped recipe's name (``standard`` or ``standard.toml``), or a `Recipe`.
        overrides: ``section.key=value`` each; list items by number, as in ``phases.0.epochs=3``. Values are TOML;
            a word that is not TOML is taken as text.
        given: what gave the overrides, for messages.

    Raises:
        RecipeError: no such recipe, no valid TOML, an unknown key (the message says which was meant), or a bad value.
    """
    if isinstance(recipe, Recipe):
        values, where = recipe.model_dump(mode="json"), f"recipe '{recipe.name}'"
    else:
        path = _find(recipe)
        values, where = _read_toml(path), path.name
    changed = deepcopy(values)
    for override in overrides:
        _override(changed, override, given)
    try:
        return Recipe.model_validate(changed)
    except ValidationError as error:
        raise RecipeError(explain(error.errors(), _faults(values), Recipe, where, given)) from error


def recipe_toml(recipe: Recipe) -> str:
    """Write a recipe, defaults included, as TOML text that `load_recipe` reads back to the same recipe."""
    import tomli_w  # in the train extra; a recipe can be read without it

    return tomli_w.dumps(recipe.model_dump(mode="json"))


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe to a file, atomically."""
    write_text(path, recipe_toml(recipe))


def _faults(values: dict[str, Any]) -> list[ErrorDetails]:
    try:
        Recipe.model_validate(values)
    except ValidationError as error:
        return error.errors()
    return []


def _find(recipe: str | Path) -> Path:
    path = user_path(recipe, RecipeError)
    if path.is_file():
        return path
    shipped = shipped_recipes()
    name = path.as_posix().removesuffix(".toml").removeprefix("recipes/")
    if name in shipped:
        return shipped[name]
    raise RecipeError(
        f"There is no recipe file '{recipe}' and no shipped recipe of that name.{did_you_mean(name, shipped)} "
        f"Shipped are: {', '.join(shipped)}."
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path.name} is not valid TOML: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} cannot be read as text: {error}.") from error


def _override(values: dict[str, Any], override: str, given: str) -> None:
    dotted, equals, text = override.partition("=")
    keys, shown = [key.strip() for key in dotted.split(".")], f"{given} {override}"
    if not equals or not all(keys):
        raise RecipeError(f"{shown}: write it as section.key=value, for example --set phases.0.epochs=10.")
    target: Any = values
    for key in keys[:-1]:
        target = _child(target, key, shown)
    last = keys[-1]
    if isinstance(target, list):
        target[_position(target, last, shown)] = _value(text)
    elif isinstance(target, dict):
        target[last] = _value(text)
    else:
        raise RecipeError(f"{shown}: '{'.'.join(keys[:-1])}' is a single value and has no '{last}'.")


def _child(target: TomlValue, key: str, shown: str) -> TomlValue:
    if isinstance(target, list):
        if not target and key == "0":
            target.append({})
        return target[_position(target, key, shown)]
    if isinstance(target, dict):
        return target.setdefault(key, [{}] if key in _LISTS else {})
    raise RecipeError(f"{shown}: there is no section '{key}' here.")


def _position(items: list[Any], key: str, shown: str) -> int:
    if not items:
        raise RecipeError(f"{shown}: the list is empty; give it whole, as in key=[1, 2].")
    if not key.isdecimal() or int(key) >= len(items):
        raise RecipeError(f"{shown}: '{key}' must be a number from 0 to {len(items) - 1} (a list counts from 0).")
    return int(key)


def _value(text: str) -> TomlValue:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
