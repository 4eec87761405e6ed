"""Several runs side by side, their ensemble, and models mixed out of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.training.folders import write_class_folders

from smearlab.cli import call
from smearlab.data.read import read
from smearlab.errors import DataError, TrainingError
from smearlab.evaluation.brew import brew_soup, brew_wise_ft
from smearlab.evaluation.compare import compare, comparison_lines, read_answers
from smearlab.inference.predictor import Predictor
from smearlab.pipeline import run
from smearlab.training.run_folder import Run
from smearlab.training.state import load_weights

RECIPE = """
name = "tiny"
framing = { size = 24 }
split = { train = 0.5, validation = 0.25, test = 0.25, seed = 4 }
data = { near_duplicates = false }
augment = { policy = "flips" }
network = { backbone = "resnet18", options = { channels = [8, 8, 8, 8], layers = [1, 1, 1, 1] } }
precision = { mode = "float32" }
robustness = { pictures = 6, conditions = 1 }
phases = [{ epochs = 4, batch_size = 16, warmup_epochs = 0, learning_rate = 0.01 }]
"""


@dataclass(frozen=True)
class World:
    data: Path
    start: Path
    runs: tuple[Path, ...]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two runs from the weights of a third, as soups want them."""
    root = tmp_path_factory.mktemp("world")
    (root / "cells").mkdir()
    data = write_class_folders(root / "cells", per_class=24, size=24)
    (root / "tiny.toml").write_text(RECIPE)
    start = run(data, recipe=root / "tiny.toml", out=root / "start").path
    overrides = [f"network.weights={start / 'model' / 'weights.safetensors'}", "phases.0.epochs=2"]
    runs = [
        run(data, recipe=root / "tiny.toml", out=root / f"run{seed}", overrides=[*overrides, f"seed={seed}"]).path
        for seed in (1, 2)
    ]
    return World(data, start, tuple(runs))


class TestCompare:
    def test_each_run_keeps_its_own_figures(self, world: World) -> None:
        found = compare(world.runs)
        for row, path in zip(found.rows, world.runs, strict=True):
            own = json.loads((path / "metrics.json").read_text())["parts"]["test"]
            assert row["balanced_accuracy"]["value"] == pytest.approx(own["balanced_accuracy"]["value"])
        assert found.pictures == own["n"]
        assert found.rows[0]["difference"] is None
        paired = found.rows[1]["difference"]
        difference = found.rows[1]["balanced_accuracy"]["value"] - found.rows[0]["balanced_accuracy"]["value"]
        assert paired["value"] == pytest.approx(difference)
        assert paired["low"] <= paired["value"] <= paired["high"]
        assert found.notes == []

    def test_the_ensemble_is_the_mean_of_the_probabilities(self, world: World) -> None:
        rows = compare(world.runs, ensemble=True).rows
        assert [row["model"] for row in rows][2] == "ensemble"
        first, second = (read_answers(path) for path in world.runs)
        right = [
            first.class_names[int(np.argmax(first.probabilities[row] + second.probabilities[row]))] == label
            for row, label in first.labels.items()
        ]
        assert rows[2]["accuracy"]["value"] == pytest.approx(np.mean(right))

    def test_lines_and_file(self, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        call(["compare", *map(str, world.runs), "--out", str(tmp_path / "found.json")])
        printed = capsys.readouterr().out
        assert printed.rstrip("\n").splitlines() == comparison_lines(compare(world.runs))
        assert len(json.loads((tmp_path / "found.json").read_text())["models"]) == 2

    def test_what_cannot_be_compared_is_told(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="two runs or more"):
            compare(world.runs[:1])
        with pytest.raises(DataError, match=r"has no predictions\.csv"):
            compare([world.runs[0], tmp_path])

    def test_pictures_that_one_run_trained_on_are_left_out(self, world: World, tmp_path: Path) -> None:
        lines = (world.runs[1] / "predictions.csv").read_text().splitlines()
        place = next(number for number, line in enumerate(lines) if ",test," in line)
        lines[place] = lines[place].replace(",test,", ",train,")
        (tmp_path / "predictions.csv").write_text("\n".join(lines) + "\n")
        found = compare([world.runs[0], tmp_path])
        assert found.pictures == compare(world.runs).pictures - 1
        assert "the others are left out" in found.notes[0]

    def test_other_labels_are_other_data(self, world: World, tmp_path: Path) -> None:
        text = (world.runs[1] / "predictions.csv").read_text()
        (tmp_path / "predictions.csv").write_text(text.replace(",test,basophil,", ",test,eosinophil,"))
        with pytest.raises(DataError, match="other data"):
            compare([world.runs[0], tmp_path])


class TestBrew:
    def test_a_soup_is_a_run_of_its_own(self, world: World, tmp_path: Path) -> None:
        soup = brew_soup(world.runs, world.data, tmp_path / "soup")
        content = json.loads(soup.metrics.read_text())
        assert content["shipped"].startswith("soup of run")
        scores = [row["score"] for row in content["candidates"]]
        assert scores[-1] >= max(scores[:-1])
        assert soup.is_finished()
        pictures = np.asarray(read(world.data).images)[:3]
        assert len(Predictor.load(soup.path).predict(pictures)) == 3
        assert len(compare([*world.runs, soup.path]).rows) == 3

    def test_going_all_the_way_is_the_run_itself(self, world: World, tmp_path: Path) -> None:
        brewed = brew_wise_ft(world.runs[0], [1.0], world.data, tmp_path / "way")
        own, new = (load_weights(Run(path).model / "weights.safetensors") for path in (world.runs[0], brewed.path))
        assert all(np.array_equal(own[name], new[name]) for name in own if "running" not in name and "num" not in name)

    def test_runs_that_do_not_fit_are_told(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"differs from .* in network"):
            brew_soup([world.runs[0], world.start], world.data, tmp_path / "soup")
        with pytest.raises(TrainingError, match="Give --data"):
            brew_soup(world.runs, None, tmp_path / "soup")
        with pytest.raises(TrainingError, match="started from random weights"):
            brew_wise_ft(world.start, [0.5], world.data, tmp_path / "way")
        with pytest.raises(TrainingError, match="already exists"):
            brew_soup(world.runs, world.data, world.start)
        assert not (tmp_path / "soup").exists()
