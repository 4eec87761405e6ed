"""What a search found: the best recipe, what mattered, and the best beside the starting recipe on the test part."""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from smearlab.data.atomic import write_json, write_text
from smearlab.errors import TrainingError
from smearlab.evaluation.compare import FIGURES, read_answers
from smearlab.evaluation.evaluate_run import evaluate_run
from smearlab.evaluation.tune_page import write_page
from smearlab.metrics import paired_difference
from smearlab.training.recipe import ReportedConfig
from smearlab.training.recipe_io import load_recipe, save_recipe
from smearlab.training.run_folder import Run
from smearlab.training.train import initial_network, train_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from optuna.trial import FrozenTrial

    from smearlab.training.preparation import Prepared
    from smearlab.training.recipe import Recipe
    from smearlab.training.search_study import Search
    from smearlab.training.tuning import SearchWork

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
}
PAIRED: tuple[Literal["balanced_accuracy", "accuracy", "macro_f1"], ...] = ("balanced_accuracy", "accuracy", "macro_f1")
_FEWEST = 4  # whole trials from which importance is told


@dataclass(frozen=True)
class TestedBest:
    """The best and the starting recipe on the test part.

    Attributes:
        pictures: how many.
        start: figure to ``{value, low, high}``.
        best: the same.
        differences: figure to the best minus the start, paired over pictures.
        p_value: of McNemar's exact test.
    """

    pictures: int
    start: dict[str, Any]
    best: dict[str, Any]
    differences: dict[str, dict[str, float]]
    p_value: float


@dataclass(frozen=True, eq=False)
class TuneOutcome:
    """What a search found.

    Attributes:
        work: the search.
        prepared: its pictures.
        trials: all of them, by number.
        best: the best.
        start: the trial of the starting recipe; None where that lies outside the space.
        recipe: the best recipe.
        importance: key to share of the variance between whole trials, the greatest first; empty where unknown.
        tested: None where there is no test part, or where the starting recipe is the best.
        notes: what a reader should know.
        seconds: of this call.
    """

    work: SearchWork
    prepared: Prepared
    trials: list[FrozenTrial]
    best: FrozenTrial
    start: FrozenTrial | None
    recipe: Recipe
    importance: dict[str, float]
    tested: TestedBest | None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, state: TrialState) -> int:
        """Return how many trials ended like this."""
        return sum(trial.state == state for trial in self.trials)


def conclude(work: SearchWork, prepared: Prepared, notes: Sequence[str], seconds: float) -> TuneOutcome:
    """Measure the best trial and the starting recipe, and write all files of a search.

    Args:
        work: the search, whose trials are over.
        prepared: its pictures.
        notes: what a reader should know.
        seconds: that the call has taken so far.

    Raises:
        TrainingError: no trial came to its end.
        TrainingInterrupted: the user stopped it.
    """
    search = work.search
    best, start = search.best(), search.start()
    if best is None:
        raise TrainingError(_nothing(search))
    recipe = best_recipe(work, best)
    save_recipe(recipe, search.folder / "best.toml")
    tested = None
    if start is None or start.number != best.number:
        first = Run(search.folder / "start") if start is None else search.run(start.number)
        _measured(first, work.base if start is None else work.recipe_of(start), prepared)
        _measured(search.run(best.number), work.recipe_of(best), prepared)
        if len(prepared.split.test):
            tested = compare_runs(first, search.run(best.number), work.base.seed)
    trials = [trial for trial in search.study.get_trials(deepcopy=False) if trial.state in STATES]
    outcome = TuneOutcome(
        work, prepared, trials, best, start, recipe, importance_of(search), tested, list(notes), seconds
    )
    write_outcome(outcome)
    return outcome


def _nothing(search: Search) -> str:
    reasons = [trial.user_attrs["reason"] for trial in search.finished() if "reason" in trial.user_attrs]
    why = f" The last one: {reasons[-1]}" if reasons else " Give it more time or more trials."
    return f"None of the {len(search.finished())} trials came to its end.{why}"


def best_recipe(work: SearchWork, best: FrozenTrial) -> Recipe:
    """Return the recipe of the best trial, under a name of its own."""
    found, base = work.recipe_of(best), work.base
    name = base.name if base.name.endswith("-tuned") else f"{base.name}-tuned"
    metric = base.selection.metric.replace("_", " ")
    words = f"Trial {best.number} of a search from {base.name}: {metric} {best.value:.4f} on validation."
    return found.model_copy(update={"name": name, "description": words, "reported": ReportedConfig()})


def _measured(run: Run, recipe: Recipe, prepared: Prepared) -> None:
    """Finish a trial's run: model, figures, report; its training is not done again where its last state is there."""
    if run.is_finished():
        return
    run.start(recipe)
    prepared.save(run)
    network = initial_network(recipe, len(prepared.cells.class_names))
    trained = train_model(network, prepared.cells, prepared.split, load_recipe(run.recipe), run)
    assert trained is not None  # a search never is a helper of a distributed run
    evaluate_run(run, prepared, trained, {})


def compare_runs(first: Run, second: Run, seed: int) -> TestedBest:
    """Compare two finished runs on their test part, paired over pictures."""
    before, after = read_answers(first.path), read_answers(second.path)
    rows = sorted(before.labels)
    names = before.class_names
    labels = np.array([names.index(before.labels[row]) for row in rows], dtype=np.int64)
    old, new = (np.stack([one.probabilities[row] for row in rows]).argmax(1) for one in (before, after))
    paired = {name: paired_difference(labels, old, new, metric=name, seed=seed) for name in PAIRED}
    start, best = (json.loads(run.metrics.read_text(encoding="utf-8")) for run in (first, second))
    return TestedBest(
        pictures=len(rows),
        start={name: start[name] for name in FIGURES},
        best={name: best[name] for name in FIGURES},
        differences={name: one.difference.model_dump() for name, one in paired.items()},
        p_value=paired["accuracy"].mcnemar.p_value,
    )


def importance_of(search: Search) -> dict[str, float]:
    """Return how much of the variance between whole trials each key explains (fANOVA, Hutter et al. 2014)."""
    whole = [trial.value for trial in search.finished() if trial.state == TrialState.COMPLETE]
    if len(whole) < _FEWEST or len(set(whole)) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = get_param_importances(search.study, evaluator=FanovaImportanceEvaluator(seed=search.seed % 2**32))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def write_outcome(outcome: TuneOutcome) -> None:
    """Write ``trials.csv``, ``tune.json`` and ``report.html``, each atomically."""
    folder = outcome.work.search.folder
    write_text(folder / "trials.csv", trials_csv(outcome))
    write_json(folder / "tune.json", content_of(outcome))
    write_page(outcome)


def trials_csv(outcome: TuneOutcome) -> str:
    """Return a line for each trial: number, state, value, epochs, seconds, what was tried, why it failed."""
    keys = list(outcome.work.search.space.dimensions)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["number", "state", "value", "epochs", "seconds", *keys, "reason"])
    for trial in outcome.trials:
        value = "" if trial.value is None else f"{trial.value:.6f}"
        tried = [trial.params.get(key, "") for key in keys]
        seconds, reason = trial.user_attrs.get("seconds", ""), trial.user_attrs.get("reason", "")
        epochs = len(trial.intermediate_values)
        writer.writerow([trial.number, STATES[trial.state], value, epochs, seconds, *tried, reason])
    return buffer.getvalue()


def content_of(outcome: TuneOutcome) -> dict[str, Any]:
    """Return the contents of ``tune.json``."""
    work, search, tested = outcome.work, outcome.work.search, outcome.tested
    return {
        "data": outcome.prepared.cells.name,
        "recipe": work.base.name,
        "metric": work.base.selection.metric,
        "direction": "maximise" if search.maximise else "minimise",
        "seed": search.seed,
        "pruner": search.pruner,
        "space": search.space.content(),
        "trials": {name: outcome.count(state) for state, name in STATES.items()},
        "best": _trial_content(outcome.best, search),
        "start": None if outcome.start is None else _trial_content(outcome.start, search),
        "importance": outcome.importance,
        "test": None
        if tested is None
        else {
            "pictures": tested.pictures,
            "start": tested.start,
            "best": tested.best,
            "difference": tested.differences,
            "p_value": tested.p_value,
        },
        "notes": outcome.notes,
        "seconds": sum(float(trial.user_attrs.get("seconds", 0)) for trial in outcome.trials),
    }


def _trial_content(trial: FrozenTrial, search: Search) -> dict[str, Any]:
    return {
        "number": trial.number,
        "value": trial.value,
        "params": trial.params,
        "best_epoch": trial.user_attrs.get("best_epoch"),
        "folder": search.run(trial.number).path.relative_to(search.folder).as_posix(),
    }


def printed(outcome: TuneOutcome) -> str:
    """Return what was found in a few lines for the terminal."""
    metric = outcome.work.base.selection.metric.replace("_", " ")
    counts = {name: outcome.count(state) for state, name in STATES.items() if outcome.count(state)}
    lines = [f"{len(outcome.trials)} trials: {', '.join(f'{number} {name}' for name, number in counts.items())}."]
    lines.append(f"Best: trial {outcome.best.number}, {metric} {outcome.best.value:.4f} on validation.")
    if outcome.start is not None:
        lines.append(f"Start: {metric} {outcome.start.value:.4f} on validation.")
    lines += [f"  {key} = {value}" for key, value in outcome.best.params.items()]
    if outcome.tested is not None:
        gain = outcome.tested.differences["balanced_accuracy"]
        interval = f"{gain['value']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
        lines.append(f"Balanced accuracy on {outcome.tested.pictures:,} test pictures, best − start: {interval}")
    return "\n".join(lines)
