"""Losses against PyTorch and against their published formulae."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from smearlab.networks.build import CellNetwork
from smearlab.networks.config import HeadConfig
from smearlab.networks.heads import build_head
from smearlab.training.losses import classification_loss, jensen_shannon, penalty, soft_targets
from smearlab.training.recipe import LossConfig, RegularisationConfig

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


def network_of_twos(head: HeadConfig) -> CellNetwork:
    """Two convolution weights and a head; every weight is -2."""
    network = CellNetwork(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), build_head(2, 1, head), "unit")
    for parameter in network.parameters():
        nn.init.constant_(parameter, -2.0)
    return network


class TestPenalty:
    HIDDEN = HeadConfig(layers=(3,), normalisation="layer")  # six weights, then three

    def size(self, head: HeadConfig = HIDDEN, **config: object) -> float:
        cost = penalty(network_of_twos(head), RegularisationConfig.model_validate(config), head)
        return cost.item() if isinstance(cost, torch.Tensor) else cost

    def test_it_is_on_dense_weights_alone(self) -> None:
        assert self.size() == 0.0
        assert self.size(l1=0.5) == pytest.approx(0.5 * 9 * 2)
        assert self.size(l1=0.5, l2=0.1) == pytest.approx(0.5 * 9 * 2 + 0.1 * 9 * 4)

    def test_or_on_convolutions_as_well(self) -> None:
        assert self.size(l1=0.5, l2=0.1, scope="all") == pytest.approx(0.5 * 11 * 2 + 0.1 * 11 * 4)

    def test_each_layer_of_the_head_may_have_its_own(self) -> None:
        head = self.HIDDEN.model_copy(update={"l1": (0.1, 0.0), "l2": 0.2})
        assert self.size(head) == pytest.approx(0.1 * 6 * 2 + 0.2 * 6 * 4)
        assert self.size(head, l2=1.0) == pytest.approx(0.1 * 6 * 2 + 0.2 * 6 * 4 + 9 * 4)

    def test_what_is_frozen_costs_nothing_and_the_rest_is_drawn_to_nought(self) -> None:
        network = network_of_twos(self.HIDDEN)
        network.backbone.requires_grad_(False)
        cost = penalty(network, RegularisationConfig(l2=0.1, scope="all"), self.HIDDEN)
        assert isinstance(cost, torch.Tensor)
        assert cost.item() == pytest.approx(0.1 * 9 * 4)
        cost.backward()  # type: ignore[no-untyped-call]
        dense = [layer for layer in network.head.modules() if isinstance(layer, nn.Linear)]
        assert all(layer.weight.grad is not None and bool((layer.weight.grad == -0.4).all()) for layer in dense)
        assert all(layer.bias.grad is None for layer in dense)


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
