"""Layers that compute in float32 although training runs in bfloat16, where that is faster.

On CPUs the backward pass of a depthwise convolution in bfloat16 has a fast kernel only for 3×3 without a stride. With
torch 2.15 on an AMD EPYC and batches of 64, the strided one at 96 channels of 48×48 takes 119 ms instead of float32's
12, and 5×5 at 144 channels of 24×24 takes 72 instead of 34: a MobileNetV2 trained on 104 pictures a second in bfloat16,
and on 230 with these few layers in float32.
"""

from __future__ import annotations

import torch
from timm.layers import BlurPool2d, StdConv2d, StdConv2dSame
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from smearlab.networks.blurring import BlurPool


class _InFloat32(nn.Module):
    """Computes in float32 under autocast on a CPU, and gives what autocast would give; else as the class beside it."""

    def forward(self, maps: Tensor) -> Tensor:
        if not (maps.is_cpu and torch.is_autocast_enabled("cpu")):
            result: Tensor = super().forward(maps)
            return result
        with torch.autocast("cpu", enabled=False):
            result = super().forward(maps.float())
        return result.to(torch.get_autocast_dtype("cpu"))


class _Conv2d(_InFloat32, nn.Conv2d): ...


class _Conv2dSame(_InFloat32, Conv2dSame): ...


class _StdConv2d(_InFloat32, StdConv2d): ...


class _StdConv2dSame(_InFloat32, StdConv2dSame): ...


class _BlurPool2d(_InFloat32, BlurPool2d): ...


class _BlurPool(_InFloat32, BlurPool): ...


_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: _Conv2d,
    Conv2dSame: _Conv2dSame,
    StdConv2d: _StdConv2d,
    StdConv2dSame: _StdConv2dSame,
    BlurPool2d: _BlurPool2d,
    BlurPool: _BlurPool,
}


def keep_depthwise_precise(network: nn.Module) -> int:
    """Let depthwise convolutions but the 3×3 ones, and blurs, compute in float32 under autocast on a CPU, in place.

    Nothing else changes: not the weights or their names, and not what is computed in float32 or on a GPU.

    Returns:
        How many layers that are.
    """
    layers = [layer for layer in network.modules() if type(layer) in _KINDS and _is_slow(layer)]
    for layer in layers:
        # Same state, another forward: what torch's own parametrisations do, too.
        layer.__class__ = _KINDS[type(layer)]
    return len(layers)


def _is_slow(layer: nn.Module) -> bool:
    if isinstance(layer, BlurPool2d):
        return True
    if not isinstance(layer, nn.Conv2d) or not layer.groups == layer.in_channels > 1:
        return False
    return max(layer.stride) > 1 or max(layer.kernel_size) > 3
