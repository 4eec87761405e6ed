"""The page of a search: trials of every state, keys of every kind, and what may honestly be said of the gain."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.report.html_reader import read_html

from smearlab.report.contents import Machine
from smearlab.report.estimates import Estimate
from smearlab.report.tune_plots import Axis, Measure, TrialPoint, importance_plot, parallel_plot, slice_plot
from smearlab.report.tune_report import OnTest, TrialFacts, TuneReport, tune_page, write_tune_report

AXES = (Axis("phases.0.learning_rate", log=True), Axis("augment.policy", choices=("light", "ours")))
MEASURE = Measure("balanced accuracy")


def trial(number: int, value: float, state: str = "complete", **more: bool) -> TrialFacts:
    values = {"phases.0.learning_rate": 10.0 ** -(number + 1), "augment.policy": ("light", "ours")[number % 2]}
    curve = [] if state == "failed" else [(1, value / 2), (2, value)]
    point = TrialPoint(number, state, value, values, curve, **more)
    reason = "The loss is no longer a number." if state == "failed" else ""
    return TrialFacts(point, {key: str(one) for key, one in values.items()}, len(curve), 12.0, reason)


def gained(gain: float) -> OnTest:
    names = ("balanced_accuracy", "accuracy")
    return OnTest(
        pictures=200,
        start=dict.fromkeys(names, Estimate(0.8, 0.75, 0.85)),
        best=dict.fromkeys(names, Estimate(0.8 + gain, 0.8, 0.9)),
        differences=dict.fromkeys(names, Estimate(gain, gain - 0.02, gain + 0.02)),
        p_value=0.01,
    )


REPORT = TuneReport(
    data="pbc96",
    recipe="quick",
    measure=MEASURE,
    axes=AXES,
    space={"phases.0.learning_rate": "0.0001 to 0.1, logarithmic", "augment.policy": "light, ours"},
    trials=(
        trial(0, 0.8, start=True),
        trial(1, 0.9, best=True),
        trial(2, 0.85),
        trial(3, 0.4, "pruned"),
        trial(4, math.nan, "failed"),
        trial(5, 0.3, "unfinished"),
    ),
    start_texts={"phases.0.learning_rate": "0.1", "augment.policy": "light"},
    start_value=0.8,
    importance={"augment.policy": 0.7, "phases.0.learning_rate": 0.3},
    tested=gained(0.05),
    best_toml='name = "quick-tuned"',
    facts=(("Data", "pbc96"),),
    machine=Machine("cpu", 2),
)


def html_of(report: TuneReport, folder: Path) -> str:
    write_tune_report(folder / "report.html", report)
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert not read_html(html).mismatched
    return html


def test_the_page_shows_trials_of_every_state(tmp_path: Path) -> None:
    html = html_of(REPORT, tmp_path)
    for words in ("not finished", "The loss is no longer a number.", "1 stopped early, 1 failed", "quick-tuned"):
        assert words in html
    assert len(read_html(html).all("svg")) >= 6


@pytest.mark.parametrize(
    ("gain", "words"),
    [(0.05, "is better than the start"), (-0.05, "is worse than the start"), (0.01, "could be chance")],
)
def test_the_gain_is_only_claimed_where_its_interval_says_so(gain: float, words: str, tmp_path: Path) -> None:
    assert words in html_of(replace(REPORT, tested=gained(gain)), tmp_path)


def test_where_the_start_is_the_best_nothing_is_claimed(tmp_path: Path) -> None:
    trials = (trial(0, 0.95, start=True, best=True), *(trial(number, 0.5) for number in (1, 2)))
    html = html_of(replace(REPORT, trials=trials, tested=None), tmp_path)
    assert "No trial did better" in html


def test_one_whole_trial_and_no_test_part_are_enough_for_a_page(tmp_path: Path) -> None:
    bare = replace(REPORT, trials=(trial(1, 0.9, best=True),), tested=None, importance={}, start_value=math.nan)
    html = html_of(bare, tmp_path)
    assert "There is no test part" in html
    assert "what mattered cannot be told" in html


def test_a_loss_is_no_percentage() -> None:
    loss = Measure("loss", as_percent=False, maximise=False)
    assert loss.text(0.5) == "0.5000"
    assert loss.text(math.nan) == "–"
    points = [one.point for one in REPORT.trials if one.point.state == "complete"]
    assert "<svg" in parallel_plot(AXES, points, loss).block().svg
    assert tune_page(replace(REPORT, measure=loss)).headline is not None


def test_axes_know_where_values_lie() -> None:
    rates, policies = AXES
    assert rates.scaled([1e-4, 1e-2, 1e-3]).tolist() == pytest.approx([0, 1, 0.5])
    assert rates.scaled([0.1, 0.1]).tolist() == [0.5, 0.5]
    assert policies.scaled(["ours", "light"]).tolist() == [1, 0]
    assert rates.short == "learning_rate"
    np.testing.assert_array_equal(policies.places(["light", "ours"]), [0, 1])


def test_plots_of_one_key_show_its_values() -> None:
    points = [one.point for one in REPORT.trials if one.point.state == "complete"]
    assert "ours" in slice_plot(AXES[1], points, MEASURE).block().svg
    assert "0.01" in slice_plot(AXES[0], points, MEASURE).block().svg
    assert "70 %" in importance_plot(REPORT.importance).block().svg
