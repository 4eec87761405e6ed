"""The audit as a whole: what it writes, refuses and says; what finds things is tested by itself."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.audit.collections import write_folder

from smearlab.__main__ import main
from smearlab.audit.audit import audit, copy_groups, first_rows
from smearlab.audit.folder import FILES, QUALITY
from smearlab.audit.manifest import Manifest
from smearlab.audit.tables import read_findings
from smearlab.data.read import read
from smearlab.errors import DataError, MissingExtraError

NOT_IN_THE_CORE = ("torch", "torchvision", "timm", "sklearn", "scipy", "skimage", "matplotlib", "cleanlab", "pyarrow")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Drawings to compare with cost seconds, and what they are for is tested by itself.
    monkeypatch.setattr("smearlab.audit.features.DRAWN", 64)
    monkeypatch.setattr("smearlab.audit.features.STRANGE", 8)


@pytest.fixture
def data() -> Path:
    """Class folders with an exact copy, a conflicting pair, a blank picture and a damaged file."""
    folder = write_folder(Path("cells"))
    (folder / "monocyte" / "copy.png").write_bytes((folder / "monocyte" / "0.png").read_bytes())
    (folder / "neutrophil" / "other.png").write_bytes((folder / "monocyte" / "2.png").read_bytes())
    (folder / "neutrophil" / "damaged.png").write_bytes(b"damaged")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_quick_audit_writes_its_files_and_touches_nothing_else(data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    found = audit(data, "out", quick=True)
    assert {path.name for path in Path("out").iterdir()} == set(FILES) - {QUALITY}
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert not list(Path().glob(".tmp-*"))
    kinds = {(one.kind, one.source) for one in read_findings(Path("out/findings.csv"))}
    assert {
        ("exact_duplicate", "monocyte/0.png"),
        ("exact_duplicate", "monocyte/copy.png"),
        ("conflicting_duplicate", "monocyte/2.png"),
        ("conflicting_duplicate", "neutrophil/other.png"),
        ("unreadable", "neutrophil/damaged.png"),
    } <= kinds
    summary = json.loads(Path("out/audit.json").read_text())
    assert summary["rows"] == summary["rows_looked_at"] == 13
    assert summary["rows_affected"] == found.affected >= 5


def test_the_manifest_has_a_line_for_every_picture(data: Path) -> None:
    audit(data, "out", quick=True, policy="none")
    lines = rows_of(Path("out/manifest.csv"))
    assert list(lines[0]) == ["row", "source", "action", "label", "reason"]
    assert [int(line["row"]) for line in lines] == list(range(13))
    assert {line["action"] for line in lines} == {"keep"}
    assert [line["source"] for line in lines] == sorted(line["source"] for line in lines)


def test_an_earlier_audit_is_replaced_but_no_edited_manifest(data: Path) -> None:
    audit(data, "out", quick=True)
    audit(data, "out", quick=True, policy="none")
    assert Manifest.read("out/manifest.csv").count("drop") == 0
    path = Path("out/manifest.csv")
    path.write_text(path.read_text().replace("keep", "drop", 1))
    with pytest.raises(DataError, match="was edited"):
        audit(data, "out", quick=True)


def test_truncation_looks_at_the_first_rows_only(data: Path) -> None:
    found = audit(data, "out", quick=True, truncate=6, policy="none")
    assert found.looked_at == 6
    assert [one.action for one in found.manifest] == ["keep"] * 6 + ["drop"] * 7
    assert max(found.findings.rows(), default=0) < 6
    with pytest.raises(DataError, match="no readable picture is left"):
        audit(data, "other", quick=True, truncate=0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"policy": "stricct"}, "Did you mean 'strict'"),
        ({"model": "defalt"}, "Did you mean 'default'"),
        ({"judge": "scratch"}, "--quick does not judge labels"),
        ({"epochs": 3}, "--quick does not judge labels"),
        ({"folds": 1}, "at least 2 folds, but 1 was asked for"),
    ],
)
def test_a_wrong_option_leaves_nothing(data: Path, options: dict[str, str | int], told: str) -> None:
    from smearlab.errors import SmearlabError

    with pytest.raises(SmearlabError, match=told):
        audit(data, "out", quick=True, **options)  # type: ignore[arg-type]
    assert not Path("out").exists()


def test_a_missing_library_is_told_before_the_work(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smearlab.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"--quick needs nothing more.*smearlab\[train\]"):
        audit(data, "out")


def test_copies_are_grouped_by_their_partners(data: Path) -> None:
    cells = read(data, tolerate_unreadable=True)
    found = audit(data, "out", quick=True).findings
    groups = copy_groups(cells, found)
    place = {str(source): position for position, source in enumerate(cells.sources)}
    assert groups[place["monocyte/copy.png"]] == groups[place["monocyte/0.png"]] == place["monocyte/0.png"]
    assert groups[place["monocyte/1.jpg"]] == place["monocyte/1.jpg"]


def test_the_first_rows_keep_their_unreadable_ones(data: Path) -> None:
    cells = read(data, tolerate_unreadable=True)
    assert first_rows(cells, None) is cells
    (damaged,) = cells.unreadable
    assert first_rows(cells, damaged.row).unreadable == ()
    assert first_rows(cells, damaged.row + 1).unreadable == (damaged,)


def test_the_command_says_what_was_found_and_what_comes_next(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(data), "--out", "out", "--quick"]) == 0
    told = capsys.readouterr().out
    assert "13 pictures looked at" in told
    for words in ("2 exact_duplicate", "2 conflicting_duplicate", "label_error (not looked for)", "out/report.html"):
        assert words in told
    assert "smearlab train cells --manifest out/manifest.csv" in told
    Path("out/manifest.csv").write_text(Path("out/manifest.csv").read_text().replace(",drop,", ",keep,"))
    assert main(["apply", "cells", "--manifest", "out/manifest.csv", "--out", "clean.parquet"]) == 0
    assert "13 pictures kept, 0 dropped" in capsys.readouterr().out


def test_the_core_install_is_enough_for_a_quick_audit(data: Path) -> None:
    code = f"""
import sys
for name in {NOT_IN_THE_CORE!r}:
    sys.modules[name] = None  # as if it were not installed
import smearlab.audit.features as features
features.DRAWN, features.STRANGE = 64, 8
from smearlab.__main__ import main
status = main(["audit", "cells", "--out", "out", "--quick", "--policy", "none"]) or main(
    ["apply", "cells", "--manifest", "out/manifest.csv", "--out", "clean.csv"])
sys.exit(status or main(["audit", "cells", "--out", "full"]))
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2, done.stderr
    assert "pip install 'smearlab[train]'" in done.stderr
    assert Path("out/report.html").is_file()
    assert Path("clean.csv").is_file()
    assert not Path("full").exists()
