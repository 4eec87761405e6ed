"""Heads: from pooled features to class scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from smearlab.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from smearlab.networks.config import HeadConfig

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "hard_swish": nn.Hardswish,
}
_INITIALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "he_uniform": lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu"),
    "he_normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "glorot_uniform": nn.init.xavier_uniform_,
    "glorot_normal": nn.init.xavier_normal_,
}


def build_head(features: int, classes: int, config: HeadConfig) -> nn.Sequential:
    """Build a head that takes ``(n, features)`` and gives ``(n, classes)`` scores.

    Raises:
        RecipeError: a layer's width cannot be divided into the groups of the normalisation.
    """
    layers: list[nn.Module] = []
    if config.normalise_features:
        layers += _norm(features, config)
    width, dropped = features, _dropout(config)
    for hidden, before in zip(config.layers, dropped[:-1], strict=True):
        layers += [
            *before,
            nn.Linear(width, hidden),
            _ACTIVATIONS[config.activation](),
            *(_norm(hidden, config) if config.normalise_hidden else []),
        ]
        width = hidden
    head = nn.Sequential(*layers, *dropped[-1], nn.Linear(width, classes))
    _initialise(head, config)
    return head


def penalty_factors(config: HeadConfig) -> list[tuple[float, float]]:
    """Return the L1 and L2 factor of every dense layer's weights, the last layer's included.

    One number is every hidden layer's, as people who write it mean; the last layer is penalised only by a list.
    """
    hidden = len(config.layers)
    l1, l2 = (factor if isinstance(factor, tuple) else (*[factor] * hidden, 0.0) for factor in (config.l1, config.l2))
    return list(zip(l1, l2, strict=True))


def _dropout(config: HeadConfig) -> list[list[nn.Module]]:
    """Return what stands before each dense layer: a dropout, or nothing."""
    shares = config.dropout
    listed = shares if isinstance(shares, tuple) else (shares,) * (len(config.layers) + 1)
    return [[nn.Dropout(share)] if share else [] for share in listed]


def _norm(width: int, config: HeadConfig) -> list[nn.Module]:
    match config.normalisation:
        case "batch":
            return [nn.BatchNorm1d(width)]
        case "layer":
            return [nn.LayerNorm(width)]
        case "group":
            if width % config.groups:
                raise RecipeError(
                    f"head.groups: {width} units cannot be divided into {config.groups} groups. "
                    "Choose a number that divides every width in head.layers."
                )
            return [nn.GroupNorm(config.groups, width)]
    return []


def _initialise(head: nn.Sequential, config: HeadConfig) -> None:
    if config.initialisation == "default":
        return
    for layer in head:
        if isinstance(layer, nn.Linear):
            _INITIALISATIONS[config.initialisation](layer.weight)
            nn.init.zeros_(layer.bias)
