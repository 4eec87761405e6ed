"""Losses on soft targets, and penalties on weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smearlab.networks.heads import penalty_factors

if TYPE_CHECKING:
    from smearlab.networks.build import CellNetwork
    from smearlab.networks.config import HeadConfig
    from smearlab.training.recipe import LossConfig, RegularisationConfig


def soft_targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Turn ``int64 (n,)`` labels into ``float32 (n, classes)`` probabilities, smoothed (Szegedy et al. 2016)."""
    hard = F.one_hot(labels, classes).float()
    return hard * (1 - smoothing) + smoothing / classes


def classification_loss(logits: Tensor, targets: Tensor, weights: Tensor, config: LossConfig) -> Tensor:
    """Mean loss of a batch with soft targets.

    Args:
        logits: ``(n, classes)``.
        targets: ``(n, classes)`` probabilities.
        weights: ``(classes,)`` weight of each class.
        config: cross-entropy, or the focal loss of Lin et al. 2017.

    Returns:
        A scalar; class weights scale each picture's loss and are not divided out again, so weight 2 counts double.
    """
    log_probabilities = F.log_softmax(logits.float(), dim=1)
    terms = -targets * weights * log_probabilities
    if config.kind == "focal":
        # A certain class has 1 - p = 0, where a power below 1 has no gradient.
        terms = terms * (1 - log_probabilities.exp()).clamp(min=1e-8) ** config.gamma
    return terms.sum(dim=1).mean()


def jensen_shannon(logits: Tensor, views: int) -> Tensor:
    """Return how much the answers to several views of the same pictures disagree (Hendrycks et al. 2020, AugMix).

    Args:
        logits: ``(views · n, classes)``, view after view.
        views: how many there are of each picture.

    Returns:
        A scalar from 0 (all alike) to log(views): the mean divergence of the views from their mean.
    """
    log_probabilities = F.log_softmax(logits.float(), dim=1).view(views, -1, logits.shape[1])
    probabilities = log_probabilities.exp()
    # Where all views are sure of the same, the others' mean probability is 0, whose logarithm has no gradient.
    mean = probabilities.mean(dim=0).clamp(min=1e-7).log()
    return (probabilities * (log_probabilities - mean)).sum(dim=2).mean()


def distillation_loss(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Return how far the student's softened answers are from the teachers' (Hinton et al. 2015).

    Args:
        logits: ``(n, classes)`` of the student.
        taught: ``(n, classes)`` the teachers' probabilities at the same temperature.
        temperature: scales the gradient back too, by its square, so that the weight means the same at any.

    Returns:
        The mean Kullback-Leibler divergence times the squared temperature.
    """
    softened = F.log_softmax(logits.float() / temperature, dim=1)
    return F.kl_div(softened, taught, reduction="batchmean") * temperature**2


def penalty(network: CellNetwork, config: RegularisationConfig, head: HeadConfig) -> Tensor | float:
    """Return the L1 and L2 penalty on the weights that learn; 0.0 where both are off.

    What is frozen costs the same whatever the rest does, and is left out, so that freeing a layer is not seen as a
    better loss.

    Args:
        network: whose head is as `head` says.
        config: factors of all dense layers of the head, or of all convolutions and dense layers.
        head: factors of single layers of the head, which are added.
    """
    terms = [
        factor * sizes.sum()
        for weight, l1, l2 in _penalised(network, config, head)
        for factor, sizes in ((l1, weight.abs()), (l2, weight.square()))
        if factor
    ]
    return torch.stack(terms).sum() if terms else 0.0


def _penalised(
    network: CellNetwork, config: RegularisationConfig, head: HeadConfig
) -> list[tuple[Tensor, float, float]]:
    """List weights with their factors."""
    own = penalty_factors(head)
    dense = [layer.weight for layer in network.head.modules() if isinstance(layer, nn.Linear)]
    listed = [(weight, config.l1 + l1, config.l2 + l2) for weight, (l1, l2) in zip(dense, own, strict=True)]
    if config.scope == "all":
        inner = [layer.weight for layer in network.backbone.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        listed += [(weight, config.l1, config.l2) for weight in inner]
    return [one for one in listed if one[0].requires_grad and (one[1] or one[2])]
