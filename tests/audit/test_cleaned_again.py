"""Cleaning real cells with planted defects: what goes, what stays, and what a second audit finds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted import Amounts, Planted, plant

from smearlab.audit.apply import apply_manifest
from smearlab.audit.audit import Audit, audit
from smearlab.audit.policies import CERTAIN
from smearlab.data.read import read

pytestmark = [pytest.mark.real, pytest.mark.slow]

AMOUNTS = Amounts(
    exact=8, conflicting=6, near=12, junk=15, junk_copies=12, unreadable=6, random_labels=6, confusable_labels=0
)
CELLS = 400


@pytest.fixture(scope="module")
def planted(pbc_path: Path) -> Planted:
    cells = read(pbc_path)
    chosen = np.random.default_rng(5).permutation(len(cells))[:CELLS]
    return plant(cells.take(np.sort(chosen)), AMOUNTS, seed=3)


@pytest.fixture(scope="module")
def folder(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    np.savez(folder / "cells.npz", images=planted.images, labels=planted.labels)
    return folder


@pytest.fixture(scope="module")
def first(folder: Path) -> Audit:
    found = audit(folder / "cells.npz", folder / "first", quick=True)
    apply_manifest(folder / "cells.npz", found.manifest, folder / "clean.npz")
    return found


def rows_of(planted: Planted, *kinds: str) -> set[int]:
    """The rows that were planted or planted from."""
    return {row for kind in kinds for pair in planted.truth[kind] for row in pair if row is not None}


def dropped(found: Audit) -> set[int]:
    return {one.row for one in found.manifest if one.action == "drop"}


def test_no_clean_cell_goes(planted: Planted, first: Audit) -> None:
    touched = rows_of(planted, *(kind for kind in planted.truth if kind != "label_error"))
    assert dropped(first) <= touched | first.findings.rows("exact_duplicate", "near_duplicate")
    assert len(dropped(first) - touched) <= 2  # natural copies


def test_one_of_each_pair_of_copies_stays(planted: Planted, first: Audit) -> None:
    spoilt = rows_of(planted, "off_topic", "unreadable_content", "conflicting_duplicate")
    for kind in ("exact_duplicate", "near_duplicate"):
        pairs = [pair for pair in planted.truth[kind] if not set(pair) & spoilt]
        assert pairs
        assert all(set(pair) - dropped(first) for pair in pairs)


def test_contradicting_copies_and_junk_go(planted: Planted, first: Audit) -> None:
    wanted = rows_of(planted, "conflicting_duplicate", "off_topic", "unreadable_content")
    assert len(wanted - dropped(first)) <= 0.05 * len(wanted)
    assert rows_of(planted, "conflicting_duplicate") <= dropped(first)


def test_a_second_audit_finds_nothing_more_that_is_certain(folder: Path, first: Audit) -> None:
    second = audit(folder / "clean.npz", folder / "second", quick=True)
    assert first.affected > 0
    assert [item for item in second.findings if item.score >= CERTAIN] == []
    assert second.manifest.count("drop") == 0


def test_a_full_audit_ranks_every_label_and_accuses_none_that_has_another_fault(folder: Path, planted: Planted) -> None:
    found = audit(folder / "cells.npz", folder / "full")
    with (folder / "full" / "label_quality.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert sorted(int(line["row"]) for line in lines) == list(range(len(planted.labels)))
    scores = [float(line["score"]) for line in lines]
    assert scores == sorted(scores)
    others = found.findings.rows(
        "exact_duplicate", "conflicting_duplicate", "near_duplicate", "off_topic", "unreadable"
    )
    accused = found.findings.rows("label_error")
    assert accused
    assert not accused & others
    assert len(accused & rows_of(planted, "label_error")) >= 0.5 * len(accused)
    assert not accused & dropped(found)
    names = {figure.name for figure in found.description.maps}
    assert names == {"PCA", "t-SNE"}
    assert found.description.groups
