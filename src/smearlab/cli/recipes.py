"""The command that lists the recipes that ship, and tries them."""

from __future__ import annotations

from typing import Annotated

from smearlab.cli.app import Flag, app


@app.command
def recipes(
    data: str | None = None,
    *,
    team: str | None = None,
    check: Annotated[bool, Flag] = False,
    json: Annotated[bool, Flag] = False,
) -> None:
    """List the recipes that ship: team, network, parameters, reported figures, whether their weights are at hand.

    Parameters
    ----------
    data
        Labelled pictures in any form: files of weights may lie beside them, and --check takes its steps on them; demo
        by default.
    team
        Only the recipes of this team: formidable, ai_pacapa, m2g, november or rookie.
    check
        Build every recipe of the teams and take a training step of each that fits into memory; status 1 if one fails.
    json
        Print JSON.
    """
    if check:
        from smearlab.evaluation.recipe_check import check_recipes

        if not check_recipes(data or "demo", team=team, as_json=json):
            raise SystemExit(1)
        return
    from smearlab.training.recipe_list import list_recipes
    from smearlab.training.recipe_table import print_recipes

    print_recipes(list_recipes(team, data), as_json=json)
