"""Doing the trials of a search: each is a training that is judged on validation pictures and may be stopped early."""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any

import torch
from optuna.exceptions import TrialPruned
from optuna.trial import TrialState

from smearlab.data.read import read
from smearlab.errors import RecipeError, TrainingError
from smearlab.report.text import duration
from smearlab.training.local_weights import locate_weights
from smearlab.training.preparation import Prepared
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.train import fit_run, initial_network
from smearlab.training.validation import selection_score

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.trial import FrozenTrial, Trial

    from smearlab.data.cells import Cells
    from smearlab.training.job import FitResult
    from smearlab.training.recipe import Recipe
    from smearlab.training.search_study import Claim, Search


class OutOfTime(Exception):
    """The time for the search is over; the trial's state is saved."""


@dataclass(frozen=True)
class SearchWork:
    """What a process needs to take part in a search; travels to it.

    Attributes:
        search: the trials.
        base: recipe that all trials start from, precision decided.
        data: labelled pictures in any form.
        trials: how many there are to be.
        deadline: seconds since the epoch after which none begins or goes on; None for no limit.
        threads: of the arithmetic; None leaves them.
        tolerate_unreadable: go on although a class or many pictures cannot be decoded.
    """

    search: Search
    base: Recipe
    data: str | Path | Cells
    trials: int
    deadline: float | None = None
    threads: int | None = None
    tolerate_unreadable: bool = False

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.time() > self.deadline

    def recipe_of(self, trial: Trial | FrozenTrial) -> Recipe:
        """Return the recipe of a trial.

        Raises:
            RecipeError: its values do not go together.
        """
        recipe = load_recipe(self.base, self.search.space.overrides(trial.params), f"trial {trial.number}")
        return locate_weights(recipe, self.data)


def take_part(work: SearchWork) -> int:
    """Do trials until there are as many as wanted, or the time is over.

    Args:
        work: what to take part in; pictures and split are read anew, so that it can run in a process of its own.

    Returns:
        How many trials this process finished.

    Raises:
        TrainingInterrupted: the user stopped it; the trial goes on with the same command.
    """
    if work.threads is not None:
        torch.set_num_threads(work.threads)
    cells = read(work.data, tolerate_unreadable=work.tolerate_unreadable)
    prepared = Prepared.load(cells, Run(work.search.folder))
    assert prepared is not None  # whoever began the search wrote the split
    return do_trials(work, prepared)


def do_trials(work: SearchWork, prepared: Prepared) -> int:
    """Do what `take_part` does with pictures that are read already."""
    done = 0
    while not work.late:
        claim = work.search.claim(work.trials)
        if claim is None:
            break
        try:
            _do_trial(work, prepared, claim)
        except OutOfTime:
            break
        finally:
            claim.give_back()
        done += 1
    return done


def _do_trial(work: SearchWork, prepared: Prepared, claim: Claim) -> None:
    """Train one trial and tell the study what came of it."""
    trial, search, begun = claim.trial, work.search, time.monotonic()
    run = search.run(trial.number)
    watch = Watch(work, trial, run)
    try:
        fitted = _train(work, prepared, trial, watch)
    except TrialPruned:
        _tell(work, trial, TrialState.PRUNED, begun, f"stopped after epoch {watch.epochs}")
    except (TrainingError, RecipeError, RuntimeError, ValueError, AssertionError) as error:
        # Whatever values do not work out together, the others must go on.
        reason = " ".join(str(error).split()) or type(error).__name__
        trial.set_user_attr("reason", reason)
        _tell(work, trial, TrialState.FAIL, begun, f"failed: {reason}")
    else:
        value = _value(fitted, work.base)
        trial.set_user_attr("best_epoch", fitted.progress.best_epoch)
        _tell(work, trial, TrialState.COMPLETE, begun, f"{watch.metric} {value:.4f}", value)
    with search.lock():
        search.forget_all_but(one.number for one in (search.best(), search.start()) if one is not None)


def _train(work: SearchWork, prepared: Prepared, trial: Trial, watch: Watch) -> FitResult:
    recipe = work.recipe_of(trial)
    watch.run.start(recipe)
    watch.planned = sum(phase.epochs for phase in recipe.phases)
    network = initial_network(recipe, len(prepared.cells.class_names))
    with redirect_stderr(StringIO()):  # a bar for each trial would hide how the search goes
        *_, fitted = fit_run(network, prepared.cells, prepared.split, recipe, watch.run, watch, shown=False)
    return fitted


def _tell(
    work: SearchWork, trial: Trial, state: TrialState, begun: float, words: str, value: float | None = None
) -> None:
    """Write down what came of a trial and say it in a line."""
    study = work.search.study
    trial.set_user_attr("seconds", round(time.monotonic() - begun, 2))
    study.tell(trial, value, state=state)
    best = work.search.best()
    of_best = f" (best {best.value:.4f}, trial {best.number})" if best is not None else ""
    number = f"Trial {trial.number} of {work.trials}"
    print(f"{number}: {words}{of_best}, {duration(time.monotonic() - begun)}", file=sys.stderr, flush=True)


def _value(fitted: FitResult, base: Recipe) -> float:
    """Return the metric of the weights that would ship: of the kept epoch, or of the average that was chosen."""
    rows = {row["weights"]: row for row in fitted.candidates}
    row = rows.get(fitted.shipped) or fitted.progress.history[fitted.progress.best_epoch - 1]
    return metric_of(row, base)


def metric_of(row: dict[str, Any], base: Recipe) -> float:
    """Return what trials are compared by, a loss as it is: from a row of a history or a candidate's figures."""
    score = selection_score(row, base.selection)
    return -score if base.selection.metric.endswith("loss") else score


@dataclass
class Watch:
    """Feeds a study with a trial's epochs, and ends the training when the study or the clock says so.

    Attributes:
        work: the search.
        trial: the trial.
        run: its folder.
        planned: epochs of a whole training.
        epochs: finished so far.
    """

    work: SearchWork
    trial: Trial
    run: Run
    planned: int = 0
    epochs: int = 0
    _reported: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Learn what was reported before a kill."""
        storage = self.trial.storage
        self._reported = set(storage.get_trial(self.trial._trial_id).intermediate_values)

    @property
    def metric(self) -> str:
        """What is reported, in words."""
        return self.work.base.selection.metric.replace("_", " ")

    def __call__(self, rows: list[dict[str, Any]]) -> None:
        """Take all finished epochs, the newest last.

        Raises:
            TrialPruned: others did better at this epoch.
            OutOfTime: the search is over.
        """
        self.run.write_history(rows)
        self.epochs = len(rows)
        for row in rows:
            if row["epoch"] not in self._reported:
                self.trial.report(metric_of(row, self.work.base), row["epoch"])
                self._reported.add(row["epoch"])
        if self.epochs < self.planned and self.trial.should_prune():
            raise TrialPruned
        if self.work.late:
            raise OutOfTime
