"""Backbones that end where Keras' do with ``include_top=False``."""

from __future__ import annotations

import pytest
import timm
import torch
from tests.networks.keras_counts import KERAS, Counted
from tests.networks.tiny_network import pictures
from torch import nn

from smearlab.errors import RecipeError
from smearlab.networks.build import build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.endings import end_with_last_map


def running_values(module: nn.Module) -> int:
    named = module.named_buffers()
    return sum(values.numel() for name, values in named if name.endswith(("running_mean", "running_var")))


def last_map(backbone: str, **options: object) -> nn.Module:
    torch.manual_seed(0)
    config = NetworkConfig(backbone=backbone, ending="last_map", options=options)
    return build_network(config, HeadConfig(), 2, size=32).backbone.eval()


@pytest.mark.parametrize("name", KERAS)
def test_as_many_numbers_as_in_keras(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counted = KERAS[name]
    # Weights are neither drawn nor stored, so that the largest costs no more than the smallest.
    monkeypatch.setattr("smearlab.networks.endings._pools_its_last_map", lambda *_: True)
    with torch.device("meta"):
        backbone = timm.create_model(counted.timm, num_classes=0)
        end_with_last_map(backbone, counted.timm, 96)
        assert backbone.eval()(torch.zeros(1, 3, 96, 96)).shape == (1, counted.channels)
    learnable, stored = count_parameters(backbone), running_values(backbone)
    assert learnable == counted.learnable - counted.fewer_learnable
    assert learnable + stored == counted.total - counted.fewer_learnable - counted.fewer_stored
    assert bool(counted.why) == bool(counted.fewer_learnable or counted.fewer_stored)


def test_the_differences_are_what_they_are_said_to_be() -> None:
    with torch.device("meta"):
        resnet, resnetv2, inception = (
            timm.create_model(KERAS[name].timm, num_classes=0) for name in ("ResNet50", "ResNet50V2", "InceptionV3")
        )
    outputs = {name: layer.out_channels for name, layer in resnet.named_modules() if isinstance(layer, nn.Conv2d)}
    assert sum(outputs.values()) == KERAS["ResNet50"].fewer_learnable
    outputs = {name: layer.out_channels for name, layer in resnetv2.named_modules() if isinstance(layer, nn.Conv2d)}
    biased = {name for name in outputs if name.endswith(("conv3", "downsample.conv")) or name == "stem.conv"}
    assert sum(outputs[name] for name in biased) == KERAS["ResNet50V2"].fewer_learnable
    norms = [layer for layer in inception.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert sum(layer.num_features for layer in norms) == -KERAS["InceptionV3"].fewer_learnable


@pytest.mark.parametrize("backbone", ["mobilenetv3_small_050", "resnet18", "test_efficientnet"])
def test_features_are_the_mean_of_the_last_map(backbone: str) -> None:
    network = last_map(backbone)
    maps = network.forward_features(pictures())  # type: ignore[operator]
    torch.testing.assert_close(network(pictures()), maps.mean((2, 3)))


def test_a_convnext_is_normalised_at_each_place_and_then_pooled() -> None:
    network = last_map("test_convnext")
    norm, large = network.get_submodule("head.norm"), torch.rand(2, 3, 96, 96)
    nn.init.normal_(norm.get_parameter("weight"))
    maps = norm(network.forward_features(large))  # type: ignore[operator]
    assert maps.shape[2:] == (3, 3)
    torch.testing.assert_close(network(large), maps.mean((2, 3)))
    whole = timm.create_model("test_convnext", num_classes=0).eval()
    whole.load_state_dict(network.state_dict())  # the same names
    assert not torch.allclose(network(large), whole(large), atol=1e-3)


def test_pooling_by_the_maximum_is_kept() -> None:
    torch.manual_seed(0)
    config = NetworkConfig(backbone="mobilenetv3_small_050", ending="last_map")
    network = build_network(config, HeadConfig(pooling="max"), 2, size=64).backbone.eval()
    picture = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(network(picture), network.forward_features(picture).amax((2, 3)))  # type: ignore[operator]


def test_weights_of_the_whole_network_fit(tmp_path: pytest.TempPathFactory) -> None:
    whole = timm.create_model("mobilenetv3_small_050")
    path = f"{tmp_path}/whole.pth"
    torch.save(whole.state_dict(), path)
    config = NetworkConfig(backbone="mobilenetv3_small_050", ending="last_map", weights=path)
    network = build_network(config, HeadConfig(), 2, size=32)
    assert torch.equal(network.backbone.conv_stem.weight, whole.conv_stem.weight)  # type: ignore[union-attr, arg-type]
    assert not [name for name in network.state_dict() if "conv_head" in name]


def test_a_network_without_a_last_map_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"'last_map' does not fit test_vit.*Set network\.ending to 'whole'"):
        last_map("test_vit")


def test_our_own_end_as_they_are_made() -> None:
    own = "smearlab/mobilenetv3_light"
    whole = build_network(NetworkConfig(backbone=own), HeadConfig(), 2, size=32).backbone
    assert count_parameters(last_map(own)) == count_parameters(whole)
