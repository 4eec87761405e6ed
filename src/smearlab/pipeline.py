"""`run`: the whole way, readable top to bottom: read → find copies → split → train → evaluate → report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from accelerate import PartialState
from rich.console import Console

from smearlab.data.read import read
from smearlab.errors import TrainingError
from smearlab.evaluation.evaluate_run import evaluate_run
from smearlab.evaluation.words import headline
from smearlab.training.preparation import Prepared, prepare
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.train import train_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.training.recipe import Recipe


def run(
    data: str | Path = "demo",
    *,
    recipe: str | Path | Recipe | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    tolerate_unreadable: bool = False,
    tensorboard: bool = False,
) -> Run:
    """Go the whole way from pictures to a trained, measured model and its report.

    Args:
        data: any form that `smearlab.data.read.read` takes; ``demo`` draws synthetic smears.
        recipe: a TOML file, a shipped recipe's name or a `Recipe`; None takes ``quick`` for the demo, ``standard``
            for other data, and the run's own when resuming.
        out: the run folder; None takes a new one, ``runs/<name>``.
        overrides: ``section.key=value`` each.
        resume: go on with the run in `out`.
        tolerate_unreadable: go on although a class or more than 5 % of the pictures cannot be decoded.
        tensorboard: write event files as well.

    Returns:
        The run's folder.

    Raises:
        SmearlabError: what is wrong with the data, the recipe, the folder or the training, and what to do.
    """
    folder = Run(Path(out) if out is not None else default_folder(data, resume=resume))
    chosen = choose_recipe(data, recipe, overrides, folder, resume=resume)
    say = Console(stderr=True, quiet=not is_main_process(), highlight=False, soft_wrap=True).print
    if resume and folder.is_finished():
        say(f"{folder.path} is finished already; there is nothing to resume.")
        return folder
    with PartialState().main_process_first():
        if is_main_process():
            folder.start(resume=resume)
        start = time.monotonic()
        cells = read(data, tolerate_unreadable=tolerate_unreadable or chosen.data.tolerate_unreadable)
    seconds = {"read": time.monotonic() - start}
    say(f"Read {len(cells):,} pictures of {len(cells.class_names)} classes in {seconds['read']:.1f} s.")
    for skipped in cells.unreadable[:10]:
        say(f"  skipped row {skipped.row}, {skipped.source}: {skipped.reason}")

    start = time.monotonic()
    prepared = prepare(cells, chosen)
    seconds["find copies and split"] = time.monotonic() - start
    for line in described(prepared):
        say(line)
    if is_main_process():
        prepared.split.save(folder.split)

    trained = train_model(cells, prepared.split, chosen, folder, tensorboard=tensorboard)
    if trained is None:  # a helper process of a distributed run
        return folder
    figures = evaluate_run(folder, prepared, trained, seconds)
    folder.forget_checkpoints()
    say(f"{headline(figures)} {sum(figures['seconds'].values()) / 60:.1f} minutes in all.")
    return folder


def choose_recipe(
    data: str | Path, recipe: str | Path | Recipe | None, overrides: Sequence[str], folder: Run, *, resume: bool
) -> Recipe:
    """Decide the recipe: the one named, the one of the run to resume, or the one made for this kind of data."""
    if recipe is None and resume and folder.recipe.is_file():
        return load_recipe(folder.recipe, overrides)
    return load_recipe(recipe or ("quick" if str(data) == "demo" else "standard"), overrides)


def default_folder(data: str | Path, *, resume: bool) -> Path:
    """Return ``runs/<name>`` for new work, numbered where it is taken; the latest of them to resume."""
    name = Path(str(data).replace(":", "-")).stem or "cells"
    runs = Path("runs")
    here = runs.iterdir() if runs.is_dir() else ()
    taken = sorted((path for path in here if _number(path.name, name)), key=lambda path: _number(path.name, name))
    if resume:
        if not taken:
            raise TrainingError(f"There is no run of {name} under runs/ to resume. Name its folder with --out.")
        return taken[-1]
    return runs / (f"{name}-{_number(taken[-1].name, name) + 1}" if taken else name)


def described(prepared: Prepared) -> list[str]:
    """Say in a few lines what was found and how the pictures were split."""
    split = prepared.split
    counts = f"{len(split.train):,} to train, {len(split.validation):,} to validate, {len(split.test):,} to test"
    return [*prepared.notes, *split.notes, f"Split: {counts}. {split.report.summary()}"]


def is_main_process() -> bool:
    """Whether this process speaks and writes; the helpers of a distributed run only train."""
    return bool(PartialState().is_main_process)


def _number(folder: str, name: str) -> int:
    """Return the number of ``name-7``, 1 for ``name`` itself, 0 for anything else."""
    stem, _, number = folder.rpartition("-")
    return 1 if folder == name else int(number) if stem == name and number.isdecimal() else 0
