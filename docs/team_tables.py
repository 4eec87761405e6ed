"""Write the tables of the teams' systems into teams.md, and how many numbers each network has, from the recipes.

python -m docs.team_tables           # write them
python -m docs.team_tables --anew    # the same, with every network counted anew, which takes minutes
python -m docs.team_tables --check   # exit 1 where teams.md or the kept counts do not say what the recipes do
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from docs.marked import between

from smearlab.training.parameter_counts import counts_file, counts_text, parameter_count, write_counts
from smearlab.training.recipe import PhaseConfig, Recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.recipe_list import team_recipes

PAGE = Path(__file__).with_name("teams.md")
_FOLDER = "../src/smearlab/recipes"
_HEADS = ("recipe", "network", "numbers", "reported", "head", "phases", "what they reported")
_WORDS = {
    "accuracy": "accuracy",
    "recall": "recall",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "clean_accuracy": "accuracy on the originals",
    "clean_macro_f1": "macro F1 on the originals",
    "validation_accuracy": "accuracy on validation",
    "validation_loss": "loss on validation",
    "head_phase_validation_accuracy": "accuracy on validation after the head phase",
    "online": "**online",
}


def main() -> int:
    """Write or check page and counts; the exit status."""
    page = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        kept = counts_file().read_text(encoding="utf-8")
        return int(page != with_tables(page) or kept != counts_text())
    write_counts(anew="--anew" in sys.argv[1:])
    PAGE.write_text(with_tables(page), encoding="utf-8")
    return 0


def with_tables(page: str) -> str:
    """Return the page with what stands between its two marks replaced by what the recipes say."""
    return between(page, "teams", tables())


def tables() -> str:
    """Return a heading and a table for each team."""
    teams = dict.fromkeys(name.partition("/")[0] for name in team_recipes())
    return "\n".join(line for team in teams for line in _team(team))


def _team(team: str) -> Iterator[str]:
    yield f"\n### {team}\n"
    yield f"| {' | '.join(_HEADS)} |"
    yield "|---|---|--:|--:|---|---|---|"
    for name in team_recipes(team):
        yield f"| {' | '.join(_row(name, load_recipe(name)))} |"


def _row(name: str, recipe: Recipe) -> tuple[str, ...]:
    network, reported = recipe.network, recipe.reported
    bases = " + ".join(f"`{base}`" for base in (network.backbone, *network.further))
    size = f", enlarged to {network.enlarge} px" if network.enlarge else ""
    return (
        f"[`{name.partition('/')[2]}`]({_FOLDER}/{name}.toml)",
        bases + size,
        f"{parameter_count(recipe).total:,}",
        f"{reported.parameters:,}" if reported.parameters else "",
        " → ".join(str(width) for width in recipe.head.layers) or "linear",
        "; ".join(_phase(phase) for phase in recipe.phases),
        _figures(recipe),
    )


def _phase(phase: PhaseConfig) -> str:
    trainable, rate = phase.trainable, f"{phase.optimiser} {phase.learning_rate:g}"
    if trainable.share == 0:
        what = "head"
    elif trainable.grow_epochs:
        what = "freed gradually"
    elif trainable.freeze_first:
        what = f"all but the first {trainable.freeze_first}"
    else:
        what = "all" if trainable.share == 1 else f"top {100 * trainable.share:.0f} %"
    return f"{what}, {phase.epochs} × {rate}"


def _figures(recipe: Recipe) -> str:
    said = [
        f"{_WORDS[name]} {_figure(value)}" + ("**" if name == "online" else "")
        for name, value in recipe.reported.figures.items()
    ]
    return "; ".join([*said, *([recipe.reported.remark] if recipe.reported.remark else [])])


def _figure(value: float) -> str:
    """Write a share as the reports do: .9642, .80."""
    return f"{value:.2f}".lstrip("0") if round(value, 2) == value else f"{value:.4f}".lstrip("0")


if __name__ == "__main__":
    sys.exit(main())
