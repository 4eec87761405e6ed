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
from smearlab.training.validation import predict_logits, selection_score, validation_figures

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
