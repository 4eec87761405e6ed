"""Trials of a search: the same ones however often it is stopped, none done twice, none left behind, none fatal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState
from tests.training.tiny_training import tiny_cells, tiny_recipe

from smearlab.errors import RecipeError, TrainingError, TrainingInterrupted
from smearlab.training import tuning
from smearlab.training.job import FitResult
from smearlab.training.preparation import Prepared, prepare
from smearlab.training.recipe import Recipe
from smearlab.training.search_space import make_space
from smearlab.training.search_study import Search
from smearlab.training.state import Progress
from smearlab.training.tuning import OutOfTime, SearchWork, Watch, do_trials

EPOCHS = 6
BASE = tiny_recipe("split.train=0.6", "split.validation=0.2", f"phases.0.epochs={EPOCHS}", "data.near_duplicates=false")
SPACE = make_space(
    "s.toml",
    {
        "phases.0.learning_rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
        "loss.label_smoothing": {"type": "float", "low": 0, "high": 0.2, "step": 0.05},
        "phases.0.batch_size": {"type": "categorical", "choices": [8, 16]},
    },
)
CELLS = tiny_cells(20)
Told = list[tuple[int, str, float | None, dict[str, Any]]]


def search_in(folder: Path, **changed: Any) -> Search:
    folder.mkdir(exist_ok=True)
    return replace(Search(folder, SPACE, seed=0, pruner="median", epochs=EPOCHS, maximise=True), **changed)


def work_on(search: Search, trials: int, base: Recipe = BASE) -> SearchWork:
    return SearchWork(search, base, CELLS, trials)


def told(search: Search) -> Told:
    return [(one.number, one.state.name, one.value, dict(one.params)) for one in search.study.get_trials()]


class Pretended:
    """Stands in for a training: its accuracy is a function of what is tried, and it may be interrupted."""

    def __init__(self, *, fails: Callable[[int, int], BaseException | None] = lambda number, epoch: None) -> None:
        self.fails = fails
        self.begun: list[int] = []

    def __call__(self, work: SearchWork, prepared: Prepared, trial: Any, watch: Watch) -> FitResult:
        self.begun.append(trial.number)
        recipe = work.recipe_of(trial)
        watch.planned = EPOCHS
        watch.run.start(recipe)
        watch.run.checkpoints.mkdir(exist_ok=True)
        goal = 1 - abs(np.log10(recipe.phases[0].learning_rate) + 2) / 2 - recipe.loss.label_smoothing
        rows: list[dict[str, Any]] = []
        for epoch in range(1, EPOCHS + 1):
            error = self.fails(trial.number, epoch)
            if error is not None:
                raise error
            rows.append({"epoch": epoch, "validation_balanced_accuracy": goal * epoch / EPOCHS})
            watch(rows)
        return FitResult({}, Progress(history=rows, best_epoch=EPOCHS))


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(CELLS, BASE)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    stand_in = Pretended()
    monkeypatch.setattr(tuning, "_train", stand_in)
    return stand_in


def test_the_first_trial_is_the_starting_recipe(tmp_path: Path, prepared: Prepared, pretended: Pretended) -> None:
    search = search_in(tmp_path)
    search.begin_with(SPACE.labels_of(BASE))
    search.begin_with(SPACE.labels_of(BASE))  # a second process, or the same command again
    assert do_trials(work_on(search, 3), prepared) == 3
    first, second, _ = search.study.get_trials()
    assert first.params == SPACE.labels_of(BASE)
    assert second.params != first.params
    start = search.start()
    assert start is not None
    assert start.number == 0


def test_the_best_is_found_and_only_its_state_and_the_starts_are_kept(
    tmp_path: Path, prepared: Prepared, pretended: Pretended
) -> None:
    search = search_in(tmp_path, pruner="none")
    search.begin_with(SPACE.labels_of(BASE))
    do_trials(work_on(search, 25), prepared)
    best = search.best()
    assert best is not None
    assert best.value == max(one.value for one in search.finished() if one.value is not None)
    assert best.value > 0.9
    kept = [one.number for one in search.finished() if search.run(one.number).checkpoints.is_dir()]
    assert sorted({0, best.number}) == kept


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_stopped_searches_do_the_same_trials(
    pruner: str, tmp_path: Path, prepared: Prepared, pretended: Pretended
) -> None:
    whole = search_in(tmp_path / "whole", pruner=pruner)
    do_trials(work_on(whole, 20), prepared)
    assert {state for _, state, *_ in told(whole)} == {"COMPLETE", "PRUNED"}
    for trials in (3, 11, 15, 20):
        do_trials(work_on(search_in(tmp_path / "parts", pruner=pruner), trials), prepared)
    assert told(search_in(tmp_path / "parts")) == told(whole)


def test_another_seed_does_others(tmp_path: Path, prepared: Prepared, pretended: Pretended) -> None:
    searches = [search_in(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    for search in searches:
        do_trials(work_on(search, 4), prepared)
    assert told(searches[0]) != told(searches[1])


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), TrainingInterrupted("stopped"), SystemExit()])
def test_a_trial_that_was_left_behind_goes_on_as_it_was(
    stop: BaseException, tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_train", Pretended())
    whole = search_in(tmp_path / "whole")
    do_trials(work_on(whole, 14), prepared)
    stopping = Pretended(fails=lambda number, epoch: stop if (number, epoch) == (12, 3) else None)
    monkeypatch.setattr(tuning, "_train", stopping)
    with pytest.raises(type(stop)):
        do_trials(work_on(search_in(tmp_path / "parts"), 14), prepared)
    assert told(search_in(tmp_path / "parts"))[-1][:2] == (12, "RUNNING")
    again = Pretended()
    monkeypatch.setattr(tuning, "_train", again)
    parts = search_in(tmp_path / "parts")
    assert do_trials(work_on(parts, 14), prepared) == 2
    assert again.begun == [12, 13]
    assert told(parts) == told(whole)


@pytest.mark.parametrize("error", [TrainingError("The loss is\nno number."), RecipeError("x"), RuntimeError("memory")])
def test_a_failed_trial_does_not_stop_the_rest(
    error: Exception, tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_train", Pretended(fails=lambda number, epoch: error if number == 1 else None))
    search = search_in(tmp_path, pruner="none")
    assert do_trials(work_on(search, 4), prepared) == 4
    states = [one.state for one in search.study.get_trials()]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
    assert search.study.get_trials()[1].user_attrs["reason"] == " ".join(str(error).split())


def test_several_processes_never_do_a_trial_twice_nor_too_many(tmp_path: Path, prepared: Prepared) -> None:
    searches = [search_in(tmp_path) for _ in range(4)]
    for search in searches:
        assert search.study is not None

    def claims_of(search: Search) -> list[int]:
        numbers = []
        while (claim := search.claim(14)) is not None:
            numbers.append(claim.trial.number)
            search.study.tell(claim.trial, 0.5)
            claim.give_back()
        return numbers

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(claims_of, searches))
    assert sorted(number for numbers in found for number in numbers) == list(range(14))


def test_a_trial_that_is_worked_on_is_not_taken(tmp_path: Path) -> None:
    one, other = search_in(tmp_path), search_in(tmp_path)
    first = one.claim(9)
    second = other.claim(9)
    assert first is not None
    assert second is not None
    assert (first.trial.number, second.trial.number, second.resumed) == (0, 1, False)
    assert one.others_at_work() == [0, 1]
    first.give_back()
    taken = other.claim(9)
    assert taken is not None
    assert (taken.trial.number, taken.resumed) == (0, True)
    assert taken.trial.params == first.trial.params


def test_when_time_is_over_the_trial_waits(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Pretended(fails=lambda number, epoch: OutOfTime() if (number, epoch) == (2, 2) else None)
    monkeypatch.setattr(tuning, "_train", late)
    search = search_in(tmp_path)
    assert do_trials(work_on(search, 9), prepared) == 2
    assert told(search)[2][1] == "RUNNING"
    assert do_trials(replace(work_on(search, 9), deadline=0.0), prepared) == 0


def test_a_loss_is_made_small(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny_recipe("split.train=0.6", "split.validation=0.2", "selection.metric=loss")
    row = {"epoch": 1, "validation_loss": 0.7, "validation_balanced_accuracy": 0.1}
    assert tuning.metric_of(row, base) == 0.7
    search = search_in(tmp_path, maximise=False)
    for value in (0.5, 0.2, 0.4):
        claim = search.claim(3)
        assert claim is not None
        search.study.tell(claim.trial, value)
        claim.give_back()
    best = search.best()
    assert best is not None
    assert best.value == 0.2


class TestRealTraining:
    """With networks that learn."""

    def test_values_are_those_of_the_kept_epoch_and_test_pictures_play_no_part(
        self, tmp_path: Path, prepared: Prepared
    ) -> None:
        base = tiny_recipe("split.train=0.6", "split.validation=0.2", "data.near_duplicates=false")
        search = search_in(tmp_path / "a", epochs=2)
        do_trials(work_on(search, 2, base), prepared)
        garbled = np.array(CELLS.images)
        garbled[prepared.split.test] = 0
        other = search_in(tmp_path / "b", epochs=2)
        do_trials(work_on(other, 2, base), replace(prepared, cells=replace(CELLS, images=garbled)))
        assert told(search) == told(other)
        for number, state, value, _ in told(search):
            rows = search.run(number).read_history()
            assert state == "COMPLETE"
            assert value == max(row["validation_balanced_accuracy"] for row in rows)

    @pytest.mark.slow
    def test_a_loss_that_is_no_number_fails_alone(self, tmp_path: Path, prepared: Prepared) -> None:
        space = make_space("s.toml", {"phases.0.learning_rate": {"type": "categorical", "choices": [0.01, 1e30]}})
        base = tiny_recipe(
            *("split.train=0.6", "split.validation=0.2", "phases.0.optimiser=sgd", "data.near_duplicates=false")
        )
        search = search_in(tmp_path, space=space, epochs=2)
        do_trials(work_on(search, 6, base), prepared)
        by_rate = {one.params["phases.0.learning_rate"]: one for one in search.finished()}
        assert by_rate[0.01].state == TrialState.COMPLETE
        assert by_rate[1e30].state == TrialState.FAIL
        assert "The loss is no longer a number in epoch 1" in by_rate[1e30].user_attrs["reason"]
