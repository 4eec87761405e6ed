"""What the page about a search is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from optuna.trial import TrialState

from smearlab.evaluation.facts import machine_facts
from smearlab.evaluation.words import group_notes
from smearlab.report.estimates import estimate
from smearlab.report.tune_plots import Axis, Measure, TrialPoint
from smearlab.report.tune_report import OnTest, TrialFacts, TuneReport, write_tune_report
from smearlab.training.recipe_io import recipe_toml
from smearlab.training.search_space import label, toml_text, value_at

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from smearlab.evaluation.tune_outcome import TuneOutcome
    from smearlab.training.search_space import Dimension, Value

_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_PRUNERS = {
    "median": "trials worse than half of the others at the same epoch",
    "hyperband": "by Hyperband, the worse part of each bracket",
    "none": "none",
}


def write_page(outcome: TuneOutcome) -> None:
    """Write ``report.html``.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    work = outcome.work
    base, search = work.base, work.search
    dimensions = search.space.dimensions
    seconds = {"trials": _seconds(outcome), "this call": outcome.seconds}
    report = TuneReport(
        data=outcome.prepared.cells.name,
        recipe=base.name,
        measure=Measure(base.selection.metric.replace("_", " "), search.maximise, search.maximise),
        axes=[_axis(key, one) for key, one in dimensions.items()],
        space={key: one.words() for key, one in dimensions.items()},
        trials=[_facts(trial, outcome) for trial in outcome.trials],
        start_texts={key: _text(value_at(base, key)) for key in dimensions},
        start_value=math.nan if outcome.start is None or outcome.start.value is None else outcome.start.value,
        importance=outcome.importance,
        tested=_tested(outcome),
        best_toml=recipe_toml(outcome.recipe),
        facts=_words(outcome),
        machine=machine_facts(
            seconds, device=_device(), seed=search.seed, precision=base.precision.mode, threads=torch.get_num_threads()
        ),
        notes=[*outcome.prepared.cells.notes, *outcome.notes, *_few_groups(outcome)],
    )
    write_tune_report(search.folder / "report.html", report)


def _few_groups(outcome: TuneOutcome) -> list[str]:
    cells, test = outcome.prepared.cells, outcome.prepared.split.test
    return [] if cells.groups is None or not len(test) else group_notes(cells.groups[test], "test")


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _seconds(outcome: TuneOutcome) -> float:
    return sum(float(trial.user_attrs.get("seconds", 0)) for trial in outcome.trials)


def _words(outcome: TuneOutcome) -> list[tuple[str, str]]:
    search, split = outcome.work.search, outcome.prepared.split
    shares = f"{len(split.train):,} to train, {len(split.validation):,} to validate, {len(split.test):,} to test"
    return [
        ("Data", outcome.prepared.cells.name),
        ("Pictures", shares),
        ("Space", search.space.name),
        ("Draws", f"TPE (Bergstra et al. 2011), seed {search.seed}"),
        ("Stopped early", _PRUNERS[search.pruner]),
    ]


def _axis(key: str, dimension: Dimension) -> Axis:
    return Axis(key, dimension.log, tuple(str(label(value)) for value in dimension.choices))


def _facts(trial: FrozenTrial, outcome: TuneOutcome) -> TrialFacts:
    curve = sorted(trial.intermediate_values.items())
    value = trial.value if trial.state == TrialState.COMPLETE else curve[-1][1] if curve else math.nan
    start = outcome.start is not None and trial.number == outcome.start.number
    state = _STATES.get(trial.state, "unfinished")
    best = trial.number == outcome.best.number
    return TrialFacts(
        point=TrialPoint(trial.number, state, _number(value), trial.params, curve, best, start),
        texts={key: _text(value) for key, value in trial.params.items()},
        epochs=len(curve),
        seconds=float(trial.user_attrs.get("seconds", 0)),
        reason=str(trial.user_attrs.get("reason", "")),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _text(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else toml_text(value)


def _tested(outcome: TuneOutcome) -> OnTest | None:
    tested = outcome.tested
    if tested is None:
        return None
    return OnTest(
        pictures=tested.pictures,
        start={name: estimate(figure) for name, figure in tested.start.items()},
        best={name: estimate(figure) for name, figure in tested.best.items()},
        differences={name: estimate(figure) for name, figure in tested.differences.items()},
        p_value=tested.p_value,
    )
