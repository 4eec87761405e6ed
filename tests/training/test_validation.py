"""Measuring a network between epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, recall_score
from tests.training.tiny_training import tiny_data, tiny_recipe

from smearlab.training.devices import make_accelerator
from smearlab.training.sections import SelectionConfig
from smearlab.training.train import initial_network
from smearlab.training.validation import (
    Validator,
    class_recalls,
    noisy_copy,
    predict_logits,
    selection_score,
    validation_figures,
)

LOGITS = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 3, (40,), generator=torch.Generator().manual_seed(1))  # class 3 is absent


def test_figures_are_scikit_learns() -> None:
    figures = validation_figures(LOGITS, LABELS)
    named = LOGITS.argmax(1).numpy()
    assert figures["accuracy"] == pytest.approx(accuracy_score(LABELS, named))
    recall = recall_score(LABELS, named, labels=[0, 1, 2], average="macro")
    assert figures["balanced_accuracy"] == pytest.approx(recall)
    assert figures["loss"] == pytest.approx(float(F.cross_entropy(LOGITS, LABELS)))


def selection(metric: str, weight: float = 0.5) -> SelectionConfig:
    return SelectionConfig.model_validate({"metric": metric, "weight": weight, "suite": "bloodmnist-c"})


@pytest.mark.parametrize(("metric", "score"), [("accuracy", 0.7), ("balanced_accuracy", 0.6), ("loss", -0.4)])
def test_a_higher_score_is_better(metric: str, score: float) -> None:
    row = {"epoch": 3, "validation_accuracy": 0.7, "validation_balanced_accuracy": 0.6, "validation_loss": 0.4}
    assert selection_score(row, selection(metric)) == score


@pytest.mark.parametrize(
    ("metric", "weight", "score"),
    [
        ("balanced_accuracy", 0.5, 0.4),
        ("balanced_accuracy", 0.25, 0.5),
        ("loss", 0.5, -1.2),
        ("corrupted_balanced_accuracy", 0.5, 0.2),
        ("corrupted_loss", 0.5, -2.0),
    ],
)
def test_altered_pictures_have_their_weight(metric: str, weight: float, score: float) -> None:
    row = {
        **{"epoch": 3, "validation_balanced_accuracy": 0.6, "validation_loss": 0.4},
        **{"validation_corrupted_balanced_accuracy": 0.2, "validation_corrupted_loss": 2.0},
    }
    assert selection_score(row, selection(metric, weight)) == pytest.approx(score)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "loss"])
def test_without_validation_later_is_better(metric: str) -> None:
    rows: list[dict[str, Any]] = [{"epoch": epoch, f"validation_{metric}": None} for epoch in (1, 2)]
    assert selection_score(rows[0], selection(metric)) < selection_score(rows[1], selection(metric))


class Brightness(torch.nn.Module):
    """Two scores: the mean of the picture and whether the network is training."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = pictures.mean(dim=(1, 2, 3))
        return torch.stack([mean, torch.full_like(mean, float(self.training))], dim=1)


@pytest.mark.parametrize("count", [0, 1, 300])
def test_logits_come_in_the_order_of_the_positions(count: int) -> None:
    data = tiny_data(train=300, validation=0)
    positions = np.random.default_rng(0).permutation(300)[:count]
    network = Brightness().train()
    logits = predict_logits(network, data.images, positions, make_accelerator(tiny_recipe()), 2)
    assert logits.shape == (count, 2)
    expected = data.images[positions].reshape(count, -1).mean(axis=1) / 255 if count else np.zeros(0)
    np.testing.assert_allclose(logits[:, 0], expected, atol=1e-5)
    assert not logits[:, 1].any()


def test_recalls_are_scikit_learns_and_absent_classes_have_none() -> None:
    recalls = class_recalls(LOGITS, LABELS, ("a", "b", "c", "d"))
    expected = recall_score(LABELS, LOGITS.argmax(1).numpy(), labels=[0, 1, 2], average=None)
    assert list(recalls) == ["validation_recall_a", "validation_recall_b", "validation_recall_c"]
    assert list(recalls.values()) == pytest.approx(expected)


class TestNoise:
    GREY = np.full((3, 64, 64, 3), 128, np.uint8)

    def test_it_has_the_deviation_asked_for_and_the_seed_decides(self) -> None:
        noisy = noisy_copy(self.GREY, np.array([2, 0]), 0.1, seed=1)
        assert noisy.shape == (2, 64, 64, 3)
        assert noisy.astype(float).std() == pytest.approx(25.5, rel=0.03)
        assert noisy.mean() == pytest.approx(128, abs=1)
        assert not np.array_equal(noisy[0], noisy[1])
        np.testing.assert_array_equal(noisy, noisy_copy(self.GREY, np.array([2, 0]), 0.1, seed=1))
        assert not np.array_equal(noisy, noisy_copy(self.GREY, np.array([2, 0]), 0.1, seed=2))
        assert bool((self.GREY == 128).all()), "the data itself is left alone"

    def test_it_stays_in_range(self) -> None:
        white = noisy_copy(np.full((1, 32, 32, 3), 250, np.uint8), np.array([0]), 0.2, seed=0)
        assert white.max() == 255
        assert white.mean() > 200

    def test_validation_is_measured_on_noisy_pictures_and_their_own_labels(self) -> None:
        data, network = tiny_data(), initial_network(tiny_recipe(), 3)
        clean, noisy = (
            Validator(data, recipe, make_accelerator(recipe))
            for recipe in (tiny_recipe(), tiny_recipe("selection.noise=0.5"))
        )
        np.testing.assert_array_equal(noisy.images, noisy_copy(data.images, data.validation, 0.5, 0))
        first, second = clean.figures(network), noisy.figures(network)
        assert first["validation_loss"] != second["validation_loss"]
        assert noisy.figures(network) == second
