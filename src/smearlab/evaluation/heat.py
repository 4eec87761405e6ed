"""Where a network looks: Grad-CAM, Grad-CAM++, LayerCAM and occlusion, for any class, as a map over each picture.

The last layer knows what matters but has few places: 3 to 7 a side for a cell. As Guided Grad-CAM does with guided
backpropagation (Selvaraju et al. 2017), its map is by default multiplied by fine ones, here LayerCAM's (Jiang et al.
2021) of two early layers, which follow the cell's border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F

from smearlab.errors import DataError, did_you_mean
from smearlab.evaluation.spatial import last_at_least, named_layer, spatial_layers, unit_pictures

if TYPE_CHECKING:
    from torch import Tensor, nn

    from smearlab.data.cells import BoolArray, FloatArray, IntArray, UInt8Array
    from smearlab.networks.build import CellNetwork

MethodName = Literal["gradcam", "gradcam++", "layercam", "occlusion"]
_FINE_SHARES = (1 / 2, 1 / 4)  # places of a map as a share of the picture's side in pixels
_BATCH = 32
_LEAST = 1e-9


@dataclass(frozen=True)
class HeatOptions:
    """How heat is found.

    Attributes:
        method: ``gradcam`` (Selvaraju et al. 2017, by captum), ``gradcam++`` (Chattopadhyay et al. 2018), ``layercam``
            (Jiang et al. 2021) or ``occlusion`` (Zeiler & Fergus 2014, by captum).
        layer: of the backbone; empty takes the last that has a map.
        refine: multiply by the fine maps of early layers; not for occlusion.
    """

    method: MethodName = "gradcam"
    layer: str = ""
    refine: bool = True

    def __post_init__(self) -> None:
        """Refuse a method that does not exist."""
        known = get_args(MethodName)
        if self.method not in known:
            raise DataError(
                f"There is no method '{self.method}'.{did_you_mean(self.method, known)} Choose one of: "
                f"{', '.join(known)}."
            )


def heat_maps(
    network: CellNetwork, framed: UInt8Array, classes: IntArray, options: HeatOptions | None = None
) -> FloatArray:
    """Return where a network looks for a class of each picture.

    Args:
        network: in evaluation mode, on the CPU.
        framed: ``uint8 (n, size, size, 3)``.
        classes: ``int64 (n,)`` the class asked for, of each picture.
        options: method, layer.

    Returns:
        ``float32 (n, size, size)`` from 0 to 1, each picture's greatest heat being 1; all 0 where nothing speaks for
        the class.

    Raises:
        ModelError: there is no such layer.
    """
    options, size = options or HeatOptions(), framed.shape[1]
    parts = []
    for start in range(0, len(framed), _BATCH):
        pictures = unit_pictures(framed[start : start + _BATCH])
        wanted = torch.from_numpy(np.asarray(classes[start : start + _BATCH], np.int64))
        parts.append(_heat(network, pictures, wanted, options).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, size, size), np.float32)


def share_inside(heat: FloatArray, masks: BoolArray) -> FloatArray:
    """Return the share of each map's heat inside a mask: the energy-based pointing game (Wang et al. 2020).

    Args:
        heat: ``float32 (n, h, w)``.
        masks: ``bool (n, h, w)``.

    Returns:
        ``float64 (n,)``; NaN where there is no heat.
    """
    total = heat.sum(axis=(1, 2), dtype=np.float64)
    inside = (heat * masks).sum(axis=(1, 2), dtype=np.float64)
    return np.where(total > _LEAST, inside / np.maximum(total, _LEAST), np.nan)


def _heat(network: CellNetwork, pictures: Tensor, classes: Tensor, options: HeatOptions) -> Tensor:
    if options.method == "occlusion":
        return _to_one(_occlusion(network, pictures, classes))
    size = pictures.shape[-1]
    layers = spatial_layers(network, size)
    deep = named_layer(network, options.layer) if options.layer else layers[-1].module
    heat = _to_one(_enlarged(_class_map(network, pictures, classes, deep, options.method), size))
    for share in _FINE_SHARES if options.refine else ():
        fine = last_at_least(layers, size * share).module
        heat = heat * _to_one(_enlarged(_class_map(network, pictures, classes, fine, "layercam"), size))
    return _to_one(heat)


def _class_map(network: CellNetwork, pictures: Tensor, classes: Tensor, layer: nn.Module, method: str) -> Tensor:
    """Return ``(n, 1, h, w)`` of a layer, not below 0."""
    if method == "gradcam":
        from captum.attr import LayerGradCam

        found = LayerGradCam(network, layer).attribute(pictures, target=classes, relu_attributions=True)
        return found.detach()  # type: ignore[no-any-return]
    values, slopes = _values_and_slopes(network, pictures, classes, layer)
    plain = method == "layercam"
    weights = slopes.clamp(min=0) if plain else _plus_plus(values, slopes).sum(dim=(2, 3), keepdim=True)
    return (weights * values).sum(dim=1, keepdim=True).clamp(min=0)


def _plus_plus(values: Tensor, slopes: Tensor) -> Tensor:
    """Weight every place as Grad-CAM++ does, so that several parts of one class count in full."""
    square, cube = slopes**2, slopes**3
    below = 2 * square + (values * cube).sum(dim=(2, 3), keepdim=True)
    share = torch.where(below.abs() > _LEAST, square / below.where(below.abs() > _LEAST, torch.ones(())), 0.0)
    return share * slopes.clamp(min=0)


def _values_and_slopes(
    network: CellNetwork, pictures: Tensor, classes: Tensor, layer: nn.Module
) -> tuple[Tensor, Tensor]:
    """Return a layer's output and the slope of each picture's class score along it, both ``(n, c, h, w)``."""
    kept: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        with torch.enable_grad():
            scores = network(pictures.clone().requires_grad_(True)).gather(1, classes[:, None]).sum()
            (slopes,) = torch.autograd.grad(scores, kept[0])
    finally:
        handle.remove()
    return kept[0].detach(), slopes.detach()


def _occlusion(network: CellNetwork, pictures: Tensor, classes: Tensor) -> Tensor:
    """Return how much a class's score falls where a square of the picture's mean colour lies over it."""
    from captum.attr import Occlusion

    size = pictures.shape[-1]
    window, step = max(2, size // 8), max(1, size // 16)
    windows, steps = (3, window, window), (3, step, step)
    paper = pictures.mean(dim=(2, 3), keepdim=True).expand_as(pictures)
    with torch.no_grad():
        fallen = Occlusion(network).attribute(
            pictures, sliding_window_shapes=windows, strides=steps, baselines=paper, target=classes
        )
    return fallen.mean(dim=1, keepdim=True).clamp(min=0)  # type: ignore[no-any-return]


def _enlarged(heat: Tensor, size: int) -> Tensor:
    return F.interpolate(heat, size=(size, size), mode="bilinear", align_corners=False)


def _to_one(heat: Tensor) -> Tensor:
    """Scale each map's greatest value to 1: ``(n, 1, h, w)`` or ``(n, h, w)`` to ``(n, h, w)``."""
    flat = heat.flatten(1)
    greatest = flat.amax(dim=1).clamp(min=_LEAST)
    scaled = flat / greatest[:, None]
    return scaled.view(len(heat), heat.shape[-2], heat.shape[-1]).to(torch.float32)
