"""The look at altered pictures in a run's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.colour_model import COLOURS, colour_cells, write_colour_folder

from smearlab.corruptions.families import FAMILIES
from smearlab.evaluation.robustness import chosen_conditions, measure_robustness
from smearlab.inference.predictor import Predictor
from smearlab.report.blocks import Note, Table
from smearlab.report.robustness import robustness_blocks
from smearlab.training.sections import RobustnessConfig

SEEN = frozenset({"blur", "brightness", "scale"})
CELLS = colour_cells(tuple(COLOURS), wrong=3)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(write_colour_folder(tmp_path_factory.mktemp("colour") / "model"), threads=1)


def measured(predictor: Predictor, seed: int = 0, **config: object) -> dict[str, Any]:
    chosen = RobustnessConfig.model_validate(config)
    return measure_robustness(predictor, CELLS, CELLS.known_labels, chosen, SEEN, seed)


class TestConditions:
    def test_a_few_of_every_group_seen_and_unseen_apart(self) -> None:
        chosen = chosen_conditions(RobustnessConfig(conditions=2), SEEN)
        counts: dict[tuple[str, bool], int] = {}
        for one in chosen:
            key = (one.group, one.family in SEEN)
            counts[key] = counts.get(key, 0) + 1
        assert max(counts.values()) == 2
        assert {group for group, _ in counts} == {"geometry", "colour", "degradation", "occlusion"}
        assert ("colour", True) in counts
        assert ("colour", False) in counts
        assert {one.severity for one in chosen} == {3}

    def test_families_take_turns(self) -> None:
        chosen = chosen_conditions(RobustnessConfig(conditions=3), frozenset())
        colours = [one.family for one in chosen if one.group == "colour"]
        assert len(set(colours)) == 3

    def test_mixtures_of_families_stay_out(self) -> None:
        assert all(one.family for one in chosen_conditions(RobustnessConfig(conditions=50), SEEN))


class TestFigures:
    def test_clean_seen_unseen_and_the_gap(self, predictor: Predictor) -> None:
        found = measured(predictor)
        assert found["pictures"] == len(CELLS)
        assert found["clean"]["accuracy"]["value"] == pytest.approx(1 - 3 / len(CELLS))
        for name in ("seen", "unseen"):
            rows = [row for row in found["conditions"] if row["seen"] == (name == "seen")]
            mean = sum(row["accuracy"]["value"] for row in rows) / len(rows)
            assert found[name]["accuracy"]["value"] == pytest.approx(mean)
            gap = found[f"gap_{name}"]["accuracy"]
            assert gap["value"] == pytest.approx(found["clean"]["accuracy"]["value"] - mean)
            assert gap["low"] <= gap["value"] <= gap["high"]

    def test_a_sample_is_drawn_by_the_seed(self, predictor: Predictor) -> None:
        first, again = (measured(predictor, pictures=7, conditions=1) for _ in range(2))
        assert first == again
        assert first["pictures"] == 7

    def test_where_every_family_is_unseen_there_is_no_seen_figure(self, predictor: Predictor) -> None:
        config = RobustnessConfig(pictures=4, conditions=1)
        found = measure_robustness(predictor, CELLS, CELLS.known_labels, config, frozenset(), 0)
        assert found["seen"] is None
        assert found["gap_seen"] is None
        note, overview = robustness_blocks(found, "test")[:2]
        assert isinstance(note, Note)
        assert "the row of families never seen" in note.text
        assert isinstance(overview, Table)
        assert [row[0] for row in overview.rows] == [
            "Clean pictures",
            "Altered, families never seen",
            "Lost on unseen families",
        ]

    def test_where_every_family_is_seen_no_row_is_promised(self, predictor: Predictor) -> None:
        config = RobustnessConfig(pictures=4, conditions=1)
        found = measure_robustness(predictor, CELLS, CELLS.known_labels, config, frozenset(FAMILIES), 0)
        note = robustness_blocks(found, "test")[0]
        assert isinstance(note, Note)
        assert "the row of families never seen" not in note.text
        assert "Training showed every family of these" in note.text


def test_the_report_names_every_alteration(predictor: Predictor, tmp_path: Path) -> None:
    found = measured(predictor, pictures=5)
    _, overview, conditions = robustness_blocks(found, "test")
    assert isinstance(overview, Table)
    assert isinstance(conditions, Table)
    assert len(overview.rows) == 5
    assert len(conditions.rows) == len(found["conditions"])
    assert {str(row[2]) for row in conditions.rows} == {"seen", "never seen"}
