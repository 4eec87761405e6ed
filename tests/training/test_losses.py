"""Losses against PyTorch and against their published formulae."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from smearlab.training.losses import class_weights, classification_loss, jensen_shannon, penalty, soft_targets
from smearlab.training.recipe import BalanceConfig, LossConfig, RegularisationConfig

CLASSES = 4
LOGITS = torch.randn(10, CLASSES, generator=torch.Generator().manual_seed(0)) * 3
LABELS = torch.arange(10) % CLASSES
ONES = torch.ones(CLASSES)
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 4.0])


def loss(targets: torch.Tensor, weights: torch.Tensor = ONES, **config: object) -> torch.Tensor:
    return classification_loss(LOGITS, targets, weights, LossConfig.model_validate(config))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_pytorchs(smoothing: float) -> None:
    expected = F.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing)
    torch.testing.assert_close(loss(soft_targets(LABELS, CLASSES, smoothing)), expected)


def test_cross_entropy_on_mixed_labels_is_pytorchs() -> None:
    soft = torch.softmax(torch.randn(10, CLASSES, generator=torch.Generator().manual_seed(1)), dim=1)
    torch.testing.assert_close(loss(soft), F.cross_entropy(LOGITS, soft))
    torch.testing.assert_close(loss(soft, WEIGHTS), F.cross_entropy(LOGITS, soft, weight=WEIGHTS))


def test_class_weights_scale_each_pictures_loss() -> None:
    each = F.cross_entropy(LOGITS, LABELS, reduction="none")
    torch.testing.assert_close(loss(soft_targets(LABELS, CLASSES, 0), WEIGHTS), (each * WEIGHTS[LABELS]).mean())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_loss_is_the_published_one(gamma: float) -> None:
    right = torch.softmax(LOGITS, dim=1)[torch.arange(10), LABELS]
    expected = (-((1 - right) ** gamma) * right.log() * WEIGHTS[LABELS]).mean()
    torch.testing.assert_close(loss(soft_targets(LABELS, CLASSES, 0), WEIGHTS, kind="focal", gamma=gamma), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_has_a_gradient_where_the_network_is_certain(gamma: float) -> None:
    logits = torch.tensor([[60.0, 0.0], [0.0, 60.0]], requires_grad=True)
    config = LossConfig(kind="focal", gamma=gamma)
    classification_loss(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.ones(2), config).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    assert float(logits.grad[1].abs().max()) > 0


def test_half_precision_logits_are_measured_in_full() -> None:
    half = classification_loss(LOGITS.bfloat16(), soft_targets(LABELS, CLASSES, 0), ONES, LossConfig())
    assert half.dtype == torch.float32


def test_soft_targets_are_probabilities() -> None:
    soft = soft_targets(LABELS, CLASSES, 0.2)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(10))
    assert float(soft[0, 0]) == pytest.approx(0.85)
    assert float(soft[0, 1]) == pytest.approx(0.05)


class TestClassWeights:
    COUNTS = np.array([10, 30, 60])

    def test_full_power_is_scikit_learns_balanced(self) -> None:
        labels = np.repeat([0, 1, 2], self.COUNTS)
        expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
        weights = class_weights(self.COUNTS, BalanceConfig(kind="class_weights"))
        np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
        assert float((weights * torch.from_numpy(self.COUNTS)).sum()) == pytest.approx(100)

    def test_half_power_is_its_root(self) -> None:
        whole, root = (class_weights(self.COUNTS, BalanceConfig(kind="class_weights", power=p)) for p in (1, 0.5))
        torch.testing.assert_close(root, whole.sqrt())

    def test_a_class_without_pictures_weighs_nothing(self) -> None:
        weights = class_weights(np.array([4, 0, 4]), BalanceConfig(kind="class_weights"))
        assert weights.tolist() == pytest.approx([8 / 12, 0, 8 / 12])

    @pytest.mark.parametrize("kind", ["none", "oversample", "batches"])
    def test_other_kinds_weigh_all_alike(self, kind: str) -> None:
        assert class_weights(self.COUNTS, BalanceConfig.model_validate({"kind": kind})).tolist() == [1, 1, 1]


def test_penalty_is_on_dense_weights_alone() -> None:
    head = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    for parameter in head.parameters():
        nn.init.constant_(parameter.requires_grad_(False), -2.0)
    assert penalty(head, RegularisationConfig()) == 0.0
    assert float(penalty(head, RegularisationConfig(l1=0.5))) == pytest.approx(0.5 * 6 * 2)
    assert float(penalty(head, RegularisationConfig(l1=0.5, l2=0.1))) == pytest.approx(6 + 0.1 * 6 * 4)


class TestJensenShannon:
    def test_it_is_the_published_code(self) -> None:
        """As in the AugMix authors' cifar.py."""
        views = torch.randn(3, 10, CLASSES, generator=torch.Generator().manual_seed(2))
        clean, first, second = (F.softmax(view, dim=1) for view in views)
        mixture = torch.clamp((clean + first + second) / 3.0, 1e-7, 1).log()
        expected = sum(F.kl_div(mixture, view, reduction="batchmean") for view in (clean, first, second)) / 3.0
        torch.testing.assert_close(jensen_shannon(views.flatten(0, 1), 3), torch.as_tensor(expected))

    def test_views_that_agree_cost_nothing(self) -> None:
        assert float(jensen_shannon(LOGITS.repeat(3, 1), 3)) == pytest.approx(0.0, abs=1e-6)

    def test_it_is_bounded_and_has_a_gradient_at_the_bound(self) -> None:
        sure = (torch.eye(3) * 200).requires_grad_()  # three views of one picture, each sure of another class
        divergence = jensen_shannon(sure, 3)
        assert divergence.item() == pytest.approx(np.log(3), rel=1e-5)
        (gradient,) = torch.autograd.grad(divergence, sure)
        assert bool(torch.isfinite(gradient).all())
