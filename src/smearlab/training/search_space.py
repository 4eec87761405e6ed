"""`Space`: which values of a recipe's keys a search may try, read from TOML and checked against the recipe."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from smearlab.data.paths import user_path
from smearlab.errors import RecipeError, did_you_mean
from smearlab.training.recipe_io import SPACES, load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna import Trial
    from optuna.distributions import CategoricalChoiceType

    from smearlab.training.recipe import Recipe

Value: TypeAlias = Any
"""What a recipe's key can be set to: a number, a word, true or false, a list, a table."""
Label: TypeAlias = "CategoricalChoiceType"
"""What stands for a value in a study: the value itself, or its TOML where it is a list or a table."""

_DRAWS = 8  # values of a range that are tried on the recipe, beside both ends
_COMBINATIONS = 64
_KEPT = "selection.keep"
_FIXED = {
    "seed": "trials would differ by chance",
    "split": "trials would be measured on other pictures",
    "data": "trials would be measured on other pictures",
    "selection": "trials would be measured in different ways",
    "name": "it changes nothing",
    "description": "it changes nothing",
    "reported": "it changes nothing",
    "robustness": "it changes the report alone",
    "checkpoint": "it changes nothing",
}


class Dimension(BaseModel):
    """The values of one key.

    Attributes:
        type: ``float``, ``int`` or ``categorical``.
        low: the least value.
        high: the greatest value, which may be taken.
        log: draw evenly over orders of magnitude.
        step: the distance of values; None for any.
        choices: of ``categorical``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["float", "int", "categorical"]
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None
    choices: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "categorical":
            return self._check_choices()
        if self.choices:
            raise ValueError(f"choices belong to the type 'categorical', not to '{self.type}'")
        if self.low is None or self.high is None:
            raise ValueError(f"the type '{self.type}' needs low and high")
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}, which is not below high, {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, but it is {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other")
        whole = [value for value in (self.low, self.high, self.step) if value is not None]
        if self.type == "int" and not all(value.is_integer() for value in whole):
            raise ValueError("low, high and step of the type 'int' must be whole numbers")
        return self

    def _check_choices(self) -> Self:
        if self.low is not None or self.high is not None or self.log or self.step is not None:
            raise ValueError("low, high, log and step do not belong to the type 'categorical'")
        texts = [toml_text(value) for value in self.choices]
        if len(set(texts)) < 2 or len(set(texts)) < len(texts):
            raise ValueError("choices must be two different values or more")
        return self

    def probes(self, seed: int = 0) -> list[Value]:
        """Return values that stand for all: every choice, or both ends and some between them."""
        if self.type == "categorical":
            return list(self.choices)
        assert self.low is not None
        assert self.high is not None
        return [self._tidy(self.low), self._tidy(self.high), *self.draw(np.random.default_rng(seed), _DRAWS)]

    def draw(self, rng: np.random.Generator, number: int) -> list[Value]:
        """Draw values at random, as a search does before it knows anything."""
        if self.type == "categorical":
            return [self.choices[place] for place in rng.integers(0, len(self.choices), number)]
        assert self.low is not None
        assert self.high is not None
        shares = rng.uniform(size=number)
        if self.log:
            values = np.exp(math.log(self.low) + shares * (math.log(self.high) - math.log(self.low)))
        else:
            values = self.low + shares * (self.high - self.low)
        step = self.step or (1.0 if self.type == "int" else None)
        if step is not None:
            values = self.low + np.floor((values - self.low) / step) * step
        return [self._tidy(float(value)) for value in values]

    def _tidy(self, value: float) -> int | float:
        """Return a number without the last digits that sums of steps leave: 0.15, not 0.15000000000000002."""
        return round(value) if self.type == "int" else float(f"{value:.12g}")

    def suggest(self, trial: Trial, key: str) -> Label:
        """Let a study choose a value."""
        if self.type == "categorical":
            return trial.suggest_categorical(key, [label(value) for value in self.choices])
        assert self.low is not None
        assert self.high is not None
        if self.type == "int":
            return trial.suggest_int(key, round(self.low), round(self.high), log=self.log, step=round(self.step or 1))
        return trial.suggest_float(key, self.low, self.high, log=self.log, step=self.step)

    def value(self, chosen: Label) -> Value:
        """Return the recipe's value for what a study chose."""
        if self.type == "categorical":
            return next(value for value in self.choices if label(value) == chosen)
        assert isinstance(chosen, int | float)
        return self._tidy(chosen)

    def label_of(self, value: Value) -> Label:
        """Return what stands for a recipe's value in a study; None where it is not among those that may be tried."""
        if self.type == "categorical":
            return next((label(choice) for choice in self.choices if toml_text(choice) == toml_text(value)), None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        assert self.low is not None
        assert self.high is not None
        step = self.step or (1 if self.type == "int" and not self.log else 0)
        off = abs((value - self.low) / step - round((value - self.low) / step)) > 1e-9 if step else False
        return None if off or not self.low <= value <= self.high else self._tidy(value)

    def words(self) -> str:
        """Say in a few words what may be tried."""
        if self.type == "categorical":
            return ", ".join(str(label(value)) for value in self.choices)
        step = f", in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{', logarithmic' * self.log}{step}"


def label(value: Value) -> Label:
    """Return what stands for a choice in a study."""
    return value if isinstance(value, str | int | float) else toml_text(value)


def toml_text(value: Value) -> str:
    """Return a value as TOML on one line.

    >>> toml_text([1, 0.5, True]), toml_text({"share": 0.5, "kind": "none"})
    ('[1, 0.5, true]', '{ share = 0.5, kind = "none" }')
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name} = {toml_text(one)}' for name, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Space:
    """Keys of a recipe and the values that a search may give them.

    Attributes:
        name: of its file.
        dimensions: by dotted key, such as ``phases.0.learning_rate``.
    """

    name: str
    dimensions: Mapping[str, Dimension]

    def suggest(self, trial: Trial) -> None:
        """Let a study choose a value for every key; `overrides` reads them from the trial's parameters."""
        for key, dimension in self.dimensions.items():
            dimension.suggest(trial, key)

    def overrides(self, chosen: Mapping[str, Label]) -> list[str]:
        """Return what a study chose as ``section.key=value`` for `load_recipe`."""
        return [f"{key}={toml_text(one.value(chosen[key]))}" for key, one in self.dimensions.items()]

    def labels_of(self, recipe: Recipe) -> dict[str, Label] | None:
        """Return a recipe's own values as a study would choose them, or None where it lies outside the space."""
        labels = {key: one.label_of(value_at(recipe, key)) for key, one in self.dimensions.items()}
        return None if any(one is None for one in labels.values()) else labels

    def content(self) -> dict[str, Any]:
        """Return it as plain values, for files and for telling whether two spaces are one."""
        return {key: one.model_dump(mode="json", exclude_defaults=True) for key, one in self.dimensions.items()}


def value_at(recipe: Recipe, key: str) -> Value:
    """Return a recipe's value at a dotted key, as TOML would hold it; None where there is none."""
    found: Any = recipe.model_dump(mode="json")
    for part in key.split("."):
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict):
            found = found.get(part)
        else:
            return None
    return found


def shipped_spaces() -> dict[str, Path]:
    """Map the names of the spaces that come with smearlab to their files."""
    return {file.stem: file for file in sorted(SPACES.glob("*.toml"))}


def load_space(space: str | Path) -> Space:
    """Read a space by file or by the name of a shipped one.

    A table for each key of the recipe: ``["phases.0.learning_rate"]`` with ``type``, and ``low``, ``high``, ``log``,
    ``step`` or ``choices``; the quotation marks may be left out.

    Raises:
        RecipeError: no such space, no valid TOML, or a table that is no range of values; all faults in one message.
    """
    path, shipped = user_path(space, RecipeError), shipped_spaces()
    if not path.is_file():
        if path.as_posix().removesuffix(".toml") not in shipped:
            raise RecipeError(
                f"There is no file '{space}' and no shipped space of that name.{did_you_mean(str(space), shipped)} "
                f"Shipped are: {', '.join(shipped)}."
            )
        path = shipped[path.as_posix().removesuffix(".toml")]
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path.name} is not valid TOML: {error}.") from error
    return make_space(path.name, content)


def make_space(name: str, content: Mapping[str, Any]) -> Space:
    """Check the tables of a space, as `load_space` does.

    Raises:
        RecipeError: one of them is no range of values, or there is none.
    """
    dimensions, faults = {}, []
    for key, table in _flat(content).items():
        try:
            dimensions[key] = Dimension.model_validate(table)
        except ValidationError as error:
            faults += [f"  {_fault(key, one['loc'], one['msg'])}" for one in error.errors()]
    if faults:
        raise RecipeError("\n".join([f"{name} is not a valid space to search:", *faults]))
    if not dimensions:
        raise RecipeError(
            f'{name} names no key to search. Write a table for each, such as ["phases.0.learning_rate"] with type = '
            '"float", low = 1e-4 and high = 1e-2.'
        )
    return Space(name, dimensions)


def _flat(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return every table that says what may be tried, by its dotted key; anything else as it is, to be told."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
            found |= _flat(value, f"{key}.")
        else:
            found[key] = value
    return found


def _fault(key: str, place: Sequence[object], message: str) -> str:
    rule = message.removeprefix("Value error, ").replace("Input should be", "must be")
    if message.startswith("Extra inputs"):
        known = list(Dimension.model_fields)
        rule = f"there is no such entry.{did_you_mean(str(place[-1]), known)} Known are: {', '.join(known)}."
    if message.startswith("Input should be a valid dictionary"):
        rule = 'must be a table, such as { type = "float", low = 0.0, high = 0.2 }'
    return f"{'.'.join([key, *map(str, place)])}: {rule}"


def check_space(space: Space, base: Recipe) -> list[str]:
    """Check that a recipe takes all values, each key by itself, before anything is trained.

    Returns:
        Remarks: what may go wrong where values come together.

    Raises:
        RecipeError: a key that the recipe does not have or that must not be searched, or a value that it refuses.
    """
    faults: list[str] = []
    for key, dimension in space.dimensions.items():
        section = key.partition(".")[0]
        if section in _FIXED and key != _KEPT:
            faults.append(f"{space.name} {key}: this cannot be searched, for {_FIXED[section]}.")
            continue
        faults += _refusals(space, base, key, dimension)[:1]
    if faults:
        raise RecipeError("\n".join(faults))
    return _clashes(space, base)


def _refusals(space: Space, base: Recipe, key: str, dimension: Dimension) -> list[str]:
    refused = []
    for value in dimension.probes():
        try:
            load_recipe(base, [f"{key}={toml_text(value)}"], space.name)
        except RecipeError as error:
            refused.append(str(error))
    return refused


def _clashes(space: Space, base: Recipe) -> list[str]:
    """Say how many of some random combinations the recipe refuses: such trials fail."""
    rng, refused = np.random.default_rng(0), []
    for _ in range(_COMBINATIONS):
        chosen = [f"{key}={toml_text(one.draw(rng, 1)[0])}" for key, one in space.dimensions.items()]
        try:
            load_recipe(base, chosen, space.name)
        except RecipeError as error:
            refused.append(str(error).splitlines()[-1].strip())
    if not refused:
        return []
    share = f"{len(refused) / _COMBINATIONS:.0%}"
    return [f"About {share} of the combinations in {space.name} fit no recipe and will fail, such as: {refused[0]}"]
