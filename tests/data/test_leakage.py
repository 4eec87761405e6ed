"""The leakage check finds what was put across a border, counts it once and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.data.alterations import as_cells, jpeg, stained_cells

from smearlab.data.cells import Cells, IntArray
from smearlab.data.leakage import LeakageReport, check_leakage
from smearlab.data.split import Split


@pytest.fixture(scope="module")
def cells() -> Cells:
    """Ten pictures: 8 has the pixels of 0, 9 is picture 1 re-encoded; rows in the source start at 100."""
    images = stained_cells(8)
    images = np.concatenate([images, images[:1], jpeg(images[1], 60)[None]])
    return replace(as_cells(images), rows=np.arange(100, 110))


def _split(train: list[int], validation: list[int], test: list[int]) -> Split:
    return Split(np.array(train, np.int64), np.array(validation, np.int64), np.array(test, np.int64))


def test_a_clean_split_is_ok(cells: Cells) -> None:
    report = check_leakage(cells, _split([0, 1, 2, 8, 9], [3, 4], [5, 6, 7]))
    assert report.ok
    assert report.summary() == "No picture, near copy or group crosses a border (10 pictures checked)."


def test_exact_and_near_copies_are_told_apart(cells: Cells) -> None:
    report = check_leakage(cells, _split([0, 1, 2], [3, 8], [4, 9]))
    assert not report.ok
    assert report.counts == {"row": 0, "exact": 1, "near": 1}
    assert [(leak.kind, leak.row, leak.partner, leak.part, leak.partner_part) for leak in report.leaks] == [
        ("exact", 8, 0, "validation", "train"),
        ("near", 9, 1, "test", "train"),
    ]


def test_the_summary_names_rows_of_the_source(cells: Cells) -> None:
    report = check_leakage(cells, _split([0, 1, 2], [3], [4, 9]))
    assert report.summary() == "1 near copy in test is also in train, e.g. rows 109 and 101."


def test_the_same_row_twice_is_a_leak(cells: Cells) -> None:
    report = check_leakage(cells, _split([2, 3], [], [3, 4]))
    assert report.counts == {"row": 1, "exact": 0, "near": 0}


def test_groups_across_a_border_are_found_and_unnamed_ones_ignored(cells: Cells) -> None:
    groups = np.array(["a", "b", "c", "", "", "", "c", "d", "a", "b"])
    report = check_leakage(replace(cells, groups=groups), _split([0, 1, 2, 3, 8, 9], [4], [5, 6, 7]))
    assert report.counts["group"] == 1
    assert [(leak.row, leak.partner) for leak in report.leaks] == [(6, 2)]


def test_known_groups_spare_the_search(cells: Cells) -> None:
    near: IntArray = np.arange(10)
    near[7] = 2
    report = check_leakage(cells, _split([2], [], [7]), near)
    assert report.counts["near"] == 1


def test_copies_in_several_parts_are_summed_up(cells: Cells) -> None:
    report = check_leakage(cells, _split([0], [8], [4]), np.zeros(10, dtype=np.int64))
    assert report.counts == {"row": 0, "exact": 1, "near": 1}
    assert report.summary().count(";") == 1


def test_examples_are_limited_but_counts_are_not() -> None:
    images = np.zeros((600, 4, 4, 3), dtype=np.uint8)
    split = _split(list(range(300)), [], list(range(300, 600)))
    report = check_leakage(as_cells(images), split, np.arange(600))
    assert report.counts["exact"] == 300
    assert len(report.leaks) == 200
    assert "300 exact copies in test are also in train" in report.summary()


def test_a_copy_within_one_part_is_no_leak(cells: Cells) -> None:
    assert check_leakage(cells, _split([0, 8, 1, 9], [], [4])).ok


def test_the_report_survives_json(cells: Cells) -> None:
    report = check_leakage(cells, _split([0, 1], [8], [9]))
    assert LeakageReport.model_validate_json(report.model_dump_json()) == report
