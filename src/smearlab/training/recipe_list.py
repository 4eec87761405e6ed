"""The recipes that ship, as a table: team, network, parameters, reported figures, and where their weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smearlab.errors import RecipeError, did_you_mean
from smearlab.report.reported import local_figure
from smearlab.training import recipe_io
from smearlab.training.parameter_counts import ParameterCount, parameter_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.training.recipe import Recipe

HEADS = ("recipe", "team", "network", "parameters", "reported", "local", "online", "weights")
NUMBERS = ("parameters", "reported", "local", "online")
"""Of the heads, those over numbers."""
_NONE = "–"


@dataclass(frozen=True)
class ListedRecipe:
    """What the list says of one recipe.

    Attributes:
        name: as given to ``--recipe``.
        recipe: the recipe itself.
        count: of the network that is built.
        weights: ``none needed``, where the starting weights lie, or what is missing.
        at_hand: whether they are here.
    """

    name: str
    recipe: Recipe
    count: ParameterCount
    weights: str
    at_hand: bool

    @property
    def team(self) -> str:
        """The team whose system it is; empty for our own."""
        return self.recipe.reported.team

    @property
    def network(self) -> str:
        """The backbones, joined by a plus, without what names their weights."""
        config = self.recipe.network
        return " + ".join(
            name.removeprefix("smearlab/").partition(".")[0] for name in (config.backbone, *config.further)
        )

    def local(self) -> tuple[str, float] | None:
        """Return the name and the value of the figure on the team's own pictures, or None."""
        return local_figure(self.recipe.reported.figures)

    def cells(self) -> tuple[str, ...]:
        """Return its row of the table, in the order of `HEADS`."""
        reported, local = self.recipe.reported, self.local()
        return (
            *(self.name, self.team or _NONE, self.network, f"{self.count.total:,}"),
            f"{reported.parameters:,}" if reported.parameters else _NONE,
            f"{local[1]:.4f} {_SHORT.get(local[0], local[0])}" if local else _NONE,
            f"{reported.figures['online']:.2f}" if "online" in reported.figures else _NONE,
            self.weights,
        )

    def as_json(self) -> dict[str, object]:
        """Return all of it as plain values."""
        config, reported = self.recipe.network, self.recipe.reported
        return {
            "recipe": self.name,
            "description": self.recipe.description,
            "team": self.team,
            "network": [config.backbone, *config.further],
            "parameters": self.count.total,
            "learnable": self.count.learnable,
            "reported_parameters": reported.parameters or None,
            "reported": reported.figures,
            "wanted_weights": config.weights,
            "weights": self.weights,
            "weights_at_hand": self.at_hand,
        }


_SHORT = {"accuracy": "acc", "macro_f1": "F1", "validation_accuracy": "val"}


def list_recipes(team: str | None = None, beside: object = None) -> list[ListedRecipe]:
    """List the recipes that ship, the teams' after ours.

    Args:
        team: only those of this team.
        beside: data or a folder where files of weights may lie, as beside the current folder.

    Raises:
        RecipeError: there is no such team.
    """
    # Asks timm where its weights are, which takes torch's time to import: only where something is listed.
    from smearlab.networks.at_hand import weights_at_hand

    rows = []
    for name in team_recipes(team) if team else sorted(recipe_io.shipped_recipes(), key=_ours_first):
        recipe = recipe_io.load_recipe(name)
        found = weights_at_hand(recipe.network, beside)
        rows.append(ListedRecipe(name, recipe, parameter_count(recipe), found.words, found.here))
    return rows


def team_recipes(team: str | None = None) -> list[str]:
    """Return the names of the recipes that repeat a team's system, of one team or of all.

    Raises:
        RecipeError: there is no such team.
    """
    names = [name for name in recipe_io.shipped_recipes() if "/" in name]
    teams = list(dict.fromkeys(name.partition("/")[0] for name in names))
    if team is not None and team not in teams:
        raise RecipeError(f"There is no team '{team}'.{did_you_mean(team, teams)} The teams are: {', '.join(teams)}.")
    return [name for name in names if team in (None, name.partition("/")[0])]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay a table out as lines of text, the heads first, its numbers to the right and two spaces between columns."""
    table = [HEADS, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    return [
        "  ".join(
            cell.rjust(width) if head in NUMBERS else cell.ljust(width)
            for cell, width, head in zip(row, widths, HEADS, strict=True)
        ).rstrip()
        for row in table
    ]


def _ours_first(name: str) -> tuple[bool, str]:
    return "/" in name, name
