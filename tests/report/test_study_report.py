"""The page of a study: differences with their signs, what was left out, and every recipe under its heading."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.html_reader import read_html

from smearlab.report.blocks import Table
from smearlab.report.estimates import Estimate
from smearlab.report.study_report import Difference, StudyReport, StudyRow, study_page, write_study_report
from smearlab.report.text import THIN

FIGURES = ("clean", "chain1", "group colour", "altered")


def row(title: str, section: str, value: float, gain: float | None = None, focus: str = "") -> StudyRow:
    figures = {name: Estimate(value, value - 0.02, value + 0.02) for name in FIGURES}
    differences = {} if gain is None else {name: Estimate(gain, gain - 0.02, gain + 0.02) for name in FIGURES}
    return StudyRow(title, section, figures, differences, focus, runs=3, seconds=65)


REPORT = StudyReport(
    title="Policies",
    description="Which policy holds up.",
    reference="ours",
    rows=(
        row("none", "Policies", 0.6, -0.3),
        row("ours", "Policies", 0.9),
        row("ours without colour", "A group left out", 0.85, -0.05, "group colour"),
    ),
    figures=FIGURES,
    main="altered",
    facts=(("Data", "pbc96"),),
    notes=("Each recipe was trained once.",),
)


@pytest.mark.parametrize(
    ("value", "text", "interval"),
    [
        (Difference(-0.05, -0.07, -0.03), f"↓{THIN}−5.0", "−7.0 to −3.0"),
        (Difference(0.05, 0.03, 0.07), f"↑{THIN}+5.0", "+3.0 to +7.0"),
        (Difference(0.01, -0.01, 0.03), "+1.0", "−1.0 to +3.0"),
        (Difference(float("nan")), "–", ""),
    ],
)
def test_differences_have_signs_and_arrows_where_they_are_sure(value: Difference, text: str, interval: str) -> None:
    assert (value.text(), value.interval()) == (text, interval)


def test_the_page_has_every_recipe_under_its_heading(tmp_path: Path) -> None:
    write_study_report(tmp_path / "report.html", REPORT)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.mismatched
    titles = [element.text for element in page.all("h2")]
    assert titles == ["At a glance", "Left out of training", "Policies", "A group left out", "To repeat it"]
    assert "Each recipe was trained once." in html
    assert len(page.all("svg")) == 4  # the mark at the top and three plots


def test_the_reference_has_no_difference_to_itself() -> None:
    page = study_page(REPORT)
    policies = next(section for section in page.sections if section.title == "Policies")
    tables = [block for block in policies.blocks if isinstance(block, Table)]
    assert [[cells[0] for cells in table.rows] for table in tables] == [["none", "ours"], ["none"]]


def test_without_anything_left_out_there_is_no_such_section() -> None:
    rows = [StudyRow(one.title, one.section, one.figures, one.differences) for one in REPORT.rows]
    page = study_page(StudyReport("T", "D", "ours", rows, FIGURES, "altered"))
    assert "Left out of training" not in [section.title for section in page.sections]


def test_a_figure_that_a_recipe_lacks_is_a_dash() -> None:
    lacking = StudyRow("bare", "Policies", {"clean": Estimate(0.5), "altered": Estimate(0.4)}, {})
    html = study_page(StudyReport("T", "D", "ours", [REPORT.rows[1], lacking], FIGURES, "altered")).html()
    assert ">–<" in html
