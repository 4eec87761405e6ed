"""`cross_validate`: the whole way of a k-fold cross-validation: folds → a run each → their figures together."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from smearlab.data.atomic import write_json
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import SplitError, TrainingError, TrainingInterrupted, counted
from smearlab.evaluation.evaluate_run import evaluate_run
from smearlab.evaluation.kfold_figures import (
    Fold,
    OutOfFold,
    Spread,
    class_figures_over_folds,
    figures_over_folds,
    gather_predictions,
)
from smearlab.evaluation.kfold_page import write_page
from smearlab.training.choosing import check_same_recipe, choose_recipe
from smearlab.training.devices import on_main, processes
from smearlab.training.kfold import fold_recipe, prepare_folds, with_folds, without_split
from smearlab.training.local_weights import locate_weights
from smearlab.training.preparation import Prepared
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.train import decide_precision, initial_network, train_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells
    from smearlab.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What a cross-validation found.

    Attributes:
        folder: where it lies.
        recipe: of all folds.
        cells: the pictures.
        folds: what each left.
        figures: name to mean and standard deviation over the folds.
        by_class: class to figure to the same.
        out_of_fold: answers to every tested picture.
        together: the figures of these answers, as in ``metrics.json``.
    """

    folder: Path
    recipe: Recipe
    cells: Cells
    folds: list[Fold]
    figures: dict[str, Spread]
    by_class: dict[str, dict[str, Spread]]
    out_of_fold: OutOfFold
    together: dict[str, Any]

    @property
    def untested(self) -> int:
        """Pictures that no fold tests: copies, contradictions, and classes of one or two pictures."""
        return len(self.cells) - len(self.out_of_fold.positions)


def cross_validate(
    data: str | Path,
    out: str | Path,
    *,
    recipe: str | Path | Recipe | None = None,
    folds: int | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    keep_models: bool = True,
    tolerate_unreadable: bool = False,
) -> CrossValidation | None:
    """Train and test a recipe once on every fold, and write ``predictions.csv``, ``kfold.json`` and ``report.html``.

    Every fold is a run folder of its own, ``fold-1`` and so on.

    Args:
        data: labelled pictures in any form.
        out: the folder to write to.
        recipe: a TOML file, a shipped recipe's name or a `Recipe`; None takes the one made for this kind of data, or
            that of the folder to resume.
        folds: how many; None takes the recipe's ``split.folds``.
        overrides: ``section.key=value`` each.
        resume: go on in `out`: finished folds are left as they are, one that was stopped goes on from its checkpoint.
        keep_models: whether each fold's model folder stays.
        tolerate_unreadable: go on although a class or more than 5 % of the pictures cannot be decoded.

    Returns:
        All figures; None on the helper processes of a distributed run.

    Raises:
        DataError: the data cannot be used.
        RecipeError: the recipe is not valid.
        SplitError: the pictures cannot be shared out to so many folds.
        TrainingError: the folder holds something else, or a training failed.
        TrainingInterrupted: the user stopped it; the state is saved.
    """
    whole = Run(user_path(out))
    if folds is not None and folds < 2:
        raise SplitError(f"--folds {folds}: give at least 2.")
    chosen = locate_weights(choose_recipe(data, recipe, overrides, whole, resume=resume), data)
    chosen = with_folds(chosen, folds)
    if processes().is_main_process:
        whole.check(resume=resume)
    check_same_recipe(chosen, whole)
    tolerate = tolerate_unreadable or chosen.data.tolerate_unreadable
    cells = without_split(read(data, tolerate_unreadable=tolerate))
    network = initial_network(chosen, len(cells.class_names))  # a wrong recipe fails here, before the long search
    runs = [Run(whole.path / f"fold-{number}") for number in range(1, chosen.split.folds + 1)]
    prepared = _prepared(cells, chosen, runs)
    whole.path.mkdir(parents=True, exist_ok=True)
    chosen = decide_precision(network, chosen, whole)  # once, for all folds to compute alike
    on_main(lambda: _begin(runs, prepared, chosen))
    for number, fold in enumerate(prepared):
        _do_fold(number, runs, fold, chosen, keep_models=keep_models)
    if not processes().is_main_process:
        return None
    return summarise(whole.path, cells, chosen, runs)


def _prepared(cells: Cells, recipe: Recipe, runs: Sequence[Run]) -> list[Prepared]:
    """Read the folds as they were shared out, or share the pictures out."""
    kept = [fold for run in runs if (fold := Prepared.load(cells, run)) is not None]
    return kept if len(kept) == len(runs) else prepare_folds(cells, recipe)


def _begin(runs: Sequence[Run], prepared: Sequence[Prepared], recipe: Recipe) -> None:
    for number, (run, fold) in enumerate(zip(runs, prepared, strict=True)):
        run.start(fold_recipe(recipe, number))
        if not (run.split.is_file() and run.copies.is_file()):
            fold.save(run)


def _do_fold(number: int, runs: Sequence[Run], prepared: Prepared, recipe: Recipe, *, keep_models: bool) -> None:
    """Train and measure one fold, unless that is done."""
    run, cells, split = runs[number], prepared.cells, prepared.split
    name = f"Fold {number + 1} of {len(runs)}"
    if not run.report.is_file():  # it is written last
        _say(f"{name}: {counted(len(split.train), 'picture')} to train, {len(split.test):,} to test.")
        try:
            network = initial_network(recipe, len(cells.class_names))
            trained = train_model(network, cells, split, load_recipe(run.recipe), run)
        except (TrainingError, TrainingInterrupted) as error:
            raise type(error)(f"{name}: {error}") from error
        if trained is None:  # a helper process of a distributed run
            return
        figures = evaluate_run(run, prepared, trained, {})
        _say(f"{name}: balanced accuracy {figures['balanced_accuracy']['value']:.4f}.")
    run.forget_checkpoints()
    if not keep_models:
        shutil.rmtree(run.model, ignore_errors=True)


def summarise(folder: Path, cells: Cells, recipe: Recipe, runs: Sequence[Run]) -> CrossValidation:
    """Put the folds' results together and write them.

    Raises:
        TrainingError: a fold is damaged, or was tested on other pictures.
    """
    begun = time.monotonic()
    folds = [Fold.read(run) for run in runs]
    answers = gather_predictions(folder / "predictions.csv", cells, runs)
    found = CrossValidation(
        folder=folder,
        recipe=recipe,
        cells=cells,
        folds=folds,
        figures=figures_over_folds(folds),
        by_class=class_figures_over_folds(folds, cells.class_names),
        out_of_fold=answers,
        together=answers.metrics(cells, recipe.seed),
    )
    write_json(folder / "kfold.json", content_of(found))
    write_page(found, time.monotonic() - begun)
    return found


def content_of(found: CrossValidation) -> dict[str, Any]:
    """Return the contents of ``kfold.json``."""
    return {
        "data": found.cells.name,
        "recipe": found.recipe.name,
        "seed": found.recipe.seed,
        "folds": len(found.folds),
        "pictures": {"tested": len(found.out_of_fold.positions), "not_tested": found.untested},
        "figures": {name: figure.to_json() for name, figure in found.figures.items()},
        "per_class": {
            name: {key: figure.to_json() for key, figure in figures.items()} for name, figures in found.by_class.items()
        },
        "out_of_fold": found.together,
        "runs": [_fold_content(number, fold) for number, fold in enumerate(found.folds, start=1)],
    }


def _fold_content(number: int, fold: Fold) -> dict[str, Any]:
    return {
        "fold": number,
        "folder": fold.run.path.name,
        "pictures": dict(fold.pictures),
        "leakage": fold.content["leakage"],
        "best_epoch": fold.content["best_epoch"],
        "epochs": len(fold.history),
        "seconds": fold.seconds,
    }


def printed(found: CrossValidation) -> str:
    """Return the figures as a table for the terminal: mean ± standard deviation, and the interval of the mean."""
    tested = counted(len(found.out_of_fold.positions), "picture")
    lines = [f"{counted(len(found.folds), 'fold')}, {tested} tested once:"]
    width = max(map(len, found.figures))
    for name, figure in found.figures.items():
        interval = f"[{figure.low:.4f}, {figure.high:.4f}]"
        lines.append(f"  {name:<{width}}  {figure.mean:.4f} ± {figure.sd:.4f}  {interval}")
    return "\n".join(lines)


def _say(text: str) -> None:
    quiet = not processes().is_main_process
    Console(stderr=True, quiet=quiet, markup=False, highlight=False, soft_wrap=True).print(text)
