"""The quick audit and its peers are measured alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.audit_own import copies
from benchmarks.audit_peers import Entry, Result, line_up, peer_versions, row_of, section, take_turns, write_pictures
from benchmarks.children import run_measured
from benchmarks.memory import Cost
from benchmarks.planted import Amounts, Planted, plant
from tests.data.alterations import stained_cells

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells

COST = Cost(0.5, 2.0, 1.5, 0)


@pytest.fixture(scope="module")
def planted() -> Planted:
    cells = Cells(
        stained_cells(24, 2),
        np.arange(24) % 8,
        np.array([f"{row}.png" for row in range(24)]),
        CLASS_NAMES,
        np.arange(24),
    )
    amounts = Amounts(
        exact=2, conflicting=1, near=3, junk=2, junk_copies=0, unreadable=2, random_labels=0, confusable_labels=0
    )
    return plant(cells, amounts, seed=1)


def _file(row: int) -> str:
    return f"somewhere/{row:06}.png"


def _line(body: str, name: str) -> list[str]:
    return next(
        [cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines() if line.startswith(f"| {name}")
    )


def test_own_copies_are_found_in_the_folder(planted: Planted, tmp_path: Path) -> None:
    write_pictures(planted, tmp_path / "pictures")
    found = copies(str(tmp_path / "pictures"))
    pairs = {(row_of(one), row_of(two)) for kind in found for one, two in found[kind]}
    kinds = ("exact_duplicate", "conflicting_duplicate", "near_duplicate")
    assert {(row, original) for kind in kinds for row, original in planted.truth[kind]} <= pairs


def test_figures_of_one_who_finds_everything_and_one_who_errs(planted: Planted) -> None:
    exact = [
        [_file(row), _file(original)]
        for kind in ("exact_duplicate", "conflicting_duplicate")
        for row, original in planted.truth[kind]
        if original is not None
    ]
    near = [(row, original) for row, original in planted.truth["near_duplicate"] if original is not None]
    unreadable = [[_file(row)] for row, _ in planted.truth["unreadable_content"]]
    found = {"exact_duplicate": exact, "near_duplicate": [[_file(a), _file(b)] for a, b in near]}
    rows = [row for row, _ in near]
    wrong: list[list[str | int]] = [[_file(rows[0]), _file(rows[1]), 9]]
    right: list[list[str | int]] = [[_file(row), _file(original), 4] for row, original in near]
    body = section(
        planted,
        {"all": Result({**found, "unreadable": unreadable}, [COST]), "hashes": Result([*right, *wrong], [COST])},
        "peers",
    )
    everything = _line(body, "all")
    assert [cell.split()[0] for cell in everything[4:10]] == ["1.000"] * 6
    assert everything[10:] == ["–", "–"]
    own, best = _line(body, "hashes PHash, at its own"), _line(body, "hashes PHash, at the best one here, 4")
    assert [cell.split()[0] for cell in own[6:8]] == ["1.000", "0.750"]
    assert [cell.split()[0] for cell in best[6:8]] == ["1.000", "1.000"]
    assert own[4:6] == own[8:10] == ["–", "–"]


def test_every_turn_is_a_process_that_writes_what_it_found(tmp_path: Path) -> None:
    program = (
        "import json, os, sys; assert not os.path.exists(os.environ['SMEARLAB_CACHE']);"
        "json.dump({'near_duplicate': [sys.argv[1:]]}, open(sys.argv[2], 'w'))"
    )
    result = take_turns([Entry("one", (sys.executable, "-c", program), ("after",))], tmp_path, 2)["one"]
    assert len(result.costs) == 2
    assert isinstance(result.found, dict)
    assert result.found["near_duplicate"][0][0] == str(tmp_path)
    assert result.found["near_duplicate"][0][2] == "after"


def test_a_contender_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="broken failed with status 3"):
        take_turns([Entry("broken", (sys.executable, "-c", "raise SystemExit(3)"))], tmp_path, 1)


def test_a_child_s_cost_is_its_own() -> None:
    cost = run_measured([sys.executable, "-c", "x = bytearray(200_000_000); print(sum(range(10**6)))"])
    assert cost.status == 0
    assert 0.18 < cost.peak < 0.5
    assert cost.processor > 0
    assert run_measured([sys.executable, "-c", "pass"]).peak < 0.1


def test_without_the_peers_smearlab_is_measured_alone(tmp_path: Path) -> None:
    assert peer_versions(tmp_path / "no-python") == ""
    assert [entry.name for entry in line_up(None)] == ["smearlab, copies only", "smearlab audit --quick"]
    assert len(line_up(Path("python"))) == 4
    assert json.dumps(line_up(Path("python"))[3].after) == '["14"]'
