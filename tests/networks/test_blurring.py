"""Blurred strides: less change when a cell moves, same shapes, same weight names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.layers import BlurPool2d
from torch import Tensor, nn

from smearlab.errors import RecipeError
from smearlab.networks.blurring import BlurredConv2d, blur_strides
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.onnx import check_onnx, export_onnx

SIZE = 64
BLURRED_BY_TIMM = ["test_resnet", "mobilenetv2_035", "mobilenetv3_small_050"]
BLURRED_HERE = ["test_convnext", "smearlab/plain_cnn", "regnetx_002"]


def build(backbone: str, *, blurred: bool) -> CellNetwork:
    torch.manual_seed(0)
    config = NetworkConfig(backbone=backbone, blur_pool=blurred)
    return build_network(config, HeadConfig(), 2, size=SIZE).eval()


@pytest.mark.parametrize("backbone", [*BLURRED_BY_TIMM, *BLURRED_HERE])
def test_weights_and_features_keep_names_and_shapes(backbone: str) -> None:
    plain, blurred = build(backbone, blurred=False), build(backbone, blurred=True)
    assert any(isinstance(layer, BlurPool2d) for layer in blurred.modules())
    shapes = [{name: value.shape for name, value in network.state_dict().items()} for network in (plain, blurred)]
    assert shapes[0] == shapes[1]
    assert plain.features(torch.rand(2, 3, SIZE, SIZE)).shape == blurred.features(torch.rand(2, 3, SIZE, SIZE)).shape


def test_a_strided_convolution_sees_blurred_maps() -> None:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(8, 4, 3, stride=2, padding=1))
    maps, weight = torch.rand(2, 8, 12, 12), block[0].weight
    assert blur_strides(block) == 1
    assert isinstance(block[0], BlurredConv2d)
    assert block[0].weight is weight
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    padded = nn.functional.pad(maps, [1] * 4, mode="reflect")
    smooth = nn.functional.conv2d(padded, torch.outer(kernel, kernel).expand(8, 1, 3, 3), groups=8)
    torch.testing.assert_close(block(maps), nn.functional.conv2d(smooth, weight, block[0].bias, 2, 1))


def test_the_first_convolution_and_average_pools_are_left() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.AvgPool2d(2), nn.MaxPool2d(2))
    assert blur_strides(network) == 1
    assert type(network[0]) is nn.Conv2d
    assert isinstance(network[2], nn.Sequential)


def change_by_moving(network: nn.Module, maps: Tensor) -> float:
    """Tell how much more the pooled output changes when the picture moves by one pixel than its own spread."""
    with torch.no_grad():
        still, moved = (network(part).mean((2, 3)) for part in (maps[..., :-1], maps[..., 1:]))
    return float((still - moved).norm() / still.norm())


def test_moving_a_picture_changes_less() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU())
    maps = torch.rand(4, 8, 32, 33)
    before = change_by_moving(network, maps)
    blur_strides(network)
    assert change_by_moving(network, maps) < 0.7 * before


def test_a_network_without_strides_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"network\.blur_pool: .* has no strided layers"):
        blur_strides(nn.Sequential(nn.Conv2d(8, 8, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext", "smearlab/plain_cnn"])
def test_the_exported_file_computes_the_same(backbone: str) -> None:
    network = build(backbone, blurred=True)
    raw = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    assert check_onnx(export_onnx(network, SIZE), network, raw) < 1e-4
