"""A class without test pictures has no figures: dashes on the page, empty fields in the tables."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from smearlab.report import RunReport
from smearlab.report.run_report import write_run_report


def test_a_class_that_was_not_tested_has_dashes_and_empty_fields(report: RunReport, tmp_path: Path) -> None:
    result = report.results["test"]
    untested = {"precision": None, "recall": None, "f1": None, "support": 0}
    metrics = {**result.metrics, "per_class": {**result.metrics["per_class"], "basophil": untested}}
    write_run_report(tmp_path / "report.html", replace(report, results={"test": replace(result, metrics=metrics)}))
    rows = list(csv.reader((tmp_path / "per_class.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[1] == ["test", "basophil", "0", *[""] * 9]
    assert ">nan" not in (tmp_path / "report.html").read_text("utf-8").lower()
