"""Layers that stay in float32 beside bfloat16."""

from __future__ import annotations

import copy

import pytest
import torch
from timm.layers import BlurPool2d
from torch import nn

from smearlab.networks.build import build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.precise import keep_depthwise_precise

SLOW = [
    nn.Conv2d(4, 4, 3, 2, 1, groups=4),
    nn.Conv2d(4, 4, 5, 1, 2, groups=4),
    BlurPool2d(4),
]
FAST = [
    nn.Conv2d(4, 4, 3, 1, 1, groups=4),
    nn.Conv2d(4, 8, 3, 2, 1),
    nn.Conv2d(4, 4, 5, 2, 2, groups=2),
]


@pytest.mark.parametrize("layer", SLOW, ids=str)
def test_slow_layers_compute_in_float32(layer: nn.Module) -> None:
    precise, maps = copy.deepcopy(layer), torch.rand(2, 4, 9, 9)
    assert keep_depthwise_precise(precise) == 1
    with torch.autocast("cpu", torch.bfloat16):
        result = precise(maps)
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, layer(maps).bfloat16())
    assert torch.equal(precise(maps), layer(maps))


@pytest.mark.parametrize("layer", FAST, ids=str)
def test_other_layers_are_left(layer: nn.Module) -> None:
    kind = type(layer)
    assert keep_depthwise_precise(layer) == 0
    assert type(layer) is kind


@pytest.mark.parametrize("options", [{}, {"pad_type": "same"}])
def test_a_network_trains_in_bfloat16(options: dict[str, str]) -> None:
    config = NetworkConfig(backbone="mobilenetv3_small_050", options=options, norm="group_ws", blur_pool=True)
    network = build_network(config, HeadConfig(), 2, size=64)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.rand(2, 3, 64, 64))
    logits.float().square().sum().backward()
    assert logits.dtype == torch.bfloat16
    assert all(parameter.grad is not None for parameter in network.backbone.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
