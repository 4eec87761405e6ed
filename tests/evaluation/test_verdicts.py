"""Verdicts follow from intervals: nothing is said where there is doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smearlab.evaluation.studies.confusions import confusions
from smearlab.evaluation.studies.outcome import Measured
from smearlab.evaluation.studies.plan import Cell, Study
from smearlab.evaluation.studies.system_outcome import SystemOutcome, SystemRow, differences
from smearlab.evaluation.studies.verdicts import Expected, Finding, as_json, from_json, judge, judge_all, verdict_of
from smearlab.metrics.intervals import Interval
from smearlab.metrics.repeats import picture_weights


@pytest.mark.parametrize(
    ("expected", "low", "high", "verdict"),
    [
        ("more", 0.01, 0.05, "held"),
        ("more", -0.01, 0.05, "undecided"),
        ("more", -0.05, -0.01, "did not hold"),
        ("less", -0.05, -0.01, "held"),
        ("less", 0.01, 0.05, "did not hold"),
        ("less", -0.05, 0.01, "undecided"),
        ("no gain", -0.3, 0.01, "held"),
        ("no gain", 0.005, 0.015, "held"),  # a gain beyond doubt, but of less than two points
        ("no gain", -0.01, 0.03, "undecided"),
        ("no gain", 0.01, 0.05, "did not hold"),
        ("alike", -0.015, 0.015, "held"),
        ("alike", -0.3, -0.1, "did not hold"),
        ("alike", 0.1, 0.3, "did not hold"),
        ("alike", -0.05, 0.01, "undecided"),
        ("no gain", 0.0, 0.0, "undecided"),  # the very same answers: nothing was compared
    ],
)
def test_a_verdict_needs_an_interval_without_doubt(expected: Expected, low: float, high: float, verdict: str) -> None:
    assert verdict_of(expected, Interval(value=(low + high) / 2, low=low, high=high)) == verdict


def measured(value: float, spread: float = 0.01, seeds: tuple[int, ...] = (1, 2)) -> Measured:
    rng = np.random.default_rng(0)
    return Measured({"chain": np.full((len(seeds), 201), value) + spread * rng.normal(size=201)}, list(seeds), 1.0)


def outcome_of(rows: dict[str, Measured]) -> SystemOutcome:
    cells = tuple(Cell(name, name, "") for name in ("better", "worse", "absent"))
    study = Study("tiny", "Tiny", "", "better", cells, systems=True)
    lines = tuple(SystemRow(cell, "quick", {}, scratch=cell.name == "worse") for cell in cells)
    return SystemOutcome(study, "small", lines, ("a", "b"), (), rows)


def finding(*pairs: tuple[str, str], expected: Expected = "more", study: str = "tiny") -> Finding:
    return Finding("one", "team", "Better is better.", study, pairs, "chain", expected)


def test_the_difference_is_paired() -> None:
    """Both rows swing alike with the pictures that are drawn, so that their difference is sure."""
    outcome = outcome_of({"better": measured(0.52), "worse": measured(0.5)})
    judged = judge(finding(("better", "worse")), outcome)
    assert judged.verdict == "held"
    assert judged.difference is not None
    assert judged.difference.low == pytest.approx(0.02, abs=1e-6)
    assert judged.scratch


def test_a_stand_in_serves_where_rows_have_no_figures() -> None:
    outcome = outcome_of({"better": measured(0.5), "worse": measured(0.6)})
    judged = judge(finding(("absent", "worse"), ("better", "worse")), outcome)
    assert (judged.verdict, judged.pair) == ("did not hold", ("better", "worse"))
    assert judge(finding(("absent", "worse")), outcome).verdict == "not measured"


def test_only_trainings_that_both_rows_have_are_compared() -> None:
    first, second = measured(0.5, seeds=(1, 2, 3)), measured(0.6, seeds=(2, 4))
    assert differences(first, second)["chain"].value == pytest.approx(0.1)
    assert differences(measured(0.5, seeds=(1,)), measured(0.6, seeds=(2,))) == {}


def test_findings_of_other_studies_are_left_alone_and_stored_ones_come_back() -> None:
    outcome = outcome_of({"better": measured(0.52), "worse": measured(0.5)})
    mine = finding(("better", "worse"))
    judged = judge_all([mine, finding(("better", "worse"), study="other")], outcome)
    assert [one.finding for one in judged] == [mine]
    back = from_json(mine, as_json(judged)[0])
    assert (back.verdict, back.pair, back.scratch) == ("held", ("better", "worse"), True)
    assert from_json(mine, {}).verdict == "not measured"


class TestConfusions:
    NAMES = ("a", "immature_granulocyte", "monocyte", "neutrophil")

    def figures(self, named: list[int], labels: list[int]) -> dict[str, float]:
        true = np.array(labels)
        found = confusions(np.array(named), true, self.NAMES, picture_weights(true, 0, 20))
        return {name: float(values[0]) for name, values in found.items()}

    def test_nothing_is_above_chance_where_all_is_right(self) -> None:
        assert set(self.figures([0, 1, 2, 3], [0, 1, 2, 3]).values()) == {0.0}

    def test_reading_monocytes_and_neutrophils_as_granulocytes_is_seen(self) -> None:
        found = self.figures([1, 2, 1, 3], [2, 2, 3, 3])
        assert found["5 and 6 read as 3"] == pytest.approx(0.5)
        assert found["3 and 5 confused"] == pytest.approx(0.25)  # half the monocytes, no granulocyte there

    def test_errors_spread_over_all_classes_are_no_confusion(self) -> None:
        assert self.figures([1, 0, 3], [2, 2, 2])["3 and 5 confused"] == pytest.approx(0.0, abs=1e-9)

    def test_data_of_other_classes_has_no_such_figures(self) -> None:
        labels = np.array([0, 1])
        assert confusions(labels, labels, ("a", "b"), picture_weights(labels, 0, 5)) == {}


def test_what_is_stated_of_every_row_needs_all_of_them() -> None:
    outcome = outcome_of({"better": measured(0.52), "worse": measured(0.5)})
    pairs = (("better", "worse"), ("worse", "better"), ("absent", "worse"))
    stated = replace(finding(*pairs), every=True)
    assert judge(replace(stated, pairs=pairs[:1]), outcome).verdict == "held"
    judged = judge(stated, outcome)
    assert (judged.verdict, judged.pair) == ("did not hold", ("worse", "better"))
    assert judge(replace(stated, pairs=pairs[2:]), outcome).verdict == "not measured"
