"""Losses on soft targets, and penalties on dense weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray
    from smearlab.training.recipe import BalanceConfig, LossConfig, RegularisationConfig


def class_weights(counts: IntArray, balance: BalanceConfig) -> Tensor:
    """Return ``float32 (classes,)`` weights (N / (classes · N_class)) ** power; ones unless the recipe asks for them.

    Classes without a picture get weight 0. The mean weight over the training pictures is 1 for power 1.
    """
    shares = torch.as_tensor(counts, dtype=torch.float32)
    if balance.kind != "class_weights":
        return torch.ones(len(counts))
    return torch.where(shares > 0, (shares.sum() / (len(counts) * shares.clamp(min=1))) ** balance.power, 0.0)


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


def penalty(network: nn.Module, config: RegularisationConfig) -> Tensor | float:
    """Return the L1 and L2 penalty on the dense layers' weights; 0.0 where both are off."""
    if not config.l1 and not config.l2:
        return 0.0
    dense = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    l1 = torch.stack([weight.abs().sum() for weight in dense]).sum()
    l2 = torch.stack([weight.square().sum() for weight in dense]).sum()
    return config.l1 * l1 + config.l2 * l2
