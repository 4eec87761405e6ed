"""From a `NetworkConfig` and a `HeadConfig` to a network that takes pictures in 0–1."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.layers import BlurPool2d
from torch import Tensor, nn

from smearlab.errors import RecipeError, did_you_mean
from smearlab.networks.blurring import SELF_BLURRING, blur_strides
from smearlab.networks.heads import build_head
from smearlab.networks.inputs import InputNormName, build_input_norm, input_channels
from smearlab.networks.norms import replace_norms
from smearlab.networks.own import PREFIX, build_own, own_names
from smearlab.networks.precise import keep_depthwise_precise
from smearlab.networks.weights import load_backbone_weights, starting_weights

if TYPE_CHECKING:
    from smearlab.networks.config import HeadConfig, NetworkConfig

SCALINGS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation per channel, on the 0–1 scale."""


class CellNetwork(nn.Module):
    """A backbone and a head, with input norm and scaling inside, so that nobody can forget one or apply it twice.

    Takes ``float32 (n, 3, h, w)`` in 0–1 and gives ``(n, classes)`` logits.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, head: nn.Module, scaling: str, input_norm: InputNormName = "none") -> None:
        super().__init__()
        self.input_norm = build_input_norm(input_norm)
        self.backbone = backbone
        self.head = head
        repeats = input_channels(input_norm) // 3
        mean, std = (torch.tensor(values * repeats).view(1, -1, 1, 1) for values in SCALINGS[scaling])
        # Not part of the weights: model.json records the scaling, and a second copy could disagree.
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def features(self, pictures: Tensor) -> Tensor:
        """Return the pooled features ``(n, d)`` that the head sees."""
        scaled = (self.input_norm(pictures) - self.mean) / self.std
        features: Tensor = self.backbone(scaled)
        return features

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits ``(n, classes)``."""
        logits: Tensor = self.head(self.features(pictures))
        return logits


def build_network(
    network: NetworkConfig, head: HeadConfig, classes: int, *, size: int = 96, load_weights: bool = True
) -> CellNetwork:
    """Build the network of a recipe, with its starting weights.

    Args:
        network: backbone, options, weights and scaling.
        head: the layers after pooling.
        classes: the number of classes.
        size: height and width in pixels of the pictures it will see.
        load_weights: False leaves the backbone untrained, for when trained weights are put in next.

    Raises:
        RecipeError: the backbone is unknown, an option or the size does not fit it, or its weights cannot be had.
    """
    backbone = _backbone(network, head)
    if load_weights and network.weights != "none":
        _start_from_weights(backbone, network)
    else:
        replace_norms(backbone, network.norm, network.backbone)
    keep_depthwise_precise(backbone)
    width = _feature_width(backbone, network, size)
    return CellNetwork(backbone, build_head(width, classes, head), network.scaling, network.input_norm)


def count_parameters(module: nn.Module) -> int:
    """Count the learnable numbers of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def _start_from_weights(backbone: nn.Module, network: NetworkConfig) -> None:
    """Load weights into the normalisation layers that they were made for: those of the backbone, or of its replaced."""
    given = starting_weights(network)
    replaced_before = network.norm not in ("keep", "batch") and not given.has_statistics
    if not replaced_before:
        load_backbone_weights(backbone, given)
    replace_norms(backbone, network.norm, network.backbone)
    if replaced_before:
        load_backbone_weights(backbone, given)


def _feature_width(backbone: nn.Module, network: NetworkConfig, size: int) -> int:
    """Try one picture, so that a backbone made for another size is refused before hours of reading."""
    channels = input_channels(network.input_norm)
    try:
        with torch.no_grad():
            width = int(backbone.eval()(torch.zeros(1, channels, size, size)).shape[1])
    except (AssertionError, RuntimeError, ValueError) as error:
        raise RecipeError(
            f"network.backbone {network.backbone} does not take pictures of {size} × {size} px ({error}). Set "
            f"framing.size to the size it was made for, or try network.options = {{ img_size = {size} }}."
        ) from error
    backbone.train()
    return width


def _backbone(network: NetworkConfig, head: HeadConfig) -> nn.Module:
    name, options = network.backbone, dict(network.options)
    options |= {"in_chans": input_channels(network.input_norm)} if network.input_norm == "both" else {}
    try:
        if name.startswith(PREFIX):
            backbone = build_own(name, head.pooling, options)
        elif timm.is_model(name):
            return _timm_backbone(name, options | {"global_pool": head.pooling}, blurred=network.blur_pool)
        else:
            close = did_you_mean(name, [*own_names(), *timm.list_models()])
            raise RecipeError(f"network.backbone '{name}' is not a model that timm knows.{close}")
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise RecipeError(f"network.options {options} do not fit {name}: {error}") from error
    if network.blur_pool:
        blur_strides(backbone, name)
    return backbone


def _timm_backbone(name: str, options: dict[str, Any], *, blurred: bool) -> nn.Module:
    backbone: nn.Module
    if blurred:
        # Those that know how blur after the activation, as in the paper; the others say that there is no such option.
        with suppress(TypeError):
            backbone = timm.create_model(name, pretrained=False, num_classes=0, **options | SELF_BLURRING)
            if any(isinstance(layer, BlurPool2d) for layer in backbone.modules()):
                return backbone
    backbone = timm.create_model(name, pretrained=False, num_classes=0, **options)
    if blurred:
        blur_strides(backbone, name)
    return backbone
