"""From split cells to a model folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.tiny_training import DEEPER, digest, tiny_cells, tiny_recipe

from smearlab.data.cells import Cells
from smearlab.data.split import Split
from smearlab.errors import TrainingError
from smearlab.inference.predictor import Predictor
from smearlab.networks.build import build_network
from smearlab.training import train as module
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.state import load_weights
from smearlab.training.train import (
    Trained,
    data_fingerprint,
    decide_precision,
    initial_network,
    train_model,
    with_precision,
)

CELLS = tiny_cells(20)
SPLIT = Split(np.arange(0, 42), np.arange(42, 51), np.arange(51, 60))


@dataclass(frozen=True)
class Finished:
    run: Run
    trained: Trained


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    run = Run(tmp_path_factory.mktemp("run"))
    recipe = tiny_recipe(DEEPER, "phases.0.epochs=6", "precision.mode=auto", "ema.decay=0.5", "seed=3")
    trained = train_model(initial_network(recipe, 3), CELLS, SPLIT, recipe, run, tensorboard=True)
    assert trained is not None
    return Finished(run, trained)


class TestTrainModel:
    def test_the_model_folder_holds_the_selected_weights(self, finished: Finished) -> None:
        weights = load_weights(finished.run.model / "weights.safetensors")
        assert digest(weights) == digest(finished.trained.fitted.weights)
        assert not (finished.run.checkpoints / "model.safetensors").exists()

    def test_the_exported_model_says_what_the_network_says(self, finished: Finished) -> None:
        recipe = finished.trained.recipe
        network = build_network(recipe.network, recipe.head, 3, size=24).eval()
        network.load_state_dict(load_weights(finished.run.model / "weights.safetensors"))
        images = np.asarray(CELLS.images)[SPLIT.test]
        with torch.no_grad():
            expected = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).numpy()
        predictions = Predictor.load(finished.run.model).predict(images)
        np.testing.assert_allclose(predictions.logits, expected, atol=1e-3)
        assert predictions.class_names == CELLS.class_names
        assert (predictions.label_indices == CELLS.known_labels[SPLIT.test]).mean() > 0.6
        assert 0 <= finished.trained.onnx_difference < 1e-3

    def test_where_it_comes_from_is_written_down(self, finished: Finished) -> None:
        info = Predictor.load(finished.run.model).info
        assert (info.name, info.provenance.data, info.provenance.rows) == ("tiny", "tiny", 42)
        assert info.provenance.class_counts == dict.fromkeys(CELLS.class_names, 14)
        assert info.provenance.seed == 3
        assert {"torch", "timm", "smearlab"} <= set(info.provenance.versions)
        assert info.network.parameters == finished.trained.parameters > 10_000
        assert info.framing == finished.trained.recipe.framing

    def test_the_measured_precision_stands_in_the_runs_recipe(self, finished: Finished) -> None:
        kept = load_recipe(finished.run.recipe)
        assert kept == finished.trained.recipe
        assert kept.precision.mode in ("float32", "bfloat16")

    def test_history_and_event_files_are_written(self, finished: Finished) -> None:
        rows = finished.run.read_history()
        assert rows == finished.trained.fitted.progress.history
        assert len(rows) == 6
        (events,) = finished.run.board.glob("events.out.tfevents.*")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        board = EventAccumulator(str(events)).Reload()
        accuracy = [event.value for event in board.Scalars("validation/balanced_accuracy")]
        assert accuracy == pytest.approx([row["validation_balanced_accuracy"] for row in rows], abs=1e-6)

    def test_a_split_without_training_pictures_is_refused(self, tmp_path: Path) -> None:
        nothing = np.zeros(0, dtype=np.int64)
        split = Split(nothing, SPLIT.validation, SPLIT.test)
        with pytest.raises(TrainingError, match="leaves no picture to train on"):
            train_model(initial_network(tiny_recipe(), 3), CELLS, split, tiny_recipe(), Run(tmp_path))


class TestPrecision:
    @pytest.fixture(autouse=True)
    def _measured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "choose_precision", lambda *given: "bfloat16")

    def test_auto_is_decided_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        recipe, run = tiny_recipe("precision.mode=auto"), Run(tmp_path)
        network = initial_network(recipe, 3)
        assert decide_precision(network, recipe, run).precision.mode == "bfloat16"
        assert load_recipe(run.recipe).precision.mode == "bfloat16"
        monkeypatch.setattr(module, "choose_precision", pytest.fail)
        assert decide_precision(network, recipe, run) == with_precision(recipe, "bfloat16")

    def test_what_the_recipe_says_is_not_measured(self, tmp_path: Path) -> None:
        recipe = tiny_recipe("precision.mode=float32")
        assert decide_precision(initial_network(recipe, 3), recipe, Run(tmp_path)) == recipe
        assert load_recipe(Run(tmp_path).recipe) == recipe


def test_the_seed_decides_the_starting_weights_and_nothing_else_moves() -> None:
    before = torch.get_rng_state()
    first, again, other = (initial_network(tiny_recipe(f"seed={seed}"), 3) for seed in (1, 1, 2))
    assert digest(first.state_dict()) == digest(again.state_dict())
    assert digest(first.state_dict()) != digest(other.state_dict())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_fingerprint_sees_every_change_of_the_data() -> None:
    def fingerprint(cells: Cells = CELLS, split: Split = SPLIT) -> str:
        return data_fingerprint(np.asarray(cells.images), cells, split)

    brighter = np.asarray(CELLS.images).copy()
    brighter[-1, -1, -1, -1] ^= 1
    relabelled = CELLS.known_labels.copy()
    relabelled[0] = 1
    others = [
        fingerprint(replace(CELLS, images=brighter)),
        fingerprint(replace(CELLS, labels=relabelled)),
        fingerprint(replace(CELLS, class_names=("a", "b", "c"))),
        fingerprint(split=replace(SPLIT, train=SPLIT.train[1:])),
        fingerprint(split=replace(SPLIT, train=SPLIT.train[:-1], validation=np.arange(41, 51))),
    ]
    assert len({fingerprint(), *others}) == 6
    assert fingerprint() == fingerprint(replace(CELLS, name="other", sources=CELLS.sources[::-1]))
