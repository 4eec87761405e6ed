"""The page of a study of systems: reported beside measured, why rows are missing, verdicts, curves, classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.html_reader import read_html

from smearlab.report.estimates import Estimate
from smearlab.report.study_curves import system_curves
from smearlab.report.study_systems import (
    SystemLine,
    SystemReport,
    VerdictLine,
    local_text,
    system_report_page,
    write_system_report,
)
from smearlab.report.text import THIN

CLASSES = {"monocyte": {"precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 20.0}}


def epochs(count: int, start: float) -> list[dict[str, Any]]:
    return [
        {
            "epoch": number + 1,
            "phase": "transfer" if number < 2 else "fine-tune",
            "validation_loss": start / (number + 1),
            "validation_macro_f1": 1 - 0.5 / (number + 1),
        }
        for number in range(count)
    ]


def line(title: str, value: float, **more: Any) -> SystemLine:
    figures = {name: Estimate(value, value - 0.02, value + 0.02) for name in ("clean", "chain", "bloodmnist-c")}
    given: dict[str, Any] = {
        "history": epochs(4, value),
        "per_class": CLASSES,
        "altered": CLASSES,
        "epochs": 4,
        "seconds": 65.0,
    }
    return SystemLine(title, "As reported", {"macro_f1": 0.9678, "online": 0.65}, **(given | more), figures=figures)


REPORT = SystemReport(
    title="Team M2G: extractors",
    description="Which network extracts best.",
    reference="ours: robust",
    lines=(
        line("vgg16", 0.7, reported_parameters=14_714_688, parameters=14_780_000, mark="from scratch"),
        SystemLine(
            "resnet50", "As reported", {}, missing="The pretrained weights of resnet50 could not be downloaded."
        ),
        line("ours: robust", 0.9, differences={}),
    ),
    verdicts=(
        VerdictLine(
            "VGG16 is best.", "rookie", "did not hold", "vgg16 against robust: clean", Estimate(-0.2, -0.3, -0.1)
        ),
        VerdictLine("Nobody knows.", "m2g", "not measured"),
    ),
    facts=(("Data", "pbc96"),),
)


def test_the_page_has_all_parts(tmp_path: Path) -> None:
    write_system_report(tmp_path / "report.html", REPORT)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.mismatched
    assert [element.text for element in page.all("h2")] == [
        *("Reported and measured", "At a glance", "What the teams found", "How they learned", "Class by class"),
        "To repeat it",
    ]
    assert "vgg16 (from scratch)" in html
    assert f"(reported 14.7{THIN}M)" in html
    assert "could not be downloaded" in html
    assert "↓ did not hold" in html
    assert len(page.all("svg")) == 3  # the mark at the top, the bars, the curves


def test_rows_without_figures_are_neither_drawn_nor_compared() -> None:
    html = system_report_page(REPORT).html()
    drawn = html[html.index("At a glance") : html.index("What the teams found")]
    assert "resnet50" not in drawn


def test_a_study_none_of_whose_rows_could_be_run_has_a_page() -> None:
    absent = SystemReport("T", "D", "ours", [SystemLine("a", "S", {}, missing="No room.")])
    html = system_report_page(absent).html()
    assert "No room." in html
    assert "How they learned" not in html


@pytest.mark.parametrize(
    ("reported", "text"),
    [
        ({"macro_f1": 0.9678, "online": 0.65}, f"96.8{THIN}% macro F1"),
        ({"online": 0.65}, "–"),
        ({}, "–"),
    ],
)
def test_the_local_figure_is_named(reported: dict[str, float], text: str) -> None:
    assert local_text(reported) == text


class TestCurves:
    def test_all_systems_are_in_one_figure(self) -> None:
        plot = system_curves({f"network {number}": epochs(3 + number, 1.0) for number in range(9)})
        one = system_curves({"one": epochs(3, 1.0)})
        assert plot is not None
        assert one is not None
        assert all(plot.alt.count(f"network {number} ") == 2 for number in range(9))
        assert str(plot.block().svg).count("<path") > 18
        assert plot.height > one.height

    def test_a_figure_that_no_history_has_is_left_out(self) -> None:
        plot = system_curves({"one": [{"epoch": 1, "phase": "train", "validation_loss": 0.5}]})
        assert plot is not None
        assert "F1 at the end" not in plot.alt
        assert system_curves({"one": [{"epoch": 1, "phase": "train"}]}) is None
