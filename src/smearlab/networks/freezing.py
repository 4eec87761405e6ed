"""What of a network learns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from smearlab.networks.build import CellNetwork
    from smearlab.networks.config import TrainableConfig


def backbone_layers(network: CellNetwork) -> list[nn.Module]:
    """List the backbone's modules that hold parameters of their own, from the input to the head."""
    return [module for module in network.backbone.modules() if any(True for _ in module.parameters(recurse=False))]


def set_trainable(network: CellNetwork, config: TrainableConfig) -> int:
    """Freeze what a phase does not train and free the rest, in place.

    Returns:
        The number of parameters that learn.
    """
    layers = backbone_layers(network)
    first = max(len(layers) - math.ceil(config.share * len(layers)), config.freeze_first)
    for position, layer in enumerate(layers):
        learns = position >= first and not (config.freeze_norms and isinstance(layer, _BatchNorm))
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(learns)
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def set_mode(network: nn.Module, config: TrainableConfig) -> None:
    """Put the network in training mode, but leave frozen batch normalisation as it is.

    A frozen normalisation that went on averaging would still change the function; statistics follow the parameters.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _BatchNorm) and module.affine and not module.weight.requires_grad:
            module.eval()
    if config.freeze_norms:
        backbone = getattr(network, "backbone", network)
        for module in backbone.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
