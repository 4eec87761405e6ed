"""`run`: the whole way, readable top to bottom: read → find copies → split → train → evaluate → report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from smearlab.audit.cleaned import read_cleaned
from smearlab.audit.manifest import Manifest
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import TrainingError, require
from smearlab.evaluation.words import headline
from smearlab.training.choosing import check_same_recipe, choose_recipe
from smearlab.training.local_weights import locate_weights
from smearlab.training.run_folder import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smearlab.data.cells import Cells
    from smearlab.training.preparation import Prepared
    from smearlab.training.recipe import Recipe

_RUN = ".run"  # in runs/pbc96.run2; a plain "-2" could be part of a data set's own name


def run(
    data: str | Path = "demo",
    *,
    recipe: str | Path | Recipe | None = None,
    out: str | Path | None = None,
    manifest: str | Path | None = None,
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
        manifest: an audit's ``manifest.csv``, edited or not: pictures are dropped and relabelled by it before anything
            else; None takes them all as they are.
        overrides: ``section.key=value`` each.
        resume: go on with the run in `out`.
        tolerate_unreadable: go on although a class or more than 5 % of the pictures cannot be decoded.
        tensorboard: write event files as well.

    Returns:
        The run's folder.

    Raises:
        SmearlabError: what is wrong with the data, the recipe, the folder or the training, and what to do.
    """
    require("torch", "train", "Training")
    folder = Run(user_path(out) if out is not None else default_folder(data, resume=resume))
    chosen = locate_weights(choose_recipe(data, recipe, overrides, folder, resume=resume), data)
    if speaks():  # the helpers of a distributed run come when the folder may be written already
        folder.check(resume=resume)
    check_same_recipe(chosen, folder)
    decisions = choose_manifest(manifest, folder)
    say = Console(stderr=True, quiet=not speaks(), markup=False, highlight=False, soft_wrap=True).print
    if folder.is_finished():
        say(f"{folder.path} is finished already; there is nothing to resume.")
        return folder
    start = time.monotonic()
    tolerate = tolerate_unreadable or chosen.data.tolerate_unreadable
    if decisions is None:
        cells = read(data, tolerate_unreadable=tolerate)
    else:
        cells = read_cleaned(data, decisions, tolerate_unreadable=tolerate)
    seconds = {"read": time.monotonic() - start}
    say(f"Read {len(cells):,} pictures of {len(cells.class_names)} classes in {seconds['read']:.1f} s.")
    for skipped in cells.unreadable[:10]:
        say(f"  skipped row {skipped.row}, {skipped.source}: {skipped.reason}")

    def begin() -> None:
        folder.start(chosen)
        if decisions is not None:
            decisions.write(folder.manifest)

    figures = _train_and_evaluate(cells, chosen, folder, begin, seconds, say, tensorboard=tensorboard)
    if figures is not None:
        say(f"{headline(figures)} {sum(figures['seconds'].values()) / 60:.1f} minutes in all.")
    return folder


def _train_and_evaluate(
    cells: Cells,
    chosen: Recipe,
    folder: Run,
    start_folder: Callable[[], None],
    seconds: dict[str, float],
    say: Callable[[str], None],
    *,
    tensorboard: bool,
) -> dict[str, Any] | None:
    """Do what needs torch, imported only now: a mistake in the recipe or the data is told in a second, not in five."""
    from smearlab.evaluation.evaluate_run import evaluate_run
    from smearlab.training.devices import on_main
    from smearlab.training.preparation import Prepared, prepare
    from smearlab.training.train import initial_network, train_model

    network = initial_network(chosen, len(cells.class_names))  # a wrong recipe fails here, before the long search
    start = time.monotonic()
    prepared = Prepared.load(cells, folder) or prepare(cells, chosen)
    seconds["find copies and split"] = time.monotonic() - start
    for line in described(prepared):
        say(line)

    def begin() -> None:
        start_folder()
        if not folder.split.is_file() or not folder.copies.is_file():
            prepared.save(folder)

    on_main(begin)
    trained = train_model(network, cells, prepared.split, chosen, folder, tensorboard=tensorboard)
    if trained is None:  # a helper process of a distributed run
        return None
    figures = evaluate_run(folder, prepared, trained, seconds)
    folder.forget_checkpoints()
    return figures


def choose_manifest(manifest: str | Path | None, folder: Run) -> Manifest | None:
    """Read the manifest given, or that of the run to go on with.

    Raises:
        DataError: there is none of that name, or it is faulty.
        TrainingError: the run was started with another one, or with none.
    """
    given = Manifest.read(manifest) if manifest is not None else None
    if not folder.recipe.is_file():
        return given
    own = Manifest.read(folder.manifest) if folder.manifest.is_file() else None
    if given is not None and (own is None or not given.decides_like(own)):
        begun = "another manifest" if own is not None else "no manifest"
        raise TrainingError(f"The run in {folder.path} was started with {begun}. Leave --manifest away to resume it.")
    return own


def default_folder(data: str | Path, *, resume: bool) -> Path:
    """Return ``runs/<name>`` for new work, numbered where it is taken; the latest of them to resume."""
    user_path(data)
    name = Path(str(data).replace(":", "-")).stem or "cells"
    runs = Path("runs")
    here = runs.iterdir() if runs.is_dir() else ()
    taken = sorted((path for path in here if _number(path.name, name)), key=lambda path: _number(path.name, name))
    if resume:
        if not taken:
            raise TrainingError(f"There is no run of {name} under runs/ to resume. Name its folder with --out.")
        return taken[-1]
    return runs / (f"{name}{_RUN}{_number(taken[-1].name, name) + 1}" if taken else name)


def described(prepared: Prepared) -> list[str]:
    """Say in a few lines what was found and how the pictures were split."""
    split = prepared.split
    counts = f"{len(split.train):,} to train, {len(split.validation):,} to validate, {len(split.test):,} to test"
    return [*prepared.notes, *split.notes, f"Split: {counts}. {split.report.summary()}"]


def speaks() -> bool:
    """Whether this process speaks and writes; the helpers of a distributed run only train."""
    return int(os.environ.get("RANK", "0")) == 0


def _number(folder: str, name: str) -> int:
    """Return the number of ``name.run7``, 1 for ``name`` itself, 0 for anything else."""
    stem, _, number = folder.rpartition(_RUN)
    return 1 if folder == name else int(number) if stem == name and number.isdecimal() else 0
