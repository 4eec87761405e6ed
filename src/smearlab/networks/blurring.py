"""Down-sampling without aliasing (Zhang 2019): blur before every other row and column is dropped.

A network whose strides alias answers differently when a cell moves by one pixel, or grows a little.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import BlurPool2d
from torch import Tensor, nn

from smearlab.errors import RecipeError

_PICTURE_CHANNELS = 6


class BlurPool(BlurPool2d):
    """timm's blur of any number of channels: some of its networks announce another number than they then give."""

    def __init__(self, channels: int | None = None, stride: int = 2, **options: Any) -> None:  # noqa: ANN401 - timm's own
        super().__init__(stride=stride, **options)


SELF_BLURRING = {"aa_layer": BlurPool}
"""The argument of those of timm's networks that know how to blur themselves, after the activation, as in the paper."""


class BlurredConv2d(nn.Conv2d):
    """A strided convolution of blurred maps; the weights keep the names they have in `torch.nn.Conv2d`."""

    blur: BlurPool

    def forward(self, maps: Tensor) -> Tensor:
        """Blur, then convolve with the stride."""
        return super().forward(self.blur(maps))


def blur_strides(backbone: nn.Module, name: str = "this network") -> int:
    """Make strided convolutions and pools of a network that timm cannot blur itself free of aliasing, in place.

    The first convolution, which sees the picture, is left as it is (as in the paper), and so are average pools, which
    are low-pass filters already.

    Returns:
        How many layers were replaced.

    Raises:
        RecipeError: there is nothing to blur.
    """
    replaced = 0
    for path, layer in list(backbone.named_modules()):
        new = _blurred(layer)
        if new is not None:
            parent, _, own = path.rpartition(".")
            setattr(backbone.get_submodule(parent), own, new)
            replaced += 1
    if not replaced:
        raise RecipeError(f"network.blur_pool: {name} has no strided layers to blur. Set network.blur_pool to false.")
    return replaced


def _blurred(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Conv2d and max(layer.stride) > 1 and layer.in_channels > _PICTURE_CHANNELS:
        return _blurred_convolution(layer)
    if isinstance(layer, nn.MaxPool2d) and layer.stride not in (1, (1, 1)):
        stride = layer.stride if isinstance(layer.stride, int) else layer.stride[0]
        dense = nn.MaxPool2d(layer.kernel_size, 1, layer.padding, layer.dilation, ceil_mode=layer.ceil_mode)
        return nn.Sequential(dense, BlurPool(stride=stride))
    return None


def _blurred_convolution(layer: nn.Conv2d) -> BlurredConv2d:
    with torch.device("meta"):
        new = BlurredConv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,  # type: ignore[arg-type]
            layer.stride,  # type: ignore[arg-type]
            layer.padding,  # type: ignore[arg-type]
            layer.dilation,  # type: ignore[arg-type]
            layer.groups,
            bias=layer.bias is not None,
            padding_mode=layer.padding_mode,
        )
    new.weight, new.bias = layer.weight, layer.bias
    new.blur = BlurPool(stride=1)
    return new
