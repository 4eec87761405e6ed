"""Backbones that end with their last map, as Keras' applications do with ``include_top=False``.

Most of timm's networks do so anyway. Some keep dense layers that belong to the classifier they were made for: VGG its
two of 4,096 units, MobileNetV3 a convolution after pooling. Others, ConvNeXt among them, normalise after pooling, where
Keras' normalises each place of the map, and pooling comes last.
"""

from __future__ import annotations

import torch
from timm.layers import SelectAdaptivePool2d
from torch import nn

from smearlab.errors import RecipeError

_AFTER_POOLING = ("conv_head", "norm_head", "act2")
"""What a MobileNetV3 computes of its pooled map."""


def end_with_last_map(backbone: nn.Module, name: str, size: int, channels: int = 3) -> None:
    """Take away what a timm backbone computes between its last map and the classifier, in place.

    The layers that stay keep their names, so that weights made for the whole network still fit.

    Args:
        backbone: built without a classifier.
        name: for the message.
        size: height and width in pixels of a picture that it takes.
        channels: of that picture.

    Raises:
        RecipeError: it has no last map, or computes more of it than is known here.
    """
    _drop_dense_layers(backbone)
    head = getattr(backbone, "head", None)
    if isinstance(getattr(head, "norm", None), nn.Module) and hasattr(head, "global_pool"):
        _normalise_before_pooling(head)  # type: ignore[arg-type]
    if not _pools_its_last_map(backbone, torch.rand(1, channels, size, size)):
        raise RecipeError(
            f"network.ending 'last_map' does not fit {name}: it is not known what belongs to its classifier. "
            "Set network.ending to 'whole'."
        )


def _drop_dense_layers(backbone: nn.Module) -> None:
    if hasattr(backbone, "pre_logits"):
        backbone.pre_logits = nn.Identity()
    names = list(dict(backbone.named_children()))
    if {"global_pool", *_AFTER_POOLING} <= set(names) and names.index("global_pool") < names.index("conv_head"):
        for layer in _AFTER_POOLING:
            setattr(backbone, layer, nn.Identity())


def _normalise_before_pooling(head: nn.Module) -> None:
    if isinstance(head.norm, nn.Identity):
        return
    pooling = head.global_pool
    assert isinstance(pooling, SelectAdaptivePool2d)  # every head of timm's that normalises has one
    head.global_pool = nn.Identity()
    head.flatten = nn.Sequential(pooling, nn.Flatten(1))
    if hasattr(head, "pre_logits"):
        head.pre_logits = nn.Identity()


@torch.no_grad()
def _pools_its_last_map(backbone: nn.Module, picture: torch.Tensor) -> bool:
    """Whether the features are the mean or the maximum of the last map, normalised at each place or not."""
    training = backbone.training
    backbone.eval()
    try:
        maps = backbone.forward_features(picture)  # type: ignore[operator]
        features = backbone(picture)
    finally:
        backbone.train(training)
    if not isinstance(maps, torch.Tensor) or maps.ndim != 4 or features.shape[1] != maps.shape[1]:
        return False
    if features.is_meta:
        return True  # shapes without numbers, as for counting parameters: there is nothing to compare
    norm = getattr(getattr(backbone, "head", None), "norm", None)
    maps = norm(maps) if isinstance(norm, nn.Module) else maps
    pooled = maps.mean((2, 3)), maps.amax((2, 3))
    return any(torch.allclose(features, either, atol=1e-4, rtol=1e-3) for either in pooled)
