"""What of a network learns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from smearlab.networks.joining import backbone_parts

if TYPE_CHECKING:
    from smearlab.networks.build import CellNetwork
    from smearlab.networks.config import TrainableConfig


_NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)


def backbone_layers(network: CellNetwork) -> list[nn.Module]:
    """List the backbone's modules that hold parameters of their own, from the input to the head."""
    return _layers(network.backbone)


def _layers(backbone: nn.Module) -> list[nn.Module]:
    return [module for module in backbone.modules() if any(True for _ in module.parameters(recurse=False))]


def share_at(config: TrainableConfig, epoch: int | None) -> float:
    """Return the share of the backbone's layers that learn in an epoch of the phase, 0-based; None is the last."""
    if epoch is None or epoch >= config.grow_epochs:
        return config.share
    return config.start_share + (config.share - config.start_share) * epoch / config.grow_epochs


def set_trainable(network: CellNetwork, config: TrainableConfig, epoch: int | None = None) -> int:
    """Freeze what a phase does not train and free the rest, in place; of joined backbones, in each of them alike.

    Args:
        network: changed in place.
        config: what learns.
        epoch: 0-based within the phase, for a share that grows; None for all that the phase ever trains.

    Returns:
        The number of parameters that learn.
    """
    for part in backbone_parts(network.backbone):
        _set_part(_layers(part), config, share_at(config, epoch))
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _set_part(layers: list[nn.Module], config: TrainableConfig, share: float) -> None:
    # Rounded first: a share of 0.3 of ten layers is three, although 0.3 · 10 may be a little more as a float.
    learning = math.ceil(round(share * len(layers), 6))
    first = max(len(layers) - learning, config.freeze_first)
    for position, layer in enumerate(layers):
        learns = position >= first and not (config.freeze_norms and isinstance(layer, _NORMS))
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(learns)


def set_mode(network: nn.Module, config: TrainableConfig) -> None:
    """Put the network in training mode, but leave frozen batch normalisation as it is; the other norms have no mode.

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
