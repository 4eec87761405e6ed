"""Several backbones with one head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.networks.tiny_network import NARROW, SIZE, pictures, tiny_network

from smearlab.errors import RecipeError
from smearlab.networks.build import build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig, TrainableConfig
from smearlab.networks.freezing import backbone_layers, set_trainable
from smearlab.networks.joining import backbone_parts
from smearlab.networks.onnx import check_onnx, export_onnx

JOINED = NetworkConfig(backbone="smearlab/plain_cnn", options={"channels": [4, 6]}, further=("smearlab/plain_cnn",) * 2)


def test_features_stand_side_by_side_and_parts_differ() -> None:
    network = tiny_network(network=JOINED).eval()
    parts = backbone_parts(network.backbone)
    features = network.features(pictures())
    assert features.shape == (4, 18)
    scaled = (pictures() - network.mean) / network.std
    for position, part in enumerate(parts):
        torch.testing.assert_close(features[:, 6 * position : 6 * position + 6], part(scaled))
    assert not torch.equal(features[:, :6], features[:, 6:12])


def test_one_backbone_is_its_own_part_and_keeps_its_names() -> None:
    network = tiny_network()
    assert backbone_parts(network.backbone) == [network.backbone]
    assert "backbone.conv1.weight" in network.state_dict()


def test_all_layers_are_listed_and_counted() -> None:
    network, single = tiny_network(network=JOINED), tiny_network(network=JOINED.model_copy(update={"further": ()}))
    assert len(backbone_layers(network)) == 3 * len(backbone_layers(single))
    assert count_parameters(network.backbone) == 3 * count_parameters(single.backbone)


def test_a_share_is_freed_in_every_part() -> None:
    network = tiny_network(network=JOINED)
    set_trainable(network, TrainableConfig(share=0.5))
    for part in backbone_parts(network.backbone):
        learns = [parameter.requires_grad for parameter in part.parameters()]
        assert any(learns)
        assert not all(learns)


def test_every_part_learns() -> None:
    network = tiny_network(network=JOINED)
    network(pictures()).square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


def test_a_trained_model_starts_another_of_the_same_backbones(tmp_path: Path) -> None:
    source = tiny_network(network=JOINED, seed=7)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    started = tiny_network(network=JOINED.model_copy(update={"weights": str(tmp_path / "weights.pth")}))
    pairs = zip(source.backbone.state_dict().values(), started.backbone.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_file_of_one_backbone_is_refused(tmp_path: Path) -> None:
    torch.save(tiny_network().backbone.state_dict(), tmp_path / "one.pth")
    config = NARROW.model_copy(update={"further": ("resnet18",), "weights": str(tmp_path / "one.pth")})
    with pytest.raises(RecipeError, match=r"one\.pth holds one backbone, but network\.further names more"):
        tiny_network(network=config)


def test_an_unknown_further_backbone_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'resnet1' is not a model"):
        tiny_network(network=NARROW.model_copy(update={"further": ("resnet1",)}))


def test_norms_are_replaced_in_every_part() -> None:
    network = tiny_network(network=JOINED.model_copy(update={"norm": "frozen_batch"}))
    assert not [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]


def test_it_is_exported_like_any_other() -> None:
    config = JOINED.model_copy(update={"enlarge": 2 * SIZE})
    network = build_network(config, HeadConfig(layers=(6,)), 3, size=SIZE).eval()
    raw = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    assert check_onnx(export_onnx(network, SIZE), network, raw) < 1e-4


def test_all_backbones_are_named_in_order() -> None:
    assert NARROW.backbones == ("resnet18",)
    assert JOINED.model_copy(update={"further": ("vgg16", "resnet50")}).backbones[1:] == ("vgg16", "resnet50")
