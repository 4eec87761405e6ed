"""Batch normalisation that was folded into the convolutions, taken out again, so that a network can learn on.

A file made for deployment has its normalisation folded: weight 1, mean 0, variance 1, and the real scale lies in the
convolutions. In evaluation mode nothing differs, but the first step in training mode divides by the batch's own
deviation, and the function is gone. Restored layers carry the statistics of real pictures and undo them by weight and
bias, so that training mode starts from (nearly) the function that evaluation mode computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BATCH = 64


def norms_are_folded(module: nn.Module) -> bool:
    """Whether all batch normalisation of a module is an identity with a bias: what folding leaves behind.

    An untrained network has no bias yet, and so does not count as folded.
    """
    norms = _norms(module)
    biased = any(bool(norm.bias.any()) for norm in norms)
    return biased and all(_is_identity(norm) for norm in norms)


@torch.no_grad()
def restore_norms(network: nn.Module, pictures: Tensor | Iterable[Tensor]) -> int:
    """Give batch normalisation the statistics of real pictures without changing the network's function.

    With a layer's function a·x + c and the mean m and variance v of its input, the running mean becomes m, the running
    variance v, the weight a·√(v + ε) and the bias c + a·m. As every layer's function stays, so does the input of those
    behind it, and one pass over the pictures measures them all.

    Args:
        network: changed in place; its mode (training or evaluation) stays. Its outputs in evaluation mode change by
            rounding only.
        pictures: ``float32 (n, 3, h, w)`` in 0–1, or batches of such.

    Returns:
        The number of layers that were restored: those that saw a picture.
    """
    batches = torch.split(pictures, _BATCH) if isinstance(pictures, Tensor) else pictures
    norms = _norms(network)
    seen = {norm: _Moments(norm.num_features) for norm in norms}
    handles = [norm.register_forward_pre_hook(_watch(seen[norm])) for norm in norms]
    try:
        _run(network, batches)
    finally:
        for handle in handles:
            handle.remove()
    restored = [norm for norm in norms if seen[norm].count]
    for norm in restored:
        _restore(norm, seen[norm])
    return len(restored)


class _Moments:
    """Sums of a layer's inputs per channel; rounding in them cannot change the function, only the statistics."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.squares = torch.zeros(channels, dtype=torch.float64)

    def add(self, maps: Tensor) -> None:
        pixels = maps.reshape(*maps.shape[:2], -1)
        self.count += pixels.shape[0] * pixels.shape[2]
        self.sum += pixels.sum(2).double().sum(0).cpu()
        self.squares += pixels.square().sum(2).double().sum(0).cpu()

    @property
    def mean(self) -> Tensor:
        return self.sum / self.count

    @property
    def variance(self) -> Tensor:
        return (self.squares / self.count - self.mean.square()).clamp(min=0)


def _norms(module: nn.Module) -> list[_BatchNorm]:
    layers = (layer for layer in module.modules() if isinstance(layer, _BatchNorm))
    return [layer for layer in layers if layer.affine and layer.running_mean is not None]


def _is_identity(norm: _BatchNorm) -> bool:
    ones = torch.ones(norm.num_features)
    scale = norm.weight.detach().cpu() / (_variance(norm).cpu() + norm.eps).sqrt()
    return not _mean(norm).any() and bool(torch.isclose(scale, ones, atol=1e-3).all())


def _watch(moments: _Moments) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    return lambda _, inputs: moments.add(inputs[0])


def _run(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Show pictures to the network as it is used, and leave it in the mode it was in."""
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        for batch in batches:
            network(batch)
    finally:
        for module, mode in training.items():
            module.training = mode


def _restore(norm: _BatchNorm, moments: _Moments) -> None:
    mean, variance = (value.to(norm.weight) for value in (moments.mean, moments.variance))
    scale = norm.weight / (_variance(norm) + norm.eps).sqrt()
    norm.bias.add_(scale * (mean - _mean(norm)))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    _mean(norm).copy_(mean)
    _variance(norm).copy_(variance)


def _mean(norm: _BatchNorm) -> Tensor:
    assert norm.running_mean is not None  # such layers alone are listed
    return norm.running_mean


def _variance(norm: _BatchNorm) -> Tensor:
    assert norm.running_var is not None
    return norm.running_var
