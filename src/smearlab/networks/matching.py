"""Group normalisation in the place of pretrained batch normalisation, made to start from (nearly) the same function.

Carrying weight and bias over is not enough: batch normalisation gave every channel its own mean and deviation, group
normalisation measures 16 channels together. Here every replaced layer's weight and bias are set such that, over
training pictures, each of its channels has the mean and deviation that the layer before had (data-dependent
initialisation, Krähenbühl et al. 2016, with the pretrained network's own statistics as the target).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Callable

    from smearlab.networks.build import CellNetwork

_SMALLEST = 1e-3
"""Deviation below which a channel counts as constant: it is shifted, not magnified."""


@torch.no_grad()
def match_norms(network: CellNetwork, original: CellNetwork, pictures: Tensor) -> int:
    """Set the group normalisation of a backbone so that its channels are distributed as the original's.

    Args:
        network: the original with every batch normalisation replaced by group normalisation; changed in place, its mode
            stays.
        original: its batch normalisation must carry the statistics of these pictures (see `restore_norms`).
        pictures: ``float32 (n, 3, h, w)`` in 0–1, shown at once.

    Returns:
        How many layers were set.
    """
    targets = [layer for layer in original.backbone.modules() if isinstance(layer, _BatchNorm)]
    layers = [layer for layer in network.backbone.modules() if isinstance(layer, nn.GroupNorm)]
    pairs = list(zip(layers, targets, strict=True))
    # Each layer is set just before it is used, so that those behind it see what it will really give.
    handles = [layer.register_forward_pre_hook(_setter(layer, target)) for layer, target in pairs]
    training = network.training
    try:
        network.eval().features(pictures)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return len(pairs)


def _setter(layer: nn.GroupNorm, target: _BatchNorm) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def set_affine(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        plain = functional.group_norm(inputs[0], layer.num_groups, eps=layer.eps)
        mean = plain.mean((0, 2, 3))
        deviation = (plain.square().mean((0, 2, 3)) - mean.square()).clamp(min=0).sqrt()
        scale = torch.where(deviation > _SMALLEST, target.weight / deviation.clamp(min=_SMALLEST), target.weight)
        layer.weight.copy_(scale)
        layer.bias.copy_(target.bias - scale * mean)

    return set_affine
