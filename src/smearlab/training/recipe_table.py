"""Printing the list of recipes: a table on a terminal, aligned lines elsewhere, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from smearlab.training.recipe_list import HEADS, NUMBERS, aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.training.recipe_list import ListedRecipe


def print_recipes(rows: Sequence[ListedRecipe], *, as_json: bool = False) -> None:
    """Print recipes to standard output.

    Args:
        rows: what to print.
        as_json: a JSON list, for programs.
    """
    console = Console()
    if as_json:
        print(json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False))
    elif console.is_terminal:
        console.print(_table(rows))
    else:
        print("\n".join(aligned([row.cells() for row in rows])))


def _table(rows: Sequence[ListedRecipe]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in HEADS:
        number = head in NUMBERS
        table.add_column(head, justify="right" if number else "left", no_wrap=number or head == "recipe")
    for row in rows:
        weights = row.weights if row.at_hand else f"[yellow]{row.weights}[/yellow]"
        table.add_row(*row.cells()[:-1], weights)
    return table
