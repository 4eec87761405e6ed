"""The training loop on a tiny network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from tests.training.tiny_training import (
    EVERYTHING,
    StopAt,
    digest,
    quiet,
    tiny_data,
    tiny_recipe,
    train_tiny,
    without_times,
)

from smearlab.augment import policy
from smearlab.errors import TrainingError, TrainingInterrupted
from smearlab.training import batches, loop, losses, state, validation
from smearlab.training.job import FitResult
from smearlab.training.recipe import OptimiserName, ScheduleName
from smearlab.training.schedule import learning_rate
from smearlab.training.train import initial_network

STEPS = 3  # 48 pictures in batches of 16

ONE_ORDER = (*EVERYTHING, "balance.kind=none")

HISTORY_KEYS = {
    *("epoch", "phase", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    *("validation_balanced_accuracy", "validation_macro_f1", "learning_rate", "pictures_per_second", "seconds"),
}


def script_validation(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Make validation report these scores, one per epoch."""
    left = iter(scores)

    def figures(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
        score = next(left)
        return {"loss": 1 - score, "accuracy": score, "balanced_accuracy": score}

    monkeypatch.setattr(validation, "validation_figures", figures)


class TestLearning:
    def test_learns_far_above_chance_and_writes_its_history(self, tmp_path: Path) -> None:
        seen: list[int] = []
        recipe = tiny_recipe("phases.0.epochs=10")
        result = train_tiny(tmp_path, recipe, on_epoch=lambda rows: seen.append(len(rows)))
        rows = result.progress.history
        assert seen == list(range(1, 11))
        assert [row["epoch"] for row in rows] == seen
        assert all(set(row) == HISTORY_KEYS for row in rows)
        assert max(row["validation_balanced_accuracy"] for row in rows) > 0.9
        assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
        assert all(row["seconds"] > 0 and row["pictures_per_second"] > 0 for row in rows)

    def test_the_weights_returned_are_those_that_scored(self, tmp_path: Path) -> None:
        data, recipe = tiny_data(), tiny_recipe("phases.0.epochs=8")
        result = train_tiny(tmp_path, recipe, data)
        network = initial_network(recipe, 3).eval()
        network.load_state_dict(result.weights)
        with torch.no_grad():
            logits = network(torch.from_numpy(data.images[data.validation]).permute(0, 3, 1, 2) / 255)
        accuracy = float((logits.argmax(1).numpy() == data.labels[data.validation]).mean())
        assert accuracy == pytest.approx(result.progress.history[result.progress.best_epoch - 1]["validation_accuracy"])

    @pytest.mark.parametrize("overrides", [(), EVERYTHING], ids=["plain", "everything"])
    def test_two_runs_are_identical(self, tmp_path: Path, overrides: tuple[str, ...]) -> None:
        first, second = (train_tiny(tmp_path / name, tiny_recipe(*overrides)) for name in "ab")
        assert digest(first.weights) == digest(second.weights)
        assert without_times(first.progress.history) == without_times(second.progress.history)

    def test_another_seed_gives_another_run(self, tmp_path: Path) -> None:
        first, second = (train_tiny(tmp_path / seed, tiny_recipe(f"seed={seed}")) for seed in "12")
        assert digest(first.weights) != digest(second.weights)

    def test_training_leaves_the_callers_random_numbers_alone(self, tmp_path: Path) -> None:
        before = torch.get_rng_state()
        train_tiny(tmp_path, tiny_recipe("head.dropout=0.5", "phases.0.epochs=1"))
        assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    return train_tiny(tmp_path_factory.mktemp("whole"), tiny_recipe(*ONE_ORDER))


class TestStopping:
    @pytest.mark.parametrize("step", [1, 3, 5])
    def test_ctrl_c_saves_and_resuming_loses_nothing(self, tmp_path: Path, whole: FitResult, step: int) -> None:
        with pytest.raises(TrainingInterrupted, match=rf"epoch {-(-step // STEPS)} after {step} steps.*--resume"):
            train_tiny(tmp_path, tiny_recipe(*ONE_ORDER), display=StopAt(step))
        resumed = train_tiny(tmp_path, tiny_recipe(*ONE_ORDER))
        assert digest(resumed.weights) == digest(whole.weights)
        assert without_times(resumed.progress.history) == without_times(whole.progress.history)
        assert resumed.progress.steps_done == 2 * STEPS

    def test_stopping_and_resuming_across_phases(self, tmp_path: Path) -> None:
        recipe = two_phases()
        whole = train_tiny(tmp_path / "whole", recipe)
        for step in (STEPS, 2 * STEPS - 1):  # at the end of the first phase, then within the second
            with pytest.raises(TrainingInterrupted):
                train_tiny(tmp_path / "stopped", recipe, display=StopAt(step))
        assert digest(train_tiny(tmp_path / "stopped", recipe).weights) == digest(whole.weights)

    def test_a_finished_run_is_not_trained_again(self, tmp_path: Path) -> None:
        recipe, epochs = tiny_recipe(), []
        first = train_tiny(tmp_path, recipe)
        again = train_tiny(tmp_path, recipe, on_epoch=lambda rows: epochs.append(len(rows)))
        assert digest(first.weights) == digest(again.weights)
        assert epochs == [2]  # told of the finished epochs once, in case the last telling was lost

    def test_a_checkpoint_of_other_data_is_refused(self, tmp_path: Path) -> None:
        train_tiny(tmp_path, tiny_recipe())
        with pytest.raises(TrainingError, match="not the one this run was started with"):
            train_tiny(tmp_path, tiny_recipe(), tiny_data(train=45))

    def test_a_checkpoint_is_saved_within_an_epoch_when_it_is_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps: list[int] = []
        monkeypatch.setattr(state, "save_checkpoint", lambda folder, kept: steps.append(kept.progress.step))
        train_tiny(tmp_path, tiny_recipe("checkpoint.every_minutes=1e-9", "phases.0.epochs=1"))
        assert steps == [1, 2, 3, 0]


class TestNoNumber:
    def test_a_loss_that_is_no_number_stops_with_advice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        right = losses.classification_loss
        monkeypatch.setattr(losses, "classification_loss", lambda *given: right(*given) * torch.nan)
        overrides = ("precision.mode=bfloat16", "phases.0.learning_rate=0.3")
        with pytest.raises(TrainingError) as caught:
            train_tiny(tmp_path, tiny_recipe(*overrides))
        message = str(caught.value)
        assert "epoch 1, step 1 (phase 'train', learning rate 0.3, bfloat16)" in message
        assert "lower phases.0.learning_rate (try 0.1)" in message
        assert "precision.mode = 'float32'" in message
        assert "clip_gradient" not in message

    def test_a_huge_learning_rate_is_diagnosed(self, tmp_path: Path) -> None:
        overrides = ("phases.0.optimiser=sgd", "phases.0.learning_rate=1e30", "regularisation.clip_gradient=0")
        with pytest.raises(TrainingError, match=r"weights are no longer finite, first '.*clip_gradient = 1\.0"):
            train_tiny(tmp_path, tiny_recipe(*overrides))


class TestSchedules:
    @pytest.mark.parametrize("name", get_args(ScheduleName))
    def test_the_rate_follows_the_schedule(self, tmp_path: Path, name: str) -> None:
        recipe = tiny_recipe(f"phases.0.schedule={name}", "phases.0.epochs=3", "phases.0.warmup_epochs=1")
        rows = train_tiny(tmp_path, recipe).progress.history
        expected = [learning_rate(recipe.phases[0], STEPS * epoch - 1, STEPS) for epoch in (1, 2, 3)]
        assert [row["learning_rate"] for row in rows] == pytest.approx(expected)

    def test_plateau_lowers_the_rate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script_validation(monkeypatch, [0.5, 0.5, 0.5, 0.6, 0.5, 0.5, 0.5])
        overrides = ("phases.0.schedule=plateau", "phases.0.plateau_patience=2", "phases.0.plateau_factor=0.1")
        rows = train_tiny(tmp_path, tiny_recipe(*overrides, "phases.0.epochs=7")).progress.history
        expected = [0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001]
        assert [row["learning_rate"] for row in rows] == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("scores", "min_delta", "epochs"),
        [([0.5] * 9, 0.0, 3), ([0.5, 0.5, 0.6, 0.6, 0.6], 0.0, 5), ([0.5, 0.52, 0.54, 0.9], 0.1, 3)],
    )
    def test_early_stopping_ends_the_phase(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: list[float], min_delta: float, epochs: int
    ) -> None:
        script_validation(monkeypatch, scores)
        stopping = f"phases.0.early_stopping={{patience = 2, min_delta = {min_delta}}}"
        result = train_tiny(tmp_path, tiny_recipe(stopping, "phases.0.epochs=9", "phases.0.schedule=constant"))
        assert len(result.progress.history) == epochs


def two_phases() -> Any:
    return tiny_recipe(
        "phases=[{name = 'head', epochs = 1, batch_size = 16, warmup_epochs = 0, trainable = {share = 0.0}}, "
        "{name = 'all', epochs = 2, batch_size = 16, warmup_epochs = 0, optimiser = 'sgd', learning_rate = 0.1}]"
    )


class TestPhases:
    def test_a_frozen_backbone_stays_until_the_next_phase(self, tmp_path: Path) -> None:
        after_first: dict[str, torch.Tensor] = {}
        recipe, data = two_phases(), tiny_data()
        network = initial_network(recipe, 3)
        before = {name: value.clone() for name, value in network.state_dict().items()}

        def keep_first(rows: list[dict[str, Any]]) -> None:
            if len(rows) == 1:
                after_first.update({name: value.clone() for name, value in network.state_dict().items()})

        result = loop.fit(network, data, recipe, tmp_path, quiet(), keep_first)
        assert [row["phase"] for row in result.progress.history] == ["head", "all", "all"]
        changed = {name for name in before if not torch.equal(before[name], after_first[name])}
        assert changed == {"head.0.weight", "head.0.bias"}
        end = network.state_dict()
        assert not torch.equal(end["backbone.conv1.weight"], before["backbone.conv1.weight"])
        assert not torch.equal(end["backbone.bn1.running_mean"], before["backbone.bn1.running_mean"])


class TestSelection:
    @pytest.mark.parametrize(("keep", "epochs"), [("best", 2), ("last", 3)])
    def test_the_kept_epoch_is_the_one_asked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, epochs: int
    ) -> None:
        script_validation(monkeypatch, [0.5, 0.9, 0.3, *[0.5] * epochs])
        fixed = ("phases.0.schedule=constant", "ema.decay=0.5")
        result = train_tiny(tmp_path / "kept", tiny_recipe(*fixed, "phases.0.epochs=3", f"selection.keep={keep}"))
        short = train_tiny(tmp_path / "short", tiny_recipe(*fixed, f"phases.0.epochs={epochs}", "selection.keep=last"))
        assert result.progress.best_epoch == epochs
        assert digest(result.weights) == digest(short.weights)

    def test_by_loss_lower_is_better(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script_validation(monkeypatch, [0.5, 0.9, 0.3])
        result = train_tiny(tmp_path, tiny_recipe("phases.0.epochs=3", "selection.metric=loss"))
        assert result.progress.best_epoch == 2

    def test_without_validation_the_last_epoch_is_kept(self, tmp_path: Path) -> None:
        result = train_tiny(tmp_path, tiny_recipe(), tiny_data(validation=0))
        assert result.progress.best_epoch == 2
        assert [row["validation_loss"] for row in result.progress.history] == [None, None]

    def test_the_averaged_weights_are_what_is_shipped(self, tmp_path: Path) -> None:
        recipe = tiny_recipe("ema.decay=0.99", "ema.warmup=false", "selection.keep=last")
        network = initial_network(recipe, 3)
        start = network.state_dict()["head.0.weight"].clone()
        result = loop.fit(network, tiny_data(), recipe, tmp_path, quiet(), lambda rows: None)
        end, average = network.state_dict()["head.0.weight"], result.weights["head.0.weight"]
        assert float((average - start).norm()) < 0.7 * float((end - start).norm())
        assert not torch.equal(average, start)


class TestCurriculum:
    def test_augmentation_is_told_how_far_training_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[float] = []
        drawn: Any = policy.draw

        def spy(*given: Any, progress: float) -> Any:
            told.append(progress)
            return drawn(*given, progress=progress)

        monkeypatch.setattr(batches, "draw", spy)
        train_tiny(tmp_path, two_phases())
        assert told == pytest.approx([step / 9 for step in range(9)])


class TestOptions:
    @pytest.mark.parametrize("name", get_args(OptimiserName))
    def test_every_optimiser_takes_steps(self, tmp_path: Path, name: str) -> None:
        recipe = tiny_recipe("phases.0.epochs=1", f"phases.0.optimiser={name}")
        start = initial_network(recipe, 3).state_dict()
        end = train_tiny(tmp_path, recipe, tiny_data(train=18)).weights
        assert not torch.equal(start["backbone.conv1.weight"], end["backbone.conv1.weight"])

    def test_the_gradient_is_clipped(self, tmp_path: Path) -> None:
        sgd = ("phases.0.optimiser=sgd", "phases.0.momentum=0.0", "phases.0.weight_decay=0.0", "phases.0.epochs=1")
        recipe = tiny_recipe(*sgd, "phases.0.learning_rate=1.0", "regularisation.clip_gradient=1e-3")
        network = initial_network(recipe, 3)
        start = torch.cat([weight.detach().flatten().clone() for weight in network.parameters()])
        loop.fit(network, tiny_data(train=16), recipe, tmp_path, quiet(), lambda rows: None)
        end = torch.cat([weight.detach().flatten() for weight in network.parameters()])
        assert float((end - start).norm()) == pytest.approx(1e-3, rel=0.02)

    def test_dense_weights_are_penalised(self, tmp_path: Path) -> None:
        norms = {}
        for l2 in (0.0, 1.0):
            recipe = tiny_recipe(f"regularisation.l2={l2}", "phases.0.epochs=4", "selection.keep=last")
            norms[l2] = float(train_tiny(tmp_path / str(l2), recipe).weights["head.0.weight"].norm())
        assert norms[1.0] < 0.9 * norms[0.0]

    def test_a_small_set_is_shown_several_times(self, tmp_path: Path) -> None:
        recipe = tiny_recipe("phases.0.epochs=1", "phases.0.min_steps_per_epoch=7")
        assert train_tiny(tmp_path, recipe).progress.steps_done == 7

    def test_a_set_smaller_than_a_batch_is_one_batch(self, tmp_path: Path) -> None:
        recipe = tiny_recipe("phases.0.epochs=1", "phases.0.batch_size=500")
        result = train_tiny(tmp_path, recipe)
        assert (result.progress.steps_done, result.progress.history[0]["train_accuracy"] >= 0) == (1, True)

    def test_float16_runs(self, tmp_path: Path) -> None:
        weights = train_tiny(tmp_path, tiny_recipe("precision.mode=float16", "phases.0.epochs=1")).weights
        assert all(bool(torch.isfinite(tensor).all()) for tensor in weights.values())
