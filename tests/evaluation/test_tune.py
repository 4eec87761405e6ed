"""A search from pictures to page: what it writes, that the best recipe is what it says, and who may go on with it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState
from tests.report.html_reader import read_html
from tests.training.folders import write_class_folders
from tests.training.tiny_training import BASE, DEEPER

from smearlab.errors import DataError, RecipeError, SplitError, TrainingError
from smearlab.evaluation.tune import TuneOptions, longest, tune
from smearlab.evaluation.tune_outcome import TuneOutcome, printed
from smearlab.pipeline import run
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.search_space import make_space

SHORT = ("split.train=0.5", "split.validation=0.2", "phases.0.epochs=2", "data.near_duplicates=false")
RECIPE = load_recipe(BASE, [*SHORT, DEEPER, "split.test=0.3", "robustness.pictures=0", "phases.0.learning_rate=1e-4"])
OPTIONS = TuneOptions(RECIPE, trials=6)
SPACE = make_space(
    "tiny.toml",
    {
        "phases.0.learning_rate": {"type": "float", "low": 1e-4, "high": 3e-2, "log": True},
        "loss.label_smoothing": {"type": "categorical", "choices": [0.0, 0.1]},
    },
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("cells"), per_class=14, size=24)


def search(data: Path, out: Path, options: TuneOptions = OPTIONS) -> TuneOutcome:
    found = tune(data, out, SPACE, options)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TuneOutcome:
    return search(data, tmp_path_factory.mktemp("tune") / "out")


def folder_of(outcome: TuneOutcome) -> Path:
    return outcome.work.search.folder


def test_it_finds_something_better_and_says_by_how_much(done: TuneOutcome) -> None:
    assert done.start is not None
    assert done.best.value is not None
    assert done.start.value is not None
    assert done.best.value > done.start.value
    tested = done.tested
    assert tested is not None
    figures = [json.loads(done.work.search.run(number).metrics.read_text()) for number in (0, done.best.number)]
    assert tested.pictures == figures[0]["n"]
    for name, one in tested.differences.items():
        assert one["value"] == pytest.approx(figures[1][name]["value"] - figures[0][name]["value"], abs=1e-9)
        assert one["low"] <= one["value"] <= one["high"]


def test_the_best_recipe_gives_the_best_trial_again(done: TuneOutcome, data: Path, tmp_path: Path) -> None:
    recipe = load_recipe(folder_of(done) / "best.toml")
    assert recipe.name == "tiny-tuned"
    assert recipe.phases[0].learning_rate == pytest.approx(done.best.params["phases.0.learning_rate"])
    again = run(data, recipe=folder_of(done) / "best.toml", out=tmp_path / "run")
    best = done.work.search.run(done.best.number)
    assert (again.model / "weights.safetensors").read_bytes() == (best.model / "weights.safetensors").read_bytes()


def test_tables_hold_every_trial(done: TuneOutcome) -> None:
    with (folder_of(done) / "trials.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [int(line["number"]) for line in lines] == list(range(6))
    content = json.loads((folder_of(done) / "tune.json").read_text(encoding="utf-8"))
    assert sum(content["trials"].values()) == 6
    assert float(lines[content["best"]["number"]]["value"]) == pytest.approx(content["best"]["value"], abs=1e-6)
    assert (folder_of(done) / content["best"]["folder"] / "report.html").is_file()
    assert content["space"] == SPACE.content()
    assert content["test"]["difference"].keys() == {"balanced_accuracy", "accuracy", "macro_f1"}


def test_importance_is_told_where_there_are_enough_whole_trials(done: TuneOutcome) -> None:
    if done.count(TrialState.COMPLETE) >= 4:
        assert set(done.importance) == set(SPACE.dimensions)
        assert sum(done.importance.values()) == pytest.approx(1)
    else:
        assert done.importance == {}


def test_the_page_shows_the_search(done: TuneOutcome) -> None:
    html = (folder_of(done) / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.mismatched
    assert [element.text for element in page.all("h2")][:2] == ["The best against the start", "The search"]
    assert "loss.label_smoothing" in html
    assert len(page.all("svg")) >= 3


def test_what_is_printed_names_the_best(done: TuneOutcome) -> None:
    text = printed(done)
    assert f"Best: trial {done.best.number}" in text
    assert "best − start" in text


@pytest.mark.slow
def test_more_trials_add_to_those_done(data: Path, tmp_path: Path, done: TuneOutcome) -> None:
    first = search(data, tmp_path / "out", replace(OPTIONS, trials=3))
    assert len(first.trials) == 3
    again = search(data, tmp_path / "out", replace(OPTIONS, recipe=None, trials=6))
    assert [(one.state, one.value, one.params) for one in again.trials] == [
        (one.state, one.value, one.params) for one in done.trials
    ]


@pytest.mark.slow
def test_a_start_outside_the_space_is_trained_by_itself(data: Path, tmp_path: Path) -> None:
    outside = load_recipe(RECIPE, ["loss.label_smoothing=0.05"])
    found = search(data, tmp_path / "out", replace(OPTIONS, recipe=outside, trials=2))
    assert found.start is None
    assert Run(tmp_path / "out" / "start").is_finished()
    assert found.tested is not None


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "direction"), [("loss", "minimise"), ("accuracy", "maximise")])
def test_other_metrics(metric: str, direction: str, data: Path, tmp_path: Path) -> None:
    found = search(data, tmp_path / "out", replace(OPTIONS, metric=metric, trials=2, pruner="none"))
    values = [one.value for one in found.trials if one.value is not None]
    assert found.best.value == (min(values) if metric == "loss" else max(values))
    assert json.loads((tmp_path / "out" / "tune.json").read_text())["direction"] == direction
    assert found.recipe.selection.metric == metric


@pytest.mark.slow
def test_several_processes_share_the_trials(data: Path, tmp_path: Path) -> None:
    found = search(data, tmp_path / "out", replace(OPTIONS, jobs=2, trials=5))
    assert [one.number for one in found.trials] == list(range(5))
    assert all(one.state.is_finished() for one in found.trials)


def test_the_longest_training_is_that_of_the_greatest_number_of_epochs() -> None:
    space = make_space("s", {"phases.0.epochs": {"type": "int", "low": 3, "high": 9}})
    assert longest(RECIPE, space) == 9
    assert longest(RECIPE, SPACE) == 2


class TestMistakes:
    def test_another_space_is_not_gone_on_with(self, done: TuneOutcome, data: Path) -> None:
        other = make_space("o", {"loss.label_smoothing": {"type": "categorical", "choices": [0.0, 0.2]}})
        with pytest.raises(TrainingError, match="another space"):
            tune(data, folder_of(done), other, OPTIONS)

    def test_another_recipe_is_not_gone_on_with(self, done: TuneOutcome, data: Path) -> None:
        with pytest.raises(TrainingError, match="differs in: seed"):
            tune(data, folder_of(done), SPACE, replace(OPTIONS, overrides=("seed=5",)))

    def test_a_folder_of_something_else_is_left_alone(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("dear")
        with pytest.raises(DataError, match=r"letter\.txt"):
            tune(data, tmp_path, SPACE, OPTIONS)
        with pytest.raises(DataError, match="is a file"):
            tune(data, tmp_path / "letter.txt", SPACE, OPTIONS)
        assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]

    def test_without_validation_pictures_nothing_can_be_chosen(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(SplitError, match=r"split\.validation above 0"):
            tune(data, tmp_path / "out", SPACE, replace(OPTIONS, overrides=("split.validation=0",)))

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (TuneOptions(trials=0), "--trials 0"),
            (TuneOptions(jobs=0), "--jobs 0"),
            (TuneOptions(timeout=0.0), "--timeout 0"),
            (TuneOptions(pruner="medain"), "Did you mean 'median'"),
        ],
    )
    def test_options_that_make_no_sense(self, options: TuneOptions, told: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=told):
            tune("demo", tmp_path / "out", SPACE, options)
        assert not (tmp_path / "out").exists()

    def test_a_metric_that_is_not_measured(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="needs a suite"):
            tune(data, tmp_path / "out", SPACE, replace(OPTIONS, metric="corrupted_accuracy"))

    def test_when_every_trial_fails_the_reason_is_told(self, data: Path, tmp_path: Path) -> None:
        broken = load_recipe(RECIPE, ["phases.0.optimiser=sgd", "phases.0.learning_rate=1e30"])
        space = make_space("s", {"loss.label_smoothing": {"type": "categorical", "choices": [0.0, 0.1]}})
        with pytest.raises(TrainingError, match=r"None of the 2 trials .* The last one: The loss is no"):
            tune(data, tmp_path / "out", space, replace(OPTIONS, recipe=broken, trials=2))
