"""Averages of weights, interpolations, soups, and which of them ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.training.tiny_training import (
    StopAt,
    digest,
    quiet,
    tiny_data,
    tiny_recipe,
    train_tiny,
    without_times,
)
from torch import nn

from smearlab.errors import RecipeError, TrainingInterrupted
from smearlab.training import loop, validation
from smearlab.training.averaging import greedy_members, interpolated, mean_weights
from smearlab.training.job import FitResult
from smearlab.training.train import initial_network

SWA = ("averaging.swa_start=0.5", "averaging.swa_learning_rate=0.005", "phases.0.epochs=4", "augment.policy=light")
BOTH = (*SWA, "ema.decay=0.9", "averaging.ema_batch_norm=true", "head.dropout=0.2")


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"backbone.w": torch.full((2,), value), "head.w": torch.full((2,), value), "n": torch.tensor(int(value))}


class TestWeights:
    def test_the_way_from_start_to_end(self) -> None:
        mixed = interpolated(weights(0.0), weights(4.0), 0.25)
        assert mixed["backbone.w"].tolist() == mixed["head.w"].tolist() == [1.0, 1.0]
        assert int(mixed["n"]) == 4

    def test_only_the_backbone_goes_back(self) -> None:
        mixed = interpolated(weights(0.0), weights(4.0), 0.25, "backbone.")
        assert (mixed["backbone.w"].tolist(), mixed["head.w"].tolist()) == ([1.0, 1.0], [4.0, 4.0])

    def test_the_mean(self) -> None:
        mean = mean_weights([weights(1.0), weights(2.0), weights(6.0)])
        assert mean["head.w"].tolist() == [3.0, 3.0]
        assert int(mean["n"]) == 1

    def test_a_greedy_soup_keeps_what_does_not_lower_the_score(self) -> None:
        """The score is the closeness to 5: of 4, 7 and -9, the first two together are better than each alone."""
        soup = greedy_members(
            [weights(7.0), weights(-9.0), weights(4.0)], lambda one: -abs(float(one["head.w"][0]) - 5)
        )
        assert soup.members == [2, 0]
        assert soup.score == pytest.approx(-0.5)
        assert soup.scores == pytest.approx([-2.0, -14.0, -1.0])


def script_scores(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    left = iter(scores)

    def figures(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
        score = next(left)
        return {"loss": 1 - score, "accuracy": score, "balanced_accuracy": score}

    monkeypatch.setattr(validation, "validation_figures", figures)


class TestStochastic:
    def test_it_is_the_mean_of_the_later_epochs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script_scores(monkeypatch, [0.1, 0.2, 0.3, 0.4, 0.9])
        kept: list[dict[str, torch.Tensor]] = []
        recipe = tiny_recipe("averaging.swa_start=0.5", "phases.0.epochs=4")
        network = initial_network(recipe, 3)

        def keep(rows: list[dict[str, Any]]) -> None:
            kept.append({name: tensor.clone() for name, tensor in network.state_dict().items()})

        result = loop.fit(network, tiny_data(), recipe, tmp_path, quiet(), keep)
        assert result.shipped == "stochastic average"
        for name in ("head.0.weight", "backbone.conv1.weight"):
            torch.testing.assert_close(result.weights[name], (kept[2][name] + kept[3][name]) / 2)

    def test_its_batch_statistics_are_measured_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script_scores(monkeypatch, [0.1, 0.2, 0.3])
        data = tiny_data()
        recipe = tiny_recipe("averaging.swa_start=0.0", "augment.policy=none")
        result = train_tiny(tmp_path, recipe, data)
        network = initial_network(recipe, 3).eval()
        network.load_state_dict(result.weights)
        seen: list[torch.Tensor] = []
        first = network.backbone.get_submodule("bn1")
        first.register_forward_hook(lambda module, given, out: seen.append(given[0]))
        with torch.no_grad():
            network(torch.from_numpy(data.images[data.train]).permute(0, 3, 1, 2) / 255)
        assert isinstance(first, nn.BatchNorm2d)
        assert first.running_mean is not None
        torch.testing.assert_close(first.running_mean, seen[0].mean(dim=(0, 2, 3)), atol=1e-4, rtol=1e-3)

    @pytest.mark.parametrize(("scores", "shipped"), [([0.9, 0.2, 0.5], "epoch 1"), ([0.1, 0.2, 0.2], "epoch 2")])
    def test_what_is_not_better_does_not_ship(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: list[float], shipped: str
    ) -> None:
        script_scores(monkeypatch, scores)
        result = train_tiny(tmp_path, tiny_recipe("averaging.swa_start=0.1"))
        assert result.shipped == shipped
        assert [row["weights"] for row in result.candidates] == [shipped, "stochastic average"]
        assert result.candidates[1]["score"] == scores[2]

    def test_without_validation_the_average_is_trusted(self, tmp_path: Path) -> None:
        result = train_tiny(tmp_path, tiny_recipe("averaging.swa_start=0.1"), tiny_data(validation=0))
        assert result.shipped == "stochastic average"

    def test_an_average_of_nothing_is_no_candidate(self, tmp_path: Path) -> None:
        result = train_tiny(tmp_path, tiny_recipe("averaging.swa_start=0.9", "averaging.swa_every=500"))
        assert (result.shipped, result.candidates) == (f"epoch {result.progress.best_epoch}", [])

    @pytest.mark.parametrize("overrides", [(), ("precision.mode=bfloat16", "averaging.swa_every=2")])
    def test_a_resumed_run_ships_the_same(self, tmp_path: Path, overrides: tuple[str, ...]) -> None:
        recipe = tiny_recipe(*BOTH, *overrides)
        whole = train_tiny(tmp_path / "whole", recipe)
        for step in (8, 3):
            with pytest.raises(TrainingInterrupted):
                train_tiny(tmp_path / "stopped", recipe, display=StopAt(step))
        resumed = train_tiny(tmp_path / "stopped", recipe)
        assert digest(resumed.weights) == digest(whole.weights)
        assert resumed.candidates == whole.candidates
        assert [row["weights"] for row in whole.candidates[1:]] == [
            "exponential average, batch statistics measured anew",
            "stochastic average",
        ]
        assert without_times(resumed.progress.history) == without_times(whole.progress.history)


class TestInterpolation:
    @pytest.fixture
    def local(self, tmp_path: Path) -> str:
        start = initial_network(tiny_recipe("seed=9"), 3).backbone.state_dict()
        save_file(start, tmp_path / "start.safetensors")
        return f"network.weights={tmp_path / 'start.safetensors'}"

    def fitted(self, folder: Path, *overrides: str) -> FitResult:
        return train_tiny(folder, tiny_recipe("averaging.wise_ft=[0.0, 0.5]", "phases.0.epochs=1", *overrides))

    def test_the_start_itself_can_be_gone_back_to(
        self, tmp_path: Path, local: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script_scores(monkeypatch, [0.1, 0.9, 0.2])
        result = self.fitted(tmp_path / "run", local)
        start = initial_network(tiny_recipe("seed=9"), 3).backbone.state_dict()
        assert result.shipped == "0 of the way from the start"
        torch.testing.assert_close(result.weights["backbone.conv1.weight"], start["conv1.weight"])

    def test_a_head_trained_beforehand_goes_back_too(
        self, tmp_path: Path, local: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script_scores(monkeypatch, [0.1, 0.2, 0.9, 0.3])
        heads: list[torch.Tensor] = []
        recipe = tiny_recipe(
            "averaging.wise_ft=[0.0, 0.5]",
            local,
            "phases=[{epochs = 1, warmup_epochs = 0, batch_size = 16, trainable = {share = 0.0}}, "
            "{epochs = 1, warmup_epochs = 0, batch_size = 16}]",
        )
        network = initial_network(recipe, 3)

        def keep(rows: list[dict[str, Any]]) -> None:
            heads.append(network.state_dict()["head.0.weight"].clone())

        result = loop.fit(network, tiny_data(), recipe, tmp_path / "run", quiet(), keep)
        torch.testing.assert_close(result.weights["head.0.weight"], heads[0])
        assert not torch.equal(heads[0], heads[1])

    def test_random_starts_are_refused(self) -> None:
        with pytest.raises(RecipeError, match=r"network\.weights is 'none'"):
            tiny_recipe("averaging.wise_ft=[0.5]")
