from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from smearlab.report import EvaluationReport, RunReport, write_evaluation_report

from .html_reader import read_html


def evaluation(report: RunReport) -> EvaluationReport:
    data = replace(report.data, name="other_lab", counts={"pictures": [20] * 8}, split="", leakage="")
    return EvaluationReport(
        "runs/cells",
        data,
        report.results["test"],
        report.model,
        report.machine,
        report.mistakes,
        5,
        ("A class is unknown.",),
    )


def test_page_and_csv(report: RunReport, tmp_path: Path) -> None:
    write_evaluation_report(tmp_path / "report.html", evaluation(report))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    reader = read_html(html)
    assert not reader.mismatched
    titles = [element.text for element in reader.all("h2")]
    assert titles == ["Results", "Mistakes", "Cells", "Data", "Model", "Use it", "To repeat it"]
    for text in (
        "Evaluation report",
        "Balanced accuracy on other_lab",
        "A class is unknown.",
        "160 pictures of 8 cell types",
    ):
        assert text in html, text
    assert (tmp_path / "figures.csv").read_text(encoding="utf-8").count("evaluation,") == 7
    assert (tmp_path / "confusion_evaluation.csv").exists()


def test_one_part_needs_no_table_of_parts_and_no_training(report: RunReport, tmp_path: Path) -> None:
    write_evaluation_report(tmp_path / "report.html", evaluation(report))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "All figures" not in html
    assert "Loss" not in html
