"""Commands that train and compare: run, train, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Flag, Overrides, app


@app.command
def run(
    data: str = "demo",
    *,
    recipe: str | None = None,
    out: Path | None = None,
    manifest: Path | None = None,
    set_: Overrides = (),
    resume: Annotated[bool, Flag] = False,
    tolerate_unreadable: Annotated[bool, Flag] = False,
    tensorboard: Annotated[bool, Flag] = False,
) -> None:
    """Go the whole way: read, find copies, split, train, evaluate, report, model folder.

    Parameters
    ----------
    data
        A .npz, a folder of class folders, a Parquet file, a CSV of path,label, bloodmnist[:SIZE], or demo.
    recipe
        A TOML file or a shipped recipe's name; quick for the demo, standard for other data.
    out
        The run folder; runs/NAME by default.
    manifest
        The manifest.csv of an audit: what it drops is left out, what it relabels is relabelled.
    resume
        Go on with the run in that folder.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    tensorboard
        Write TensorBoard event files as well.
    """
    from smearlab import pipeline

    folder = pipeline.run(
        data,
        recipe=recipe,
        out=out,
        manifest=manifest,
        overrides=set_,
        resume=resume,
        tolerate_unreadable=tolerate_unreadable,
        tensorboard=tensorboard,
    )
    if pipeline.speaks():
        print(f"Model:  {folder.model}\nReport: {folder.report}")


@app.command
def train(
    data: str,
    *,
    recipe: str | None = None,
    out: Path,
    manifest: Path | None = None,
    set_: Overrides = (),
    resume: Annotated[bool, Flag] = False,
    tolerate_unreadable: Annotated[bool, Flag] = False,
    tensorboard: Annotated[bool, Flag] = False,
) -> None:
    """Train a recipe into a run folder: recipe, history, model, predictions, figures, report.

    Parameters
    ----------
    data
        As for run.
    recipe
        A TOML file or a shipped recipe's name.
    out
        The run folder.
    manifest
        The manifest.csv of an audit: what it drops is left out, what it relabels is relabelled.
    resume
        Go on with the run in that folder; its own recipe is used.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    tensorboard
        Write TensorBoard event files as well.
    """
    run(
        data,
        recipe=recipe,
        out=out,
        manifest=manifest,
        set_=set_,
        resume=resume,
        tolerate_unreadable=tolerate_unreadable,
        tensorboard=tensorboard,
    )


@app.command
def compare(
    *runs: Path,
    ensemble: Annotated[bool, Flag] = False,
    soup: Path | None = None,
    data: str | None = None,
    out: Path | None = None,
) -> None:
    """Compare finished runs on the test pictures they share, with paired intervals; or mix their weights.

    Parameters
    ----------
    runs
        Run folders; differences are against the first.
    ensemble
        Also measure the mean of their probabilities.
    soup
        Write the greedy soup of their weights to this run folder, and compare it too; needs --data.
    data
        The data that the runs were trained on.
    out
        A .json file for all figures.
    """
    from smearlab.evaluation.compare import compare as measure
    from smearlab.evaluation.compare import comparison_lines

    everyone = list(runs)
    if soup is not None:
        from smearlab.evaluation.brew import brew_soup

        everyone.append(brew_soup(runs, data, soup).path)
    found = measure(everyone, ensemble=ensemble)
    if out is not None:
        found.write(out)
    print("\n".join(comparison_lines(found)))
