"""The normalisation layers of a convolutional network, replaced by another kind after it was built.

Batch normalisation leans on statistics of the training pictures, which another laboratory's pictures do not share; the
others measure the picture at hand (layer: Ba et al. 2016, over channels, rows and columns at once; group: Wu & He 2018,
the same in groups of channels), or nothing at all. Layer normalisation at each place alone, as ConvNeXt has it, is kept
where a network brings it, but not offered: with few channels it costs twice the time on a CPU.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Literal

import torch
from timm.layers import (
    BatchNormAct2d,
    GroupNormAct,
    LayerNorm2d,
    LayerNormAct2d,
    StdConv2d,
    StdConv2dSame,
)
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from smearlab.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smearlab.networks.build import CellNetwork

NormName = Literal["keep", "batch", "frozen_batch", "group", "group_ws", "layer", "none"]
_GROUP_SIZES = range(16, 7, -1)
"""Channels per group, the best first: Wu & He (2018, table 3) found 16 as good as 32 groups, whatever the width."""
_STANDARDISED: dict[type[nn.Conv2d], type[nn.Conv2d]] = {nn.Conv2d: StdConv2d, Conv2dSame: StdConv2dSame}
_ON_MAPS = (nn.BatchNorm2d, nn.GroupNorm, LayerNorm2d, LayerNormAct2d)


class AffineAct2d(nn.Module):
    """A scale and shift per channel and an activation: what is left of a normalisation without its statistics.

    Takes and gives ``(n, channels, h, w)``.

    Args:
        channels: of the maps.
        learnt: whether scale and shift are parameters or constants.
    """

    weight: Tensor
    bias: Tensor
    zeros: Tensor
    ones: Tensor

    def __init__(self, channels: int, *, learnt: bool = True) -> None:
        super().__init__()
        weight, bias = torch.ones(channels), torch.zeros(channels)
        if learnt:
            self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        else:
            self.register_buffer("weight", weight)
            self.register_buffer("bias", bias)
        self.register_buffer("zeros", torch.zeros(channels), persistent=False)
        self.register_buffer("ones", torch.ones(channels), persistent=False)
        self.drop: nn.Module = nn.Identity()
        self.act: nn.Module = nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Scale, shift, activate."""
        # In this form bfloat16 maps stay so beside float32 weights, and ONNX Runtime folds it into the convolution.
        scaled = functional.batch_norm(maps, self.zeros, self.ones, self.weight, self.bias, training=False, eps=0.0)
        activated: Tensor = self.act(self.drop(scaled))
        return activated


def replace_norms(backbone: nn.Module, kind: NormName, name: str = "this network") -> None:
    """Replace the normalisation layers of a network; learnt scales and shifts stay, activations too.

    Args:
        backbone: changed in place.
        kind: ``keep`` changes nothing; ``batch``, ``group`` (8–16 channels each) and ``layer`` replace every layer of
            another kind; ``group_ws`` also standardises the weights of the convolutions (Qiao et al. 2019);
            ``frozen_batch`` makes batch normalisation a constant map; ``none`` keeps its scale and shift alone, which
            go on learning and start from what it computes in evaluation mode.
        name: of the network, for messages.

    Raises:
        RecipeError: it has no such layers, or some that stand between tokens and cannot be replaced.
    """
    if kind == "keep":
        return
    layers = {path: layer for path, layer in backbone.named_modules() if isinstance(layer, _ON_MAPS)}
    _refuse(backbone, kind, name, found=bool(layers))
    for path, layer in layers.items():
        if isinstance(layer, nn.BatchNorm2d) or kind != "frozen_batch":
            _put(backbone, path, _replaced(layer, kind))
    if kind == "group_ws":
        _standardise_weights(backbone)


def groups_for(channels: int) -> int:
    """Choose the number of groups: 16 channels in each, or as near below as divides; one group where nothing does."""
    sizes = (size for size in _GROUP_SIZES if channels % size == 0)
    return channels // next(sizes, channels)


def _refuse(backbone: nn.Module, kind: NormName, name: str, *, found: bool) -> None:
    tokens = any(isinstance(layer, nn.LayerNorm) and not isinstance(layer, _ON_MAPS) for layer in backbone.modules())
    if tokens and kind not in ("layer", "frozen_batch"):
        raise RecipeError(
            f"network.norm = '{kind}' cannot replace the layer normalisation of {name}, which does not stand on "
            "feature maps. Set network.norm to 'keep'; for a ConvNeXt, network.options = { conv_mlp = true } makes it "
            "possible."
        )
    if not found and not tokens:
        raise RecipeError(f"network.norm = '{kind}': {name} has no normalisation layer. Set network.norm to 'keep'.")


def _put(root: nn.Module, path: str, layer: nn.Module) -> None:
    parent, _, own = path.rpartition(".")
    setattr(root.get_submodule(parent), own, layer)


def _channels(layer: nn.Module) -> int:
    parameter = layer.weight
    assert isinstance(parameter, Tensor)  # every layer of timm's convolutional networks has a scale
    return parameter.numel()


_KINDS: dict[str, tuple[tuple[type[nn.Module], ...], Callable[[int], nn.Module]]] = {
    "batch": ((nn.BatchNorm2d,), lambda channels: BatchNormAct2d(channels, apply_act=False)),
    "group": ((nn.GroupNorm,), lambda channels: GroupNormAct(channels, groups_for(channels), apply_act=False)),
    "layer": ((LayerNorm2d, LayerNormAct2d), lambda channels: GroupNormAct(channels, 1, apply_act=False)),
    "none": ((), AffineAct2d),
    "frozen_batch": ((), lambda channels: AffineAct2d(channels, learnt=False)),
}
_KINDS["group_ws"] = _KINDS["group"]


@torch.no_grad()
def _replaced(layer: nn.Module, kind: NormName) -> nn.Module:
    same, build = _KINDS[kind]
    if isinstance(layer, same):
        return layer
    new = build(_channels(layer))
    scale, shift = _scale_and_shift(layer, kind)
    for target, value in ((new.weight, scale), (new.bias, shift)):
        target.copy_(value)  # type: ignore[operator]
    new.drop, new.act = getattr(layer, "drop", nn.Identity()), getattr(layer, "act", nn.Identity())
    return new.train(layer.training)


def _scale_and_shift(layer: nn.Module, kind: NormName) -> tuple[Tensor, Tensor]:
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    if kind in ("none", "frozen_batch") and isinstance(layer, nn.BatchNorm2d):
        scale = weight / (layer.get_buffer("running_var") + layer.eps).sqrt()
        return scale, bias - scale * layer.get_buffer("running_mean")
    return weight, bias


@torch.no_grad()
def _standardise_weights(backbone: nn.Module) -> None:
    """Standardise every convolution that has no bias: those are the ones a normalisation follows."""
    for path, layer in list(backbone.named_modules()):
        if isinstance(layer, nn.Conv2d) and type(layer) in _STANDARDISED and layer.bias is None:
            _put(backbone, path, _rebuilt(layer, _STANDARDISED[type(layer)]))


def _rebuilt(layer: nn.Conv2d, kind: type[nn.Conv2d]) -> nn.Conv2d:
    new = kind(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        stride=layer.stride,  # type: ignore[arg-type]
        padding=layer.padding,  # type: ignore[arg-type]
        dilation=layer.dilation,  # type: ignore[arg-type]
        groups=layer.groups,
        bias=False,
    )
    new.weight = layer.weight
    return new


def without_standardisation(network: CellNetwork) -> CellNetwork:
    """Return a copy whose convolutions hold their standardised weights, which nothing need compute again.

    Args:
        network: left as it is.
    """
    copied = deepcopy(network)
    for path, layer in list(copied.named_modules()):
        if isinstance(layer, StdConv2d | StdConv2dSame):
            _put(copied, path, _plain(layer))
    return copied


@torch.no_grad()
def _plain(layer: nn.Conv2d) -> nn.Conv2d:
    plain = _rebuilt(layer, Conv2dSame if isinstance(layer, StdConv2dSame) else nn.Conv2d)
    rows = layer.weight.reshape(1, layer.out_channels, -1)
    even = functional.batch_norm(rows, None, None, training=True, momentum=0.0, eps=layer.eps)  # type: ignore[arg-type]
    plain.weight = nn.Parameter(even.reshape_as(layer.weight))
    return plain
