"""From a `NetworkConfig` and a `HeadConfig` to a network that takes pictures in 0–1."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.layers import BlurPool2d
from torch import Tensor, nn

from smearlab.errors import RecipeError, did_you_mean
from smearlab.networks.blurring import SELF_BLURRING, blur_strides
from smearlab.networks.endings import end_with_last_map
from smearlab.networks.enlarging import build_enlarge
from smearlab.networks.heads import build_head
from smearlab.networks.inputs import InputNormName, build_input_norm, input_channels
from smearlab.networks.joining import JoinedBackbones
from smearlab.networks.norms import replace_norms
from smearlab.networks.own import PREFIX, build_own, own_names
from smearlab.networks.precise import keep_depthwise_precise
from smearlab.networks.weights import load_backbone_weights, starting_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.networks.config import HeadConfig, NetworkConfig

SCALINGS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "raw": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    # Divided by 255, then once more inside `imagenet`: (x/255 − mean) / std = (x − 255·mean) / (255·std).
    "doubled": ((255 * 0.485, 255 * 0.456, 255 * 0.406), (255 * 0.229, 255 * 0.224, 255 * 0.225)),
}
"""Mean and standard deviation per channel, on the 0–1 scale: the network sees ``(value - mean) / std``."""


class CellNetwork(nn.Module):
    """A backbone and a head, with input norm, scaling and enlarging inside, so that nobody forgets or repeats one.

    Takes ``float32 (n, 3, h, w)`` in 0–1 and gives ``(n, classes)`` logits.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        scaling: str,
        input_norm: InputNormName = "none",
        enlarge: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.input_norm = build_input_norm(input_norm)
        self.enlarge = enlarge or nn.Identity()
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
        features: Tensor = self.backbone(self.enlarge(scaled))
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
    backbones = [_backbone(name, network, head, size=network.enlarge or size) for name in network.backbones]
    backbone = JoinedBackbones(backbones) if network.further else backbones[0]
    if load_weights and network.weights != "none":
        _start_from_weights(backbone, network)
    else:
        replace_norms(backbone, network.norm, network.backbone)
    keep_depthwise_precise(backbone)
    width = _feature_width(backbone, network, network.enlarge or size)
    enlarge = build_enlarge(network.enlarge, size)
    return CellNetwork(backbone, build_head(width, classes, head), network.scaling, network.input_norm, enlarge)


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
    channels = input_channels(network.input_norm)
    with torch.no_grad(), _refusing_sizes(", ".join(network.backbones), size):
        width = int(backbone.eval()(torch.zeros(1, channels, size, size)).shape[1])
    backbone.train()
    return width


@contextmanager
def _refusing_sizes(name: str, size: int) -> Iterator[None]:
    """Show one picture within, so that a backbone made for another size is refused before hours of reading."""
    try:
        yield
    except (AssertionError, RuntimeError, ValueError) as error:
        raise RecipeError(
            f"network.backbone {name} does not take pictures of {size} × {size} px ({error}). Set "
            "framing.size (or network.enlarge) to the size it was made for, or try "
            f"network.options = {{ img_size = {size} }}."
        ) from error


def _backbone(name: str, network: NetworkConfig, head: HeadConfig, size: int) -> nn.Module:
    channels = input_channels(network.input_norm)
    options = network.options | ({"in_chans": channels} if channels > 3 else {})
    try:
        if name.startswith(PREFIX):
            backbone = build_own(name, head.pooling, options)
        elif timm.is_model(name):
            options = options | {"global_pool": head.pooling}
            backbone = _timm_backbone(name, options, blurred=network.blur_pool)
        else:
            close = did_you_mean(name, [*own_names(), *timm.list_models()])
            raise RecipeError(f"network.backbone '{name}' is not a model that timm knows.{close}")
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise RecipeError(f"network.options {network.options} do not fit {name}: {error}") from error
    if network.blur_pool and not _blurs(backbone):
        blur_strides(backbone, name)
    if network.ending == "last_map" and not name.startswith(PREFIX):
        with _refusing_sizes(name, size):
            end_with_last_map(backbone, name, size, channels)
    return backbone


def _blurs(backbone: nn.Module) -> bool:
    return any(isinstance(layer, BlurPool2d) for layer in backbone.modules())


def _timm_backbone(name: str, options: dict[str, Any], *, blurred: bool) -> nn.Module:
    if blurred:
        # Those that know how blur after the activation, as in the paper; the others say that there is no such option.
        with suppress(TypeError):
            backbone: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **options | SELF_BLURRING)
            if _blurs(backbone):
                return backbone
    return timm.create_model(name, pretrained=False, num_classes=0, **options)
