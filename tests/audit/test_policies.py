"""Policies: what each does to copies, junk and wrong labels."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.audit.findings import Finding, Findings, Kind
from smearlab.audit.manifest import Manifest
from smearlab.audit.policies import CERTAIN, POLICIES, PROBABLE, Policy, check_policy, decide
from smearlab.data.cells import Cells, Unreadable
from smearlab.errors import DataError

UNSURE = (CERTAIN + PROBABLE) / 2


@pytest.fixture
def cells() -> Cells:
    """Ten rows, of two classes in turn; the last cannot be decoded."""
    sources = np.array([f"{row}.png" for row in range(9)])
    unreadable = (Unreadable(9, "9.png", 1, "the file is truncated"),)
    labels = np.arange(9) % 2
    return Cells(
        np.zeros((9, 4, 4, 3), np.uint8),
        labels,
        sources,
        ("monocyte", "neutrophil"),
        np.arange(9),
        unreadable=unreadable,
    )


def finding(
    row: int, kind: Kind, score: float = 1.0, partner: int | None = None, suggestion: str = "review"
) -> Finding:
    return Finding(row, f"{row}.png", kind, score, partner, suggestion)


def pair(first: int, second: int, kind: Kind, score: float = 1.0) -> list[Finding]:
    return [finding(first, kind, score, second), finding(second, kind, score, first)]


def dropped(manifest: Manifest) -> list[int]:
    return [one.row for one in manifest if one.action == "drop"]


def decided(cells: Cells, items: list[Finding], policy: Policy = "conservative") -> Manifest:
    manifest = decide(cells, Findings.of(items), policy)
    manifest.check(cells)
    assert len(manifest) == 10
    return manifest


def test_nothing_found_keeps_everything(cells: Cells) -> None:
    for policy in POLICIES:
        manifest = decided(cells, [], policy)
        assert manifest.count("keep") == 10
        assert not any(one.reason for one in manifest)


def test_the_first_of_exact_copies_stays(cells: Cells) -> None:
    manifest = decided(cells, [*pair(2, 6, "exact_duplicate"), finding(4, "exact_duplicate", 1, 2)])
    assert dropped(manifest) == [4, 6]
    assert "row 2" in manifest.decisions[6].reason
    assert manifest.decisions[2].reason == "first of 3 copies"


@pytest.mark.parametrize("policy", ["conservative", "strict"])
def test_none_of_a_conflicting_group_stays(cells: Cells, policy: Policy) -> None:
    manifest = decided(cells, pair(2, 5, "conflicting_duplicate"), policy)
    assert dropped(manifest) == [2, 5]
    assert all(manifest.decisions[row].reason.startswith("review") for row in (2, 5))
    assert "monocyte and neutrophil" in manifest.decisions[2].reason


def test_copies_of_a_copy_are_one_group(cells: Cells) -> None:
    chain = [*pair(0, 2, "exact_duplicate"), *pair(2, 4, "near_duplicate", 0.95), *pair(4, 8, "exact_duplicate")]
    manifest = decided(cells, chain)
    assert dropped(manifest) == [2, 4, 8]
    assert manifest.decisions[4].reason.startswith("near copy of row 0")


def test_near_copies_go_only_where_they_are_certain(cells: Cells) -> None:
    doubtful = pair(2, 6, "near_duplicate", UNSURE)
    assert dropped(decided(cells, doubtful)) == []
    assert "review: perhaps a near copy of row 6" in decided(cells, doubtful).decisions[2].reason
    assert dropped(decided(cells, doubtful, "strict")) == [6]


def test_certain_near_copies_with_several_labels_are_for_a_person(cells: Cells) -> None:
    manifest = decided(cells, pair(2, 5, "near_duplicate", 0.97))
    assert dropped(manifest) == [2, 5]
    assert manifest.decisions[5].reason.startswith("review")


@pytest.mark.parametrize("kind", ["off_topic", "unreadable"])
def test_junk_goes_where_it_is_certain(cells: Cells, kind: Kind) -> None:
    items = [finding(3, kind, CERTAIN), finding(7, kind, UNSURE), finding(9, "unreadable", 1)]
    manifest = decided(cells, items)
    assert dropped(manifest) == [3, 9]
    assert manifest.decisions[7].reason.startswith("review: perhaps")
    assert dropped(decided(cells, items, "strict")) == [3, 7, 9]


def test_a_clean_cell_does_not_go_for_its_spoilt_copy(cells: Cells) -> None:
    manifest = decided(cells, [finding(1, "unreadable", 0.99), *pair(1, 4, "near_duplicate", 0.95)])
    assert dropped(manifest) == [1]


def test_label_errors_stay_unless_the_policy_is_strict(cells: Cells) -> None:
    items = [finding(2, "label_error", 0.99, suggestion="relabel: neutrophil"), finding(3, "label_error", 0.8)]
    manifest = decided(cells, items)
    assert manifest.count("keep") == 10
    assert "looks like neutrophil" in manifest.decisions[2].reason
    strict = decided(cells, items, "strict")
    assert (strict.decisions[2].action, strict.decisions[2].label) == ("relabel", "neutrophil")
    assert strict.decisions[3].reason.startswith("review: ambiguous label")
    assert dropped(strict) == []


def test_none_keeps_whatever_was_found(cells: Cells) -> None:
    items = [*pair(2, 5, "conflicting_duplicate"), finding(3, "off_topic", 1)]
    assert decided(cells, items, "none").count("keep") == 10


def test_truncation_drops_the_rest_whatever_the_policy(cells: Cells) -> None:
    for policy in POLICIES:
        manifest = decide(cells, Findings(), policy, truncate=6)
        assert dropped(manifest) == [6, 7, 8, 9]
        assert "row 6 or later" in manifest.decisions[9].reason


def test_a_policy_that_is_none_is_told() -> None:
    with pytest.raises(DataError, match="Did you mean 'strict'"):
        check_policy("stricct")


@pytest.mark.parametrize("policy", ["conservative", "strict"])
def test_a_likeness_of_two_labels_costs_neither_cell(cells: Cells, policy: Policy) -> None:
    alike = decided(cells, pair(2, 5, "near_duplicate", 0.92), policy)
    assert dropped(alike) == []
    assert all("perhaps a near copy" in alike.decisions[row].reason for row in (2, 5))
    assert dropped(decided(cells, pair(2, 4, "near_duplicate", 0.92), policy)) == [4]  # of one label
