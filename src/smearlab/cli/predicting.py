"""The commands that name cells: predict, differential."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smearlab.cli.app import Flag, app, counting
from smearlab.errors import counted, did_you_mean

PREDICT_OPTIONS = ("--model", "--out", "--batch-size", "--sets", "--explain", "--one-look", "--help")


def _refuse_options(_: object, picture: str) -> None:
    """Let ``-`` through as standard input, but take no misspelt option for a picture."""
    if picture.startswith("-") and picture != "-":
        raise ValueError(f"unknown option {picture}.{did_you_mean(picture.partition('=')[0], PREDICT_OPTIONS)}")


PicturesGiven = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_refuse_options)]


@app.command
def predict(
    *pictures: PicturesGiven,
    model: str = "default",
    out: Path,
    batch_size: int = 64,
    sets: float | None = None,
    explain: Path | None = None,
    one_look: Annotated[bool, Flag] = False,
) -> None:
    """Name the cells in pictures: one line each, in order, with probabilities. Works without torch.

    Parameters
    ----------
    pictures
        Pictures, globs, a folder, a .npz, a Parquet file, a CSV, or - for a list of paths on standard input.
    model
        A model folder, a run folder, or default, the model that ships.
    out
        The file to write: .csv, .jsonl or .parquet.
    batch_size
        Pictures that are worked on at once.
    sets
        Add a column of prediction sets of this coverage: 0.8, 0.9, 0.95 or 0.99.
    explain
        Write heat maps over the pictures into this new folder as well; needs torch.
    one_look
        Look once at each picture: not from nearer where it shows a wide field, nor from other sides where unsure.
    """
    from smearlab.inference.predict import predict_to_file

    sources = pictures[0] if len(pictures) == 1 else pictures
    if explain is not None:
        from smearlab.evaluation.overlay_files import check_overlay_folder, write_overlays

        check_overlay_folder(sources, explain)
    with counting("pictures") as count:
        summary = predict_to_file(sources, model, out, batch_size, progress=count, sets=sets, one_look=one_look)
    print(
        f"{counted(summary.n, 'picture')}: {summary.errors:,} unreadable, {summary.not_cells:,} that look like no cell."
    )
    for name, number in summary.class_counts.items():
        print(f"  {number:>8,} {name}")
    print(f"Written: {out}")
    if explain is not None:
        with counting("heat maps") as count:
            written = write_overlays(sources, model, explain, count)
        print(f"Written: {counted(written, 'heat map')} in {explain}")


@app.command
def differential(
    *pictures: PicturesGiven, model: str = "default", out: Path | None = None, batch_size: int = 64
) -> None:
    """Count the cell types of a slide, as a laboratory reports them, with 95 % intervals. Works without torch.

    Parameters
    ----------
    pictures
        Pictures, globs, a folder, a .npz, a Parquet file, a CSV, or - for a list of paths on standard input.
    model
        A model folder, a run folder, or default, the model that ships.
    out
        Write the count to a file as well: .json or .csv.
    batch_size
        Pictures that are worked on at once.
    """
    from smearlab.deploy.differential import check_out, count_differential, differential_words, write_differential

    target = None if out is None else check_out(out)
    with counting("pictures") as progress:
        sources = pictures[0] if len(pictures) == 1 else pictures
        count = count_differential(sources, model, batch_size, progress=progress)
    print("\n".join(differential_words(count)))
    if target is not None:
        print(f"Written: {write_differential(count, target)}")
