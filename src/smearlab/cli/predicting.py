"""The command that names cells: predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smearlab.cli.app import app, counting
from smearlab.errors import counted, did_you_mean

PREDICT_OPTIONS = ("--model", "--out", "--batch-size", "--help")


def _refuse_options(_: object, picture: str) -> None:
    """Let ``-`` through as standard input, but take no misspelt option for a picture."""
    if picture.startswith("-") and picture != "-":
        raise ValueError(f"unknown option {picture}.{did_you_mean(picture.partition('=')[0], PREDICT_OPTIONS)}")


PicturesGiven = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_refuse_options)]


@app.command
def predict(*pictures: PicturesGiven, model: str = "default", out: Path, batch_size: int = 64) -> None:
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
        Pictures that go through the network at once.
    """
    from smearlab.inference.predict import predict_to_file

    with counting("pictures") as count:
        sources = pictures[0] if len(pictures) == 1 else pictures
        summary = predict_to_file(sources, model, out, batch_size, progress=count)
    print(
        f"{counted(summary.n, 'picture')}: {summary.errors:,} unreadable, {summary.not_cells:,} that look like no cell."
    )
    for name, number in summary.class_counts.items():
        print(f"  {number:>8,} {name}")
    print(f"Written: {out}")
