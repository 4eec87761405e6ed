"""Write the tables of keys into recipes.md, from the recipe's models and their docstrings.

python -m docs.recipe_keys           # write them
python -m docs.recipe_keys --check   # exit 1 where recipes.md does not say what the code does
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from docs.marked import between, write_or_check
from docstring_parser import DocstringStyle, parse
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from smearlab.training.recipe import Recipe

PAGE = Path(__file__).with_name("recipes.md")
_TYPE_NAMES = {bool: "true, false", int: "whole number", float: "number", str: "text"}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def main() -> int:
    """Write or check the page; the exit status."""
    return write_or_check(PAGE, with_tables)


def with_tables(page: str) -> str:
    """Return the page with the tables between its two marks replaced by what the code says."""
    return between(page, "keys", tables())


def tables() -> str:
    """Return a heading, an explanation and a table of keys for the recipe and each of its sections."""
    return "\n".join(line for name, model in sections(Recipe) for line in _section(name, model))


def sections(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the dotted name and model of a recipe and of all sections below it, from the top down."""
    yield name, model
    for key, field in model.model_fields.items():
        child = section_of(field)
        if child is not None:
            yield from sections(child, f"{name}.{key}".lstrip("."))


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a key that is a section, or a list of them, itself."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _section(name: str, model: type[BaseModel]) -> Iterator[str]:
    described = parse(model.__doc__ or "", DocstringStyle.GOOGLE)
    meanings = {item.arg_name: item.description or "" for item in described.params}
    keys = {key: field for key, field in model.model_fields.items() if section_of(field) is None}
    yield f"\n### {_heading(name)}\n"
    yield _prose(described.description or "")
    if keys:
        yield "\n| key | values | default | meaning |\n|---|---|---|---|"
    for key, field in keys.items():
        yield f"| `{key}` | {_values(field)} | {_default(field)} | {_prose(meanings[key])} |"


def _heading(name: str) -> str:
    if not name:
        return "The recipe itself"
    several = name.rpartition(".")[2] in ("phases", "steps")
    return f"`[[{name}]]`" if several else f"`[{name}]`"


def _prose(text: str) -> str:
    """Turn a docstring's text into one line of Markdown."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _values(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) in (UnionType, Union):
        return " or ".join(_values(FieldInfo.from_annotation(choice)) for choice in get_args(kind))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list"
    if get_origin(kind) is dict:
        return "table"
    return " ".join([_TYPE_NAMES[kind], *_bounds(field)])


def _bounds(field: FieldInfo) -> list[str]:
    found = ((sign, getattr(item, name, None)) for item in field.metadata for name, sign in _BOUNDS.items())
    return [f"{sign} {bound:g}" if bound < 1e6 else f"{sign} {bound}" for sign, bound in found if bound is not None]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | dict):
        return "`[]`" if value == () else "`{}`" if value == {} else f"`{list(value)}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    sys.exit(main())
