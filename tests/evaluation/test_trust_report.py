from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.inference.test_refit import coloured
from tests.inference.tiny_model import CLASS_NAMES, write_tiny_folder

from smearlab.errors import DataError
from smearlab.evaluation.trust_report import TrustOptions, _part, trust, trust_lines
from smearlab.inference.predictor import Predictor
from smearlab.inference.refit import refit_trust


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = write_tiny_folder(tmp_path)
    refit_trust(folder, coloured(300, 0))
    return folder


def test_figures_are_measured_and_the_page_shows_them(model: Path, tmp_path: Path) -> None:
    facts = trust(model, coloured(90, 5), tmp_path / "out", TrustOptions(suites=("bloodmnist-c",)))
    assert json.loads((tmp_path / "out" / "trust.json").read_text())["n"] == 90
    clean, stressed = facts["parts"]["as they are"], facts["parts"]["bloodmnist-c"]
    assert clean["accuracy"] > 0.9
    assert stressed["accuracy"] <= clean["accuracy"]
    targets = [one["target"] for one in clean["prediction_sets"]]
    assert targets == [0.8, 0.9, 0.95, 0.99]
    found = {one["target"]: one for one in clean["prediction_sets"]}
    assert found[0.9]["coverage"]["value"] == pytest.approx(0.9, abs=0.09)
    assert set(found[0.9]["per_class"]) == set(CLASS_NAMES)
    page = (tmp_path / "out" / "report.html").read_text()
    for words in ("before temperature", "What abstaining brings", "How often a picture", "By unit mahalanobis"):
        assert words in page
    assert "ECE" in "\n".join(trust_lines(facts))


def test_each_confidence_is_held_against_its_own_answer(model: Path) -> None:
    predictor, cells = Predictor.load(model), coloured(40, 5)
    found = predictor.predict(cells.images)
    # As where further looks name another class than the first.
    others = replace(found, probabilities=np.roll(found.probabilities, 1, axis=1))
    part = _part(predictor, "as they are", others, cells.known_labels)
    assert np.array_equal(part.plainly, found.label_indices == cells.known_labels)
    assert np.array_equal(part.correct, others.label_indices == cells.known_labels)
    assert part.plainly.mean() > 0.9 > 0.1 > part.correct.mean()


def test_every_picture_is_altered_once_and_the_seed_decides(model: Path, tmp_path: Path) -> None:
    options = TrustOptions(suites=("microscope",), limit=30)
    first = trust(model, coloured(60, 6), tmp_path / "a", options)
    again = trust(model, coloured(60, 6), tmp_path / "b", options)
    assert first == again
    assert first["n"] == 30


def test_a_model_of_old_says_that_it_has_no_sets(tmp_path: Path) -> None:
    facts = trust(write_tiny_folder(tmp_path), coloured(30, 7), tmp_path / "out", TrustOptions(suites=()))
    assert facts["parts"]["as they are"]["prediction_sets"] == []
    assert "no prediction sets" in (tmp_path / "out" / "report.html").read_text()


def test_nothing_else_is_written_over(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "out" / "mine.npy", np.zeros(1))
    with pytest.raises(DataError, match=r"mine\.npy"):
        trust(model, coloured(30, 7), tmp_path / "out")
    with pytest.raises(DataError, match="leave it to stress"):
        trust(model, coloured(30, 7), tmp_path / "new", TrustOptions(suites=("scale",)))


def test_an_unknown_suite_is_told_and_all_leaves_out_the_one_without_chance(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no suite 'nope'\. .*The suites are"):
        trust(model, coloured(30, 5), tmp_path / "out", TrustOptions(suites=("nope",)))
    assert not (tmp_path / "out").exists()
    facts = trust(model, coloured(30, 5), tmp_path / "out", TrustOptions(suites=("all",)))
    assert set(facts["parts"]) == {"as they are", "bloodmnist-c", "imagenet-c", "microscope", "chain", "laboratories"}
