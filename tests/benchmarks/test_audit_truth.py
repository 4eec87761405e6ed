"""Judging an audit: what is planted, what is natural, what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.audit_challenge import main
from benchmarks.audit_truth import (
    Case,
    Found,
    average_precisions,
    judge,
    rank_labels,
    read_case,
    wilson,
    wrongly_dropped,
)
from benchmarks.pairs import judge_pairs
from sklearn.metrics import average_precision_score
from tests.data.alterations import brighten, jpeg, stained_cells

from smearlab.audit.findings import Kind


@pytest.fixture(scope="module")
def case() -> Case:
    """Rows 0–3 clean, 4 exact copy of 0, 5 conflicting copy of 1, 6 near copy of 2, 7 and 8 junk, 9 unreadable.

    Row 10 is a label error, and 11 a natural near copy of 3 that nobody planted.
    """
    cells = stained_cells(5, seed=1)
    junk = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    pictures = [*cells[:4], cells[0], cells[1], brighten(cells[2], 0.9), junk, junk, np.full_like(junk, 9), cells[4]]
    pictures.append(jpeg(cells[3], 60))
    truth: dict[str, list[tuple[int, int | None]]] = {
        "exact_duplicate": [(4, 0)],
        "conflicting_duplicate": [(5, 1)],
        "near_duplicate": [(6, 2)],
        "off_topic": [(7, None), (8, None)],
        "unreadable_content": [(9, None)],
        "label_error": [(10, None)],
    }
    return Case(np.stack(pictures), np.array([0, 1, 2, 3, 0, 2, 2, 0, 1, 1, 2, 3]), truth)


def _score(case: Case, kind: Kind, *found: tuple[int, int | None]) -> tuple[int, int, tuple[int, ...], int]:
    (score,) = judge(case, [Found(row, kind, 1.0, partner) for row, partner in found], [kind])
    return score.recalled, score.right, score.wrong, score.neutral


def test_copies_are_told_by_their_pixels(case: Case) -> None:
    assert _score(case, "exact_duplicate", (0, 4), (4, 0), (5, 1)) == (1, 2, (5,), 0)
    assert _score(case, "conflicting_duplicate", (1, 5), (5, 1), (0, 4)) == (1, 2, (0,), 0)


def test_copies_of_junk_are_copies(case: Case) -> None:
    assert _score(case, "conflicting_duplicate", (7, 8), (8, 7)) == (0, 2, (), 0)


def test_planted_and_natural_near_copies_are_right_and_others_wrong(case: Case) -> None:
    assert _score(case, "near_duplicate", (6, 2), (2, 6)) == (1, 2, (), 0)
    assert _score(case, "near_duplicate", (11, 3), (3, 11)) == (0, 2, (), 0)
    assert _score(case, "near_duplicate", (3, 2)) == (0, 0, (3,), 0)


def test_a_second_name_of_junk_counts_neither_way(case: Case) -> None:
    assert _score(case, "off_topic", (7, None), (9, None), (3, None)) == (1, 1, (3,), 1)
    assert _score(case, "unreadable", (9, None), (7, None)) == (1, 1, (), 1)
    assert _score(case, "label_error", (10, None), (7, None)) == (1, 1, (7,), 0)


def test_a_clean_cell_may_go_only_where_a_copy_stays(case: Case) -> None:
    assert wrongly_dropped(case, [4, 6, 7, 8, 9, 10]) == []
    assert wrongly_dropped(case, [0, 4]) == [0, 4]
    assert wrongly_dropped(case, [1, 5]) == []  # nobody knows which label is right
    assert wrongly_dropped(case, [11]) == [11]
    assert wrongly_dropped(case, [11], [Found(11, "near_duplicate", 0.95, 3)]) == []


def test_labels_are_ranked_without_copies_and_junk(case: Case) -> None:
    ranking = rank_labels(case, [7, 9, 5, 3, 10, 11, 0])
    assert (ranking.ranked, ranking.errors, ranking.top) == (3, 1, 1)
    assert ranking.precision.value == pytest.approx(1 / 2)
    assert rank_labels(case, [3, 10, 11], left_out=[3]).precision.value == 1.0


def test_average_precision_is_the_library_s() -> None:
    rng = np.random.default_rng(3)
    hits = (rng.random(50) < 0.3).astype(np.float64)
    weights = rng.integers(0, 3, (4, 50)).astype(np.float64)
    expected = [average_precision_score(hits, -np.arange(50), sample_weight=weight) for weight in weights]
    assert average_precisions(hits, weights) == pytest.approx(expected)


def test_wilson_is_the_textbook_s() -> None:
    found = wilson(9, 10)
    assert (found.low, found.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_pairs_without_a_kind(case: Case) -> None:
    score = judge_pairs(case, [(6, 2), (2, 6), (0, 4), (3, 11), (3, 2), (7, 8)])
    assert (score.planted, score.recalled, score.right, score.pairs) == (1, 1, 3, 4)
    assert score.f1 == pytest.approx(2 * 0.75 / 1.75)
    assert judge_pairs(case, []).near_recall.value == 0


def test_the_command_judges_an_audit_s_folder(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, truth, audit = tmp_path / "cells.npz", tmp_path / "truth.json", tmp_path / "audit"
    np.savez(data, images=case.images, labels=case.labels[:, None].astype(np.uint8))
    truth.write_text('{"off_topic": [[7, null]], "near_duplicate": [[6, 2]], "label_error": [[10, null]]}')
    audit.mkdir()
    lines = ["row,source,kind,score,partner,suggestion", "6,x,near_duplicate,0.99,2,drop", "3,x,off_topic,0.9,,drop"]
    (audit / "findings.csv").write_text("\n".join(lines))
    (audit / "manifest.csv").write_text("row,source,action,label,reason\n3,x,drop,a,\n6,x,drop,a,\n")
    (audit / "label_quality.csv").write_text("row,source,label,suggested,score\n10,x,a,b,0.1\n11,x,a,a,0.9\n")
    (tmp_path / "ways.json").write_text('{"6": "darkened"}')
    main([str(data), str(truth), "--ways", str(tmp_path / "ways.json"), "--findings", str(audit), "--no-write"])
    said = capsys.readouterr().out
    assert "| near_duplicate | – | 1 | 1.000 (0.207–1.000)" in said
    assert "| off_topic | 3 | 1 | 0.000 (0.000–0.793)" in said
    assert "| near_duplicate | darkened | 1 | 1.000" in said
    assert "drops 2 rows, 1 of them clean cells (to reach: 0): rows 3." in said
    assert "planted as another defect | 2 | 1 | 1.000" in said
    assert read_case(data, truth).planted("label_error") == {10}
