import csv
from pathlib import Path

import numpy as np
import pytest
from tests.audit.labelled import NAMES, coloured_cells, flipped

from smearlab.audit.label_errors import COLUMNS, judge_labels
from smearlab.errors import DataError, MissingExtraError

SURE = 0.99


def confident(right: np.ndarray, sure: float = SURE) -> np.ndarray:
    """Probabilities of a model that is right and sure everywhere, a little less for each row."""
    chances = np.full((len(right), 3), (1 - sure) / 2)
    chances[np.arange(len(right)), right] = sure
    chances[:, :] -= np.arange(len(right))[:, None] * 1e-6 * (2 * np.eye(3)[right] - 1)
    return chances


def test_wrong_labels_are_worst_flagged_and_relabelled() -> None:
    planted = flipped(coloured_cells())
    quality = judge_labels(planted.cells, confident(planted.right))
    assert set(quality.order[:6]) == set(np.flatnonzero(planted.wrong))
    np.testing.assert_array_equal(quality.is_error, planted.wrong)
    np.testing.assert_array_equal(quality.suggested, planted.right)
    assert not quality.is_ambiguous.any()


def test_scores_are_low_for_wrong_labels_and_high_for_right_ones() -> None:
    planted = flipped(coloured_cells())
    scores = judge_labels(planted.cells, confident(planted.right)).scores
    assert scores[planted.wrong].max() < 0.05
    assert scores[~planted.wrong].min() > 0.9
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_a_cell_between_two_classes_is_ambiguous_and_no_error() -> None:
    planted = flipped(coloured_cells())
    chances = confident(planted.right)
    between = np.flatnonzero(~planted.wrong)[:2]
    chances[between] = 0.02
    chances[between, planted.right[between]] = [0.45, 0.53]
    chances[between, (planted.right[between] + 1) % 3] = [0.53, 0.45]
    quality = judge_labels(planted.cells, chances)
    assert quality.is_ambiguous[between].all()
    assert not quality.is_error[between].any()
    assert set(quality.order[6:8]) == set(between), "ambiguous cells come after the plain errors"


def test_a_class_the_model_is_never_sure_of_is_not_full_of_errors() -> None:
    """Confident learning measures each class against how sure the model usually is of it."""
    planted = flipped(coloured_cells(), count=0)
    chances = confident(planted.right)
    hard = planted.right == 2
    chances[hard] = [0.5, 0.02, 0.48]
    assert not judge_labels(planted.cells, chances).is_error.any()


def test_findings_name_source_rows_and_what_to_do() -> None:
    planted = flipped(coloured_cells())
    findings = judge_labels(planted.cells, confident(planted.right)).findings(planted.cells)
    assert {finding.row for finding in findings} == set(np.flatnonzero(planted.wrong) + 100)
    for finding in findings:
        assert finding.kind == "label_error"
        assert finding.source == f"{finding.row - 100}.png"
        assert finding.suggestion == f"relabel: {NAMES[planted.right[finding.row - 100]]}"
        assert finding.score > 0.9
    assert [finding.score for finding in findings] == sorted((finding.score for finding in findings), reverse=True)


def test_excluded_rows_are_ranked_and_never_flagged() -> None:
    planted = flipped(coloured_cells())
    quality = judge_labels(planted.cells, confident(planted.right), planted.wrong)
    assert not quality.is_error.any()
    assert not quality.is_ambiguous.any()
    assert set(quality.order[:6]) == set(np.flatnonzero(planted.wrong))


def test_the_csv_has_every_row_worst_first(tmp_path: Path) -> None:
    planted = flipped(coloured_cells())
    judge_labels(planted.cells, confident(planted.right)).write_csv(tmp_path / "label_quality.csv", planted.cells)
    with (tmp_path / "label_quality.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert sorted(int(row["row"]) for row in rows) == planted.cells.rows.tolist()
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores)
    assert len(set(scores[:6])) == 6, "the worst labels do not fall together in the file"
    first = int(rows[0]["row"]) - 100
    assert rows[0]["source"] == f"{first}.png"
    assert rows[0]["label"] == NAMES[planted.cells.known_labels[first]]
    assert rows[0]["suggested"] == NAMES[planted.right[first]]


def test_a_class_without_pictures_does_no_harm() -> None:
    cells = coloured_cells()
    planted = flipped(cells.take(np.flatnonzero(cells.known_labels < 2)), count=0)
    chances = confident(planted.right)
    chances[0] = [0.01, 0.01, 0.98]
    quality = judge_labels(planted.cells, chances)
    assert quality.suggested[0] == 2
    assert quality.order[0] == 0
    assert quality.is_error.tolist() == [True] + [False] * (len(chances) - 1)


@pytest.mark.parametrize("chances", [np.ones((3, 3)), np.full((120, 3), np.nan), np.full((120, 3), -1.0)])
def test_probabilities_that_cannot_be_are_refused(chances: np.ndarray) -> None:
    with pytest.raises(DataError, match="one row for each of the 120 pictures"):
        judge_labels(coloured_cells(), chances)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smearlab.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"smearlab\[train\]"):
        judge_labels(coloured_cells(), np.ones((120, 3)))
