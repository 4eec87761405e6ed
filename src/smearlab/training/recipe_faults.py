"""Saying in plain words what is wrong with a recipe."""

from __future__ import annotations

import re
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

from smearlab.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

_LONGEST_KEPT = 60  # characters of a given value that are repeated

# pydantic speaks of Python's types; people write TOML.
_KINDS = {
    "bool": "must be true or false",
    "dict": "must be a table of keys and values",
    "either": "must be a number or a list of numbers",
    "float": "must be a number",
    "int": "must be a whole number",
    "model": "must be a section with keys of its own",
    "string": "must be text",
    "tuple": "must be a list",
}


def explain(
    faults: list[ErrorDetails],
    of_file: list[ErrorDetails],
    model: type[BaseModel],
    where: str,
    given: str = "--set",
) -> str:
    """Turn faults into lines a person can act on; a misspelt key says which was probably meant.

    Args:
        faults: of a recipe with its overrides.
        of_file: of the recipe without them; it is not blamed for any other.
        model: what the recipe should be.
        where: the recipe's file.
        given: what gave the overrides.
    """
    faults, of_file = _of_one_form(faults, model), _of_one_form(of_file, model)
    known = {_mark(fault) for fault in of_file}
    told = [fault for fault in faults if not _follows(fault, faults)]
    groups = {
        f"{where} is not a valid recipe:": [fault for fault in told if _mark(fault) in known],
        f"What {given} gives is not valid:": [fault for fault in told if _mark(fault) not in known],
    }
    lines: list[str] = []
    for heading, group in groups.items():
        lines += [heading, *(f"  {_problem(fault, model)}" for fault in group)] if group else []
    return "\n".join(lines)


def _of_one_form(faults: list[ErrorDetails], model: type[BaseModel]) -> list[ErrorDetails]:
    """Of a key that takes a number or a list, keep the faults of the form that was given, under the key's own name."""
    told: list[ErrorDetails] = []
    for fault in faults:
        place = _union_at(model, fault["loc"])
        if place is None:
            told.append(fault)
            continue
        form, *rest = fault["loc"][place:]
        of_list, was_list = str(form).startswith("tuple"), isinstance(fault["input"], list | tuple)
        if (of_list and not rest) or (was_list and not of_list):
            continue  # the other form says what is wrong
        kind = fault["type"] if rest or not fault["type"].startswith("float_") else "either_type"
        told.append({**fault, "loc": (*fault["loc"][:place], *rest), "type": kind})
    return told


def _union_at(model: type[BaseModel], location: tuple[int | str, ...]) -> int | None:
    """Return the length of the part of a location that leads to a key of several forms, or None."""
    kind: Any = model
    for place, part in enumerate(location):
        if get_origin(kind) in (UnionType, Union):
            return place
        kind = kind.model_fields.get(part) if _is_model(kind) else next(iter(get_args(kind)), None)
        kind = getattr(kind, "annotation", kind)
    return None


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _mark(fault: ErrorDetails) -> str:
    whole = isinstance(fault["input"], dict | list)  # may differ in what is not at fault
    return repr((fault["loc"], fault["msg"], None if whole else fault["input"]))


def _follows(item: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a list counts as too short only because an item of it is wrong, which is told anyway."""
    place = item["loc"]
    inside = any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in found)
    return item["type"] == "too_short" and inside


def _problem(item: ErrorDetails, model: type[BaseModel]) -> str:
    location = [str(part) for part in item["loc"]]
    key = ".".join(location)
    if item["type"] == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        listed = f" Known here: {', '.join(known)}." if known else ""
        return f"{key}: there is no such key.{did_you_mean(location[-1], known)}{listed}"
    rule = _rule(item)
    if item["type"] == "model_type" and (known := _fields_at(model, location)):
        rule += f": {', '.join(known)}"
    if isinstance(item["input"], dict | list | BaseModel) or len(repr(item["input"])) > _LONGEST_KEPT:
        return f"{key or 'recipe'}: {rule}"
    meant = did_you_mean(str(item["input"]), _allowed(item))
    return f"{key or 'recipe'}: {rule} (given: {item['input']!r}).{meant}"


def _rule(item: ErrorDetails) -> str:
    """Say what a value must be."""
    kind = item["type"].partition("_")[0]
    if item["type"].endswith(("_type", "_parsing", "_from_float")) and kind in _KINDS:
        return _KINDS[kind]
    if item["type"] == "too_short":
        count = (item.get("ctx") or {}).get("min_length", 1)
        return f"must have at least {count} {'entry' if count == 1 else 'entries'}"
    if item["type"] == "missing":
        return "must be given"
    if item["type"] == "literal_error":
        return f"must be {', '.join(repr(word) for word in _allowed(item)[:-1])} or {_allowed(item)[-1]!r}"
    return item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def _allowed(item: ErrorDetails) -> list[str]:
    """The words of which a value must be one, or nothing where it may be another."""
    expected = (item.get("ctx") or {}).get("expected", "") if item["type"] == "literal_error" else ""
    return re.findall(r"'([^']*)'", expected)


def _fields_at(model: type[BaseModel], location: Iterable[str]) -> list[str]:
    current: Any = model
    for part in location:
        if not part.isdigit():
            current = current.model_fields[part].annotation
        arguments = [kind for kind in get_args(current) if _is_model(kind)]
        current = arguments[0] if arguments else current
    return list(current.model_fields) if _is_model(current) else []
