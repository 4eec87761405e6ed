"""Copies become findings: every member, a partner that leads through the group, and a suggestion in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.alterations import ALTERATIONS, as_cells, brighten, jpeg, shift, stained_cells

from smearlab.audit.duplicates import find_copies
from smearlab.audit.findings import DUPLICATES, Findings
from smearlab.data.fingerprint import NEAR_THRESHOLD
from smearlab.data.groups import join_pairs
from smearlab.data.read import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from smearlab.audit.findings import Finding
    from smearlab.data.cells import Cells, UInt8Array

NAMES = ("lymphocyte", "monocyte", "immature_granulocyte", "basophil", "platelet")


@pytest.fixture(scope="module")
def drawn() -> UInt8Array:
    return stained_cells(12, seed=5)


def _cells(pictures: Iterable[UInt8Array], labels: Sequence[int] | None = None) -> Cells:
    pictures = list(pictures)
    labels = [0] * len(pictures) if labels is None else labels
    return as_cells(pictures, np.array(labels, dtype=np.int64), NAMES)


def _told(findings: Sequence[Finding]) -> list[tuple[int, str, int | None, str]]:
    return [(item.row, item.kind, item.partner, item.suggestion) for item in Findings.of(findings)]


def test_exact_copies_are_all_listed_and_the_first_is_kept(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[1], drawn[0], drawn[0], drawn[2], drawn[0]]))
    assert _told(findings) == [
        (1, "exact_duplicate", 2, "keep (first of 3 copies)"),
        (2, "exact_duplicate", 1, "drop (copy of row 1)"),
        (4, "exact_duplicate", 1, "drop (copy of row 1)"),
    ]
    assert {(item.score, item.group) for item in findings} == {(1.0, 1)}


def test_other_labels_conflict_and_nobody_is_dropped(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[0], drawn[1], drawn[0]], [2, 0, 1]))
    words = "review: copies labelled monocyte and immature granulocyte"
    assert _told(findings) == [
        (0, "conflicting_duplicate", 2, words),
        (2, "conflicting_duplicate", 0, words),
    ]


def test_a_copy_may_agree_with_one_and_conflict_with_another(drawn: UInt8Array) -> None:
    told = [line[:3] for line in _told(find_copies(_cells([drawn[0]] * 3, [0, 1, 0])))]
    assert told == [
        (0, "exact_duplicate", 2),
        (0, "conflicting_duplicate", 1),
        (1, "conflicting_duplicate", 0),
        (2, "exact_duplicate", 0),
        (2, "conflicting_duplicate", 1),
    ]


def test_many_classes_are_not_all_named(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[0]] * 5, [0, 1, 2, 3, 4]))
    assert findings[0].suggestion == "review: copies labelled lymphocyte, monocyte, immature granulocyte and 2 others"


def test_near_copies_name_each_other_and_their_score(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[0], drawn[1], jpeg(drawn[0], 40)]))
    assert _told(findings) == [
        (0, "near_duplicate", 2, "keep (first of 2 near copies)"),
        (2, "near_duplicate", 0, "drop (near copy of row 0)"),
    ]
    assert all(NEAR_THRESHOLD <= item.score <= 1 and item.group == 0 for item in findings)


def test_near_copies_with_other_labels_are_for_review(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[0], brighten(drawn[0], 0.9)], [1, 0]))
    assert {item.suggestion for item in findings} == {"review: near copies labelled lymphocyte and monocyte"}
    assert {item.kind for item in findings} == {"near_duplicate"}


def test_exact_copies_of_a_near_copy_have_both_kinds(drawn: UInt8Array) -> None:
    findings = find_copies(_cells([drawn[0], drawn[0], jpeg(drawn[0], 50)]))
    assert [line[:3] for line in _told(findings)] == [
        (0, "exact_duplicate", 1),
        (0, "near_duplicate", 2),
        (1, "exact_duplicate", 0),
        (1, "near_duplicate", 2),
        (2, "near_duplicate", 0),
    ]


def test_partners_lead_through_the_whole_group(drawn: UInt8Array) -> None:
    rng = np.random.default_rng(0)
    copies = [alter(drawn[number], rng) for number in (0, 1) for alter in ALTERATIONS.values()]
    findings = find_copies(_cells([*drawn, *copies, drawn[0]]))
    near = [item for item in findings if item.kind == "near_duplicate"]
    assert len(near) == len(copies) + 3
    ends = np.array([(item.row, item.partner) for item in near])
    roots = join_pairs(len(drawn) + len(copies) + 1, ends[:, 0], ends[:, 1])
    assert all(roots[item.row] == item.group for item in near if item.row != len(drawn) + len(copies))
    assert {item.group for item in near} == {0, 1}


def test_rows_are_the_sources_not_the_positions(drawn: UInt8Array) -> None:
    cells = replace(_cells([drawn[0], drawn[1], drawn[0]]), rows=np.array([4, 9, 30]))
    assert _told(find_copies(cells)) == [
        (4, "exact_duplicate", 30, "keep (first of 2 copies)"),
        (30, "exact_duplicate", 4, "drop (copy of row 4)"),
    ]
    assert {item.group for item in find_copies(cells)} == {4}


def test_unlabelled_copies_cannot_conflict(drawn: UInt8Array) -> None:
    cells = replace(_cells([drawn[0], drawn[0], jpeg(drawn[0], 50)]), labels=None, class_names=())
    assert {item.kind for item in find_copies(cells)} == {"exact_duplicate", "near_duplicate"}


def test_blank_pictures_are_copies_only_where_they_are_the_same() -> None:
    faint = [np.full((96, 96, 3), 200, dtype=np.uint8) for _ in range(6)]
    for number, picture in enumerate(faint[1:]):
        picture[number, number] += 1
    findings = find_copies(_cells([*faint, faint[0], faint[0]], [0] * 6 + [0, 1]))
    assert sorted({(item.row, item.kind) for item in findings}) == [
        (0, "conflicting_duplicate"),
        (0, "exact_duplicate"),
        (6, "conflicting_duplicate"),
        (6, "exact_duplicate"),
        (7, "conflicting_duplicate"),
    ]


def test_copies_of_drawings_are_found() -> None:
    poster = np.full((96, 96, 3), 255, dtype=np.uint8)
    poster[10:40, 20:70] = (200, 30, 40)
    poster[50:80, 5:30] = (20, 90, 200)
    poster[60:66, 40:90] = 0
    findings = find_copies(_cells([poster, jpeg(shift(poster, 2, -1), 50), poster]))
    assert {item.kind for item in findings} == {"exact_duplicate", "near_duplicate"}
    assert {item.row for item in findings} == {0, 1, 2}


@pytest.mark.parametrize("count", [0, 1, 12])
def test_nothing_is_found_where_nothing_is_copied(drawn: UInt8Array, count: int) -> None:
    assert find_copies(_cells(drawn[:count])) == []


def test_a_picture_copied_ten_thousand_times_takes_one_line_each() -> None:
    pictures = np.zeros((10_000, 2, 2, 3), dtype=np.uint8)
    findings = find_copies(_cells(pictures))
    assert len(findings) == len(pictures)
    assert findings[0].suggestion == "keep (first of 10,000 copies)"


@pytest.mark.real
@pytest.mark.slow
def test_the_challenge_gives_what_was_planted_and_no_other_cell(challenge_path: Path) -> None:
    """Cells only: of the planted junk, copied hundreds of times, only the kinds are checked."""
    truth_path = challenge_path.with_name("challenge_truth.json")
    if not truth_path.exists():
        pytest.skip(f"the planted truth is not at hand: put {truth_path.name} beside {challenge_path.name}")
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    junk = {row for kind in ("off_topic", "unreadable_content") for row, _ in truth[kind]}
    found = Findings.of(find_copies(read(challenge_path)))
    for kind in DUPLICATES:
        planted = {row for pair in truth[kind] for row in pair}
        assert found.rows(kind) - junk == planted
    assert found.rows("near_duplicate") & junk == set()
