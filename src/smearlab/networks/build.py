"""From a `NetworkConfig` and a `HeadConfig` to a network that takes pictures in 0–1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
from torch import Tensor, nn

from smearlab.errors import RecipeError, did_you_mean
from smearlab.networks.heads import build_head
from smearlab.networks.own import PREFIX, build_own, own_names
from smearlab.networks.weights import load_backbone_weights

if TYPE_CHECKING:
    from smearlab.networks.config import HeadConfig, NetworkConfig

SCALINGS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation per channel, on the 0–1 scale."""


class CellNetwork(nn.Module):
    """A backbone and a head, with the scaling inside, so that nobody can forget it or apply it twice.

    Takes ``float32 (n, 3, h, w)`` in 0–1 and gives ``(n, classes)`` logits.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, head: nn.Module, scaling: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in SCALINGS[scaling])
        # Not part of the weights: model.json records the scaling, and a second copy could disagree.
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def features(self, pictures: Tensor) -> Tensor:
        """Return the pooled features ``(n, d)`` that the head sees."""
        scaled = (pictures - self.mean) / self.std
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
        load_backbone_weights(backbone, network)
    width = _feature_width(backbone, network.backbone, size)
    return CellNetwork(backbone, build_head(width, classes, head), network.scaling)


def count_parameters(module: nn.Module) -> int:
    """Count the learnable numbers of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def _feature_width(backbone: nn.Module, name: str, size: int) -> int:
    """Try one picture, so that a backbone made for another size is refused before hours of reading."""
    try:
        with torch.no_grad():
            width = int(backbone.eval()(torch.zeros(1, 3, size, size)).shape[1])
    except (AssertionError, RuntimeError, ValueError) as error:
        raise RecipeError(
            f"network.backbone {name} does not take pictures of {size} × {size} px ({error}). Set framing.size to the "
            f"size it was made for, or try network.options = {{ img_size = {size} }}."
        ) from error
    backbone.train()
    return width


def _backbone(network: NetworkConfig, head: HeadConfig) -> nn.Module:
    name, options = network.backbone, dict(network.options)
    try:
        if name.startswith(PREFIX):
            return build_own(name, head.pooling, options)
        if not timm.is_model(name):
            close = did_you_mean(name, [*own_names(), *timm.list_models()])
            raise RecipeError(f"network.backbone '{name}' is not a model that timm knows.{close}")
        backbone: nn.Module = timm.create_model(
            name, pretrained=False, num_classes=0, global_pool=head.pooling, **options
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise RecipeError(f"network.options {options} do not fit {name}: {error}") from error
    return backbone
