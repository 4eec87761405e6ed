"""The table of findings: written and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from smearlab.audit.findings import Finding, Findings
from smearlab.audit.tables import read_findings, write_findings
from smearlab.errors import DataError


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "findings.csv"
    items = [
        Finding(7, "a,b.png", "near_duplicate", 0.9375, 3, "keep (first of 2 copies)"),
        Finding(3, 'say "cell".png', "label_error", 0.5, None, "relabel: monocyte"),
    ]
    write_findings(path, Findings.of(items))
    assert path.read_text().splitlines()[0] == "row,source,kind,score,partner,suggestion"
    assert read_findings(path) == Findings.of(items)


def test_no_findings_leave_a_header(tmp_path: Path) -> None:
    write_findings(tmp_path / "f.csv", Findings())
    assert len(read_findings(tmp_path / "f.csv")) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("row,kind\n1,2\n", "no table of findings"),
        ("row,source,kind,score,partner,suggestion\n1,a,odd,0.5,,x\n", "line 2"),
        ("row,source,kind,score,partner,suggestion\n1,a,off_topic,much,,x\n", "line 2"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError, match=told):
        read_findings(tmp_path / "f.csv")
