"""The maps inside a network: which layers have one, and what any layer makes of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from smearlab.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    from smearlab.data.cells import FloatArray, UInt8Array
    from smearlab.networks.build import CellNetwork

_BATCH = 64


@dataclass(frozen=True)
class SpatialLayer:
    """A layer whose output is a map.

    Attributes:
        name: in the backbone, as PyTorch names it.
        module: the layer.
        side: height of its map in places.
    """

    name: str
    module: nn.Module
    side: int


def unit_pictures(framed: UInt8Array) -> Tensor:
    """Return framed pictures ``uint8 (n, h, w, 3)`` as a network takes them: ``float32 (n, 3, h, w)`` in 0–1."""
    return torch.from_numpy(np.array(framed)).permute(0, 3, 1, 2).to(torch.float32) / 255


def spatial_layers(network: CellNetwork, size: int) -> list[SpatialLayer]:
    """List the backbone's innermost layers that give a map, in the order in which they run.

    Args:
        network: in evaluation mode.
        size: side of its pictures in pixels.
    """
    found: list[SpatialLayer] = []

    def note(name: str) -> object:
        def hook(module: nn.Module, _: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:
                found.append(SpatialLayer(name, module, int(output.shape[-1])))

        return hook

    leaves = [(name, module) for name, module in network.backbone.named_modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note(name)) for name, module in leaves]
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, size, size))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ModelError("No layer of this network gives a map, so there is nothing to draw heat on.")
    return found


def last_at_least(layers: list[SpatialLayer], side: float) -> SpatialLayer:
    """Return the deepest layer whose map has at least so many places a side; the finest where none has."""
    fine = [layer for layer in layers if layer.side >= side]
    return fine[-1] if fine else max(layers, key=lambda layer: layer.side)


def named_layer(network: CellNetwork, name: str) -> nn.Module:
    """Return a layer of the backbone by its name.

    Raises:
        ModelError: there is none of that name.
    """
    modules = dict(network.backbone.named_modules())
    if name not in modules or not name:
        known = [key for key in modules if key]
        raise ModelError(
            f"The network has no layer '{name}'.{did_you_mean(name, known)} "
            f"Its outermost layers are: {', '.join(key for key in known if '.' not in key)}."
        )
    found: nn.Module = modules[name]
    return found


def layer_features(network: CellNetwork, framed: UInt8Array, layer: str) -> FloatArray:
    """Return what a layer makes of pictures, averaged over the places of its map.

    Args:
        network: in evaluation mode.
        framed: ``uint8 (n, size, size, 3)``.
        layer: its name in the backbone.

    Returns:
        ``float32 (n, channels)``.

    Raises:
        ModelError: there is no such layer, or its output is neither a vector, a sequence nor a map.
    """
    module, taken = named_layer(network, layer), []

    def hook(_: nn.Module, __: object, output: object) -> None:
        if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
            raise ModelError(f"The layer '{layer}' gives no vector, sequence or map. Choose another --layer.")
        axes = {2: (), 3: (1,), 4: (2, 3)}[output.ndim]
        taken.append((output.mean(axes) if axes else output).float().numpy())

    handle = module.register_forward_hook(hook)
    try:
        with torch.inference_mode():
            for start in range(0, len(framed), _BATCH):
                network(unit_pictures(framed[start : start + _BATCH]))
    finally:
        handle.remove()
    return np.concatenate(taken)
