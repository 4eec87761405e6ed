"""Replaced normalisation: what is kept, what is computed, what is refused."""

from __future__ import annotations

import copy
from typing import get_args

import numpy as np
import pytest
import timm
import torch
from tests.networks.tiny_network import NARROW, SIZE, folded_network, pictures, tiny_network
from timm.layers import StdConv2d
from torch import nn

from smearlab.errors import RecipeError
from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.norms import AffineAct2d, NormName, groups_for, replace_norms, without_standardisation
from smearlab.networks.onnx import check_onnx, export_onnx

KINDS: dict[NormName, type[nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "frozen_batch": AffineAct2d,
    "group": nn.GroupNorm,
    "group_ws": nn.GroupNorm,
    "layer": nn.GroupNorm,
    "none": AffineAct2d,
}
ON_MAPS = (nn.BatchNorm2d, nn.GroupNorm, AffineAct2d)


def narrow(**options: object) -> NetworkConfig:
    return NARROW.model_copy(update=options)


def trained() -> CellNetwork:
    """A network whose batch normalisation has statistics, scales and shifts of its own."""
    network = folded_network().train()
    with torch.no_grad():
        network(pictures(16))
    return network.eval()


def test_a_recipe_can_name_every_kind() -> None:
    assert get_args(NetworkConfig.model_fields["norm"].annotation) == get_args(NormName) == ("keep", *KINDS)


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
@pytest.mark.parametrize("backbone", ["test_resnet", "mobilenetv3_small_050", "test_efficientnet"])
def test_every_layer_is_replaced(backbone: str, name: NormName, kind: type[nn.Module]) -> None:
    original = timm.create_model(backbone, num_classes=0)
    replaced = copy.deepcopy(original)
    replace_norms(replaced, name)
    layers = [layer for layer in replaced.modules() if isinstance(layer, ON_MAPS)]
    assert all(isinstance(layer, kind) for layer in layers)
    assert len(layers) == sum(isinstance(layer, nn.BatchNorm2d) for layer in original.modules())
    assert replaced(torch.rand(2, 3, 64, 64)).shape == original(torch.rand(2, 3, 64, 64)).shape


def test_activations_inside_a_norm_are_kept() -> None:
    original = timm.create_model("mobilenetv3_small_050", num_classes=0)
    replaced = copy.deepcopy(original)
    replace_norms(replaced, "group")
    assert type(replaced.get_submodule("bn1.act")) is type(original.get_submodule("bn1.act")) is nn.Hardswish


def test_learnt_scales_and_shifts_are_carried_over() -> None:
    network = trained()
    bias = network.backbone.bn1.bias.clone()  # type: ignore[union-attr, operator]
    replace_norms(network.backbone, "group")
    assert isinstance(network.backbone.bn1, nn.GroupNorm)
    assert torch.equal(network.backbone.bn1.bias, bias)


@pytest.mark.parametrize("kind", ["none", "frozen_batch"])
def test_an_affine_map_computes_what_batch_normalisation_did(kind: NormName) -> None:
    network = trained()
    with torch.no_grad():
        before = network(pictures())
        replace_norms(network.backbone, kind)
        torch.testing.assert_close(network.train()(pictures()), before, atol=1e-5, rtol=1e-5)


def test_a_frozen_map_does_not_learn_and_a_free_one_does() -> None:
    names = {"none": {"weight", "bias"}, "frozen_batch": set()}
    for kind, learnt in names.items():
        network = tiny_network(network=narrow(norm=kind))
        affine = next(layer for layer in network.modules() if isinstance(layer, AffineAct2d))
        assert {name for name, _ in affine.named_parameters()} == learnt
        assert set(affine.state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize("kind", ["group", "layer", "none", "group_ws"])
def test_a_picture_is_judged_alone(kind: str) -> None:
    network = tiny_network(network=narrow(norm=kind)).train()
    with torch.no_grad():
        torch.testing.assert_close(network(pictures())[:1], network(pictures()[:1]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("channels", "groups"), [(16, 1), (24, 2), (32, 2), (40, 4), (96, 6), (144, 9), (1280, 80), (7, 1), (17, 1)]
)
def test_groups_have_8_to_16_channels_where_that_divides(channels: int, groups: int) -> None:
    assert groups_for(channels) == groups


def test_layer_normalisation_stands_in_one_group() -> None:
    network = tiny_network(network=narrow(norm="layer"))
    assert {layer.num_groups for layer in network.modules() if isinstance(layer, nn.GroupNorm)} == {1}


class TestStandardisedWeights:
    def test_filters_have_no_mean_and_one_deviation(self) -> None:
        network = tiny_network(network=narrow(norm="group_ws")).eval()
        plain = without_standardisation(network)
        weight = plain.get_submodule("backbone.layer1.0.conv1").get_parameter("weight").flatten(1)
        torch.testing.assert_close(weight.mean(1), torch.zeros(8), atol=1e-5, rtol=0)
        torch.testing.assert_close(weight.std(1, correction=0), torch.ones(8), atol=1e-3, rtol=0)

    def test_the_copy_computes_the_same_and_the_original_stays(self) -> None:
        network = tiny_network(network=narrow(norm="group_ws")).eval()
        plain = without_standardisation(network)
        assert any(isinstance(layer, StdConv2d) for layer in network.modules())
        assert not any(isinstance(layer, StdConv2d) for layer in plain.modules())
        with torch.no_grad():
            torch.testing.assert_close(plain(pictures()), network(pictures()), atol=1e-4, rtol=1e-4)


def test_layer_normalisation_of_tokens_is_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match=r"norm = 'group' cannot replace .* of test_convnext.*conv_mlp = true"):
        build_network(NetworkConfig(backbone="test_convnext", norm="group"), HeadConfig(), 2, size=64)
    options = {"conv_mlp": True}
    build_network(NetworkConfig(backbone="test_convnext", norm="group", options=options), HeadConfig(), 2, size=64)


def test_a_network_without_normalisation_is_refused() -> None:
    config = NetworkConfig(backbone="smearlab/plain_cnn", options={"batch_norm": False}, norm="group")
    with pytest.raises(RecipeError, match=r"plain_cnn has no normalisation layer\. Set network\.norm to 'keep'"):
        build_network(config, HeadConfig(), 2, size=SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_exported_file_computes_the_same(kind: NormName) -> None:
    network = tiny_network(network=narrow(norm=kind)).eval()
    raw = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    raw[0] = 0
    assert check_onnx(export_onnx(network, SIZE), network, raw) < 1e-4
