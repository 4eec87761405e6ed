"""`Search`: the trials of a search for a recipe, in a journal that several processes write at once.

A process that works on a trial holds a lock of the system, which is given up when it dies, however it dies. A trial
that is under way but whose lock is free was therefore left behind, and the next process goes on with it. What a trial
tries depends on the seed, its number and the trials before it, not on which process asks or how often it was restarted.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import optuna
from filelock import BaseFileLock, FileLock, Timeout
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from smearlab.training.run_folder import Run
from smearlab.training.sampling import seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from optuna.distributions import BaseDistribution
    from optuna.study import Study

    from smearlab.training.search_space import Label, Space

PrunerName = Literal["median", "hyperband", "none"]
PRUNERS: tuple[PrunerName, ...] = get_args(PrunerName)
JOURNAL = "study.journal"
_NAME = "smearlab"
_STARTUP = 10  # trials drawn at random before the sampler learns from them
_MEDIAN_STARTUP = 5  # whole trials before any is stopped early
_WARM_UP = 1 / 3  # of the epochs, in which no trial is stopped
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class NumberedSampler(BaseSampler):
    """Optuna's TPE (Bergstra et al. 2011), seeded anew for each trial by its number.

    A sampler that is seeded once goes on from wherever it stands, so that a search that was stopped and resumed would
    draw its first numbers twice.

    Args:
        seed: of the search.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._inner = self._seeded(0)

    def _seeded(self, number: int) -> TPESampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(
                seed=seed_of(self._seed, number) % 2**32,
                n_startup_trials=_STARTUP,
                multivariate=True,
                constant_liar=True,  # keeps processes from trying the same at once
            )

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Take the draws that belong to a trial's number."""
        self._inner = self._seeded(trial.number)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that are drawn together."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw them."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Label:
        """Draw a parameter by itself."""
        drawn: Label = self._inner.sample_independent(study, trial, param_name, param_distribution)
        return drawn

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Let the sampler take note of a finished trial."""
        self._inner.after_trial(study, trial, state, values)


def make_pruner(name: PrunerName, epochs: int) -> BasePruner:
    """Return what stops trials early.

    Args:
        name: ``median`` (worse than half of the trials at the same epoch), ``hyperband`` (Li et al. 2018) or ``none``.
        epochs: of the longest training.
    """
    if name == "median":
        return MedianPruner(n_startup_trials=_MEDIAN_STARTUP, n_warmup_steps=max(1, round(_WARM_UP * epochs)))
    if name == "hyperband":
        return HyperbandPruner(min_resource=max(1, epochs // 9), max_resource=max(2, epochs))
    return NopPruner()


@dataclass
class Claim:
    """A trial that this process works on; nobody else does before it is given back.

    Attributes:
        trial: its number and parameters.
        resumed: whether another process left it behind.
    """

    trial: Trial
    resumed: bool
    _lock: BaseFileLock = field(repr=False)

    def give_back(self) -> None:
        """Let go of it, finished or not."""
        self._lock.release()


@dataclass(frozen=True)
class Search:
    """The trials of a search.

    Attributes:
        folder: of the search.
        space: what is searched.
        seed: of the draws.
        pruner: what stops trials early.
        epochs: of the longest training.
        maximise: whether greater values are better.
    """

    folder: Path
    space: Space
    seed: int
    pruner: PrunerName
    epochs: int
    maximise: bool

    @cached_property
    def study(self) -> Study:
        """Optuna's study, opened or begun."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        path = str(self.folder / JOURNAL)
        storage = JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
        return optuna.create_study(
            study_name=_NAME,
            storage=storage,
            sampler=NumberedSampler(self.seed),
            pruner=make_pruner(self.pruner, self.epochs),
            direction="maximize" if self.maximise else "minimize",
            load_if_exists=True,
        )

    def lock(self, name: str = "search") -> BaseFileLock:
        """Return a lock that the processes of this search share."""
        place = self.folder / "locks"
        place.mkdir(parents=True, exist_ok=True)
        return FileLock(place / f"{name}.lock")

    def run(self, number: int) -> Run:
        """Return the run folder of a trial."""
        return Run(self.folder / "trials" / f"{number:04d}")

    def begin_with(self, chosen: dict[str, Label] | None) -> None:
        """Let the first trial be the starting recipe, unless the search has begun; None where it lies outside."""
        with self.lock():
            if chosen is not None and not self.study.get_trials(deepcopy=False):
                self.study.enqueue_trial(chosen, user_attrs={"start": True})

    def claim(self, total: int) -> Claim | None:
        """Take a trial to work on: one that was left behind, else a new one; None where there are `total` already."""
        with self.lock():
            trials = self.study.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state == TrialState.RUNNING and (lock := self._free(trial.number)) is not None:
                    return self._claimed(Trial(self.study, trial._trial_id), lock, resumed=True)
            if sum(trial.state != TrialState.WAITING for trial in trials) >= total:
                return None
            new = self.study.ask()
            lock = self._free(new.number)
            assert lock is not None  # nobody else has heard of it yet
            return self._claimed(new, lock, resumed=False)

    def _claimed(self, trial: Trial, lock: BaseFileLock, *, resumed: bool) -> Claim:
        self.space.suggest(trial)  # what was suggested before comes out again
        return Claim(trial, resumed, lock)

    def _free(self, number: int) -> BaseFileLock | None:
        """Return the lock of a trial, held; None where another process holds it."""
        lock = self.lock(f"{number:04d}")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def others_at_work(self) -> list[int]:
        """Return the trials that other processes work on."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        busy = []
        for trial in running:
            lock = self._free(trial.number)
            if lock is None:
                busy.append(trial.number)
            else:
                lock.release()
        return busy

    def finished(self) -> list[FrozenTrial]:
        """Return the trials that are over: whole, stopped early, or failed."""
        return self.study.get_trials(deepcopy=False, states=FINISHED)

    def best(self) -> FrozenTrial | None:
        """Return the best whole trial, the first of equals; None where there is none."""
        whole = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return min(whole, key=self._rank) if whole else None

    def start(self) -> FrozenTrial | None:
        """Return the trial of the starting recipe if it is whole."""
        whole = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return next((trial for trial in whole if trial.user_attrs.get("start")), None)

    def _rank(self, trial: FrozenTrial) -> tuple[float, int]:
        assert trial.value is not None
        return (-trial.value if self.maximise else trial.value, trial.number)

    def forget_all_but(self, kept: Iterable[int]) -> None:
        """Remove the states of finished trials: only those of the best and of the starting recipe are of use."""
        wanted = set(kept)
        for trial in self.finished():
            if trial.number not in wanted:
                self.run(trial.number).forget_checkpoints()
