"""Commands that train a recipe many times: kfold, tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smearlab.cli.app import Flag, Overrides, app


@app.command
def kfold(
    data: str,
    *,
    out: Path,
    recipe: str | None = None,
    folds: int | None = None,
    set_: Overrides = (),
    resume: Annotated[bool, Flag] = False,
    keep_models: Annotated[bool, Parameter(negative="--no-keep-models")] = True,
    tolerate_unreadable: Annotated[bool, Flag] = False,
) -> None:
    """Cross-validate a recipe: mean and standard deviation of every figure, each picture tested once.

    Parameters
    ----------
    data
        Labelled pictures in any form.
    out
        The folder to write to; every fold is a run folder below it.
    recipe
        A TOML file or a shipped recipe's name; quick for the demo, standard for other data.
    folds
        How many; the recipe's split.folds (5) by default.
    resume
        Go on in that folder: finished folds are kept, a stopped one goes on from its checkpoint.
    keep_models
        Keep the model folder of each fold.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    """
    from smearlab.errors import require

    require("torch", "train", "Cross-validation")
    from smearlab.evaluation.kfold import cross_validate, printed

    found = cross_validate(
        data,
        out,
        recipe=recipe,
        folds=folds,
        overrides=set_,
        resume=resume,
        keep_models=keep_models,
        tolerate_unreadable=tolerate_unreadable,
    )
    if found is not None:
        print(f"{printed(found)}\nReport: {out / 'report.html'}")


@app.command
def tune(
    data: str,
    *,
    space: str,
    out: Path,
    recipe: str | None = None,
    trials: int = 30,
    jobs: int = 1,
    timeout: float | None = None,
    metric: str | None = None,
    pruner: str = "median",
    seed: int | None = None,
    set_: Overrides = (),
    tolerate_unreadable: Annotated[bool, Flag] = False,
) -> None:
    """Search a recipe's values on validation pictures: best.toml, trials.csv, report. Give it again to go on.

    Parameters
    ----------
    data
        Labelled pictures in any form.
    space
        A TOML file with a table for each key to search, or a shipped space: usual, augmentation.
    out
        The folder to write to: new, or of the same search, which is then gone on with.
    recipe
        The recipe that all trials start from; quick for the demo, standard for other data.
    trials
        How many trainings in all, those done before included.
    jobs
        Processes at once. The same command may also be started several times.
    timeout
        Minutes after which no trial begins or goes on.
    metric
        What trials are compared by on validation: balanced_accuracy, accuracy, loss, or corrupted_ before these.
    pruner
        What stops bad trials early: median, hyperband or none.
    seed
        Of the values drawn; the recipe's by default.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    """
    from smearlab.errors import require

    require("torch", "train", "A search")
    for module in ("optuna", "filelock"):
        require(module, "tune", "A search")
    from smearlab.evaluation.tune import TuneOptions
    from smearlab.evaluation.tune import tune as search
    from smearlab.evaluation.tune_outcome import printed

    options = TuneOptions(
        recipe, set_, trials, jobs, timeout, metric, pruner, seed, tolerate_unreadable=tolerate_unreadable
    )
    found = search(data, out, space, options)
    if found is not None:
        print(f"{printed(found)}\nRecipe: {out / 'best.toml'}\nReport: {out / 'report.html'}")
