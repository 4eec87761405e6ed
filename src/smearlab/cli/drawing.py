"""The command that shows augmentation or writes augmented sets: augment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smearlab.cli.app import Flag, app
from smearlab.errors import RecipeError


@app.command
def augment(
    data: str,
    *,
    sheet: Path | None = None,
    out: Path | None = None,
    policy: str | None = None,
    recipe: str | None = None,
    per_class: int | None = None,
    per_image: int | None = None,
    originals: Annotated[bool, Parameter(negative="--no-originals")] = True,
    operation: str | None = None,
    progress: Annotated[bool, Flag] = False,
    seed: int = 0,
    size: int | None = None,
    rows: int | None = None,
    columns: int | None = None,
) -> None:
    """Show what a policy of augmentation does to your own pictures, or write an augmented set.

    Parameters
    ----------
    data
        Labelled pictures in any form; on a sheet every class gives some in turn.
    sheet
        Draw a sheet of examples: the .png file to write.
    out
        Write an augmented set: a folder for class folders of PNG, or a .npz or .parquet file; it must not exist yet.
    policy
        none, flips, geometry, light, traditional, randaugment, trivialaugment, augmix, pixmix, pipeline or ours; or a
        set: light, moderate or heavy. On a sheet, all shows one picture under each of them.
    recipe
        Take policy and strength from a recipe; for a sheet the picture size too.
    per_class
        Of a set: as many pictures of each class in the end.
    per_image
        Of a set: so many copies of each picture; 1, 2 and 4 for light, moderate and heavy by default.
    originals
        Of a set: write the pictures themselves too.
    operation
        On a sheet: show one operation alone, from mild to full; all for one picture under each of them.
    progress
        On a sheet: the columns are the way through a training, mild to hard, instead of several draws.
    seed
        Of the draws.
    size
        Side of a picture in pixels; by default the recipe's or 96 on a sheet, each picture's own in a set.
    rows
        Of a sheet: pictures, 8 by default.
    columns
        Of a sheet: draws, amounts or steps of the way, 8 by default.
    """
    if (sheet is None) == (out is None):
        raise RecipeError("Give --sheet FILE.png for examples, or --out FOLDER for an augmented set; one of the two.")
    if sheet is not None:
        if per_class is not None or per_image is not None or not originals:
            raise RecipeError("--per-class, --per-image and --no-originals are of a set: give --out, not --sheet.")
        from smearlab.evaluation.sheet import SheetOptions, write_sheet

        shape = (8 if rows is None else rows, 8 if columns is None else columns)
        write_sheet(data, sheet, SheetOptions(policy, recipe, operation, progress, seed, size, *shape))
        print(f"Sheet: {sheet}")
    elif out is not None:
        if operation is not None or progress or rows is not None or columns is not None:
            raise RecipeError("--operation, --progress, --rows and --columns are of a sheet: give --sheet, not --out.")
        from smearlab.evaluation.augmented_set import SetOptions, write_set

        done = write_set(data, out, SetOptions(policy, recipe, per_class, per_image, originals, seed, size))
        print("\n".join(done.words()))
        print(f"Written: {done.out}\nTable:   {done.table}")
