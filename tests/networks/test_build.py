"""From a configuration to a network."""

from __future__ import annotations

import pytest
import torch
from tests.networks.tiny_network import NARROW, SIZE, pictures, tiny_network

from smearlab.errors import RecipeError
from smearlab.networks.build import SCALINGS, build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig


def build(**network: object) -> None:
    build_network(NetworkConfig.model_validate(network), HeadConfig(), 3, size=SIZE)


def test_logits_are_the_head_of_the_features() -> None:
    network = tiny_network(HeadConfig(layers=(5,))).eval()
    features = network.features(pictures())
    assert features.shape == (4, 8)
    torch.testing.assert_close(network(pictures()), network.head(features))
    assert network(pictures()).shape == (4, 3)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scaling_is_inside_and_is_no_weight(scaling: str) -> None:
    network = tiny_network(network=NARROW.model_copy(update={"scaling": scaling})).eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in SCALINGS[scaling])
    torch.testing.assert_close(network.features(pictures()), network.backbone((pictures() - mean) / std))
    assert not {"mean", "std"} & set(network.state_dict())


def test_pooling_is_the_one_asked_for() -> None:
    network = tiny_network(HeadConfig(pooling="max")).eval()
    maps = network.backbone.forward_features((pictures() - network.mean) / network.std)  # type: ignore[operator]
    torch.testing.assert_close(network.features(pictures()), maps.amax(dim=(2, 3)))


def test_building_leaves_statistics_fresh_and_the_network_ready_to_train() -> None:
    network = tiny_network()
    assert all(module.training for module in network.modules())
    fresh = {name: value for name, value in network.named_buffers() if name.endswith("running_mean")}
    assert fresh
    assert all(not value.any() for value in fresh.values())


def test_parameters_are_counted() -> None:
    assert count_parameters(torch.nn.Linear(4, 3)) == 15


# MobileNet's features have another width than its last map.
@pytest.mark.parametrize("backbone", ["mobilenetv3_small_050", "test_convnext", "test_vit", "test_efficientnet"])
def test_the_head_fits_backbones_of_every_family(backbone: str) -> None:
    network = build_network(NetworkConfig(backbone=backbone), HeadConfig(), 2, size=64)
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 2)
    assert network.head[-1].out_features == 2  # type: ignore[index]


def test_an_unknown_backbone_says_which_was_meant() -> None:
    with pytest.raises(RecipeError, match=r"'resnet1' is not a model.*Did you mean 'resnet1"):
        build(backbone="resnet1")


def test_an_option_that_does_not_fit_names_the_option() -> None:
    with pytest.raises(RecipeError, match=r"network\.options .*chanels.* do not fit resnet18"):
        build(backbone="resnet18", options={"chanels": [8, 8, 8, 8]})


def test_a_backbone_made_for_another_size_is_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match=r"does not take pictures of 32 × 32 px.*framing\.size.*img_size = 32"):
        build(backbone="vit_tiny_patch16_224")
    build(backbone="vit_tiny_patch16_224", options={"img_size": SIZE, "depth": 1})
