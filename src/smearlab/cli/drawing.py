"""The command that shows augmentation: augment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Flag, app


@app.command
def augment(
    data: str,
    *,
    sheet: Path,
    policy: str | None = None,
    recipe: str | None = None,
    operation: str | None = None,
    progress: Annotated[bool, Flag] = False,
    seed: int = 0,
    size: int | None = None,
    rows: int = 8,
    columns: int = 8,
) -> None:
    """Draw a sheet of examples: what a policy of augmentation does to your own pictures.

    Parameters
    ----------
    data
        Labelled pictures in any form; every class gives some in turn.
    sheet
        The .png file to write.
    policy
        none, flips, geometry, light, traditional, randaugment, trivialaugment, augmix, pixmix, pipeline or ours.
    recipe
        Take policy, strength and picture size from a recipe.
    operation
        Show one operation alone, from mild to full.
    progress
        The columns are the way through a training, mild to hard, instead of several draws.
    seed
        Of the draws.
    size
        Side of a picture in pixels; the recipe's or 96 by default.
    rows
        Pictures.
    columns
        Draws, amounts or steps of the way.
    """
    from smearlab.evaluation.sheet import SheetOptions, write_sheet

    write_sheet(data, sheet, SheetOptions(policy, recipe, operation, progress, seed, size, rows, columns))
    print(f"Sheet: {sheet}")
