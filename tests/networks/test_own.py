"""Our own networks, for backbones that timm does not have."""

from __future__ import annotations

import pytest
import torch
from tests.networks.tiny_network import SIZE, pictures

from smearlab.errors import RecipeError
from smearlab.networks.build import build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.onnx import check_onnx, export_onnx
from smearlab.networks.own import PlainCnn, own_names

HEAD = HeadConfig(layers=(6,))


def plain(**options: object) -> NetworkConfig:
    return NetworkConfig(backbone="smearlab/plain_cnn", options=options)


def test_a_recipe_names_it_like_any_other_backbone() -> None:
    network = build_network(plain(channels=[4, 5]), HEAD, 3, size=SIZE).eval()
    assert network.features(pictures()).shape == (4, 5)
    assert network(pictures()).shape == (4, 3)


def test_its_parameters_are_those_of_the_layers() -> None:
    with_norm = 3 * 9 * 4 + 2 * 4 + 4 * 9 * 5 + 2 * 5
    assert count_parameters(PlainCnn("avg", (4, 5))) == with_norm
    assert count_parameters(PlainCnn("avg", (4, 5), kernel=5, batch_norm=False)) == 3 * 25 * 4 + 4 + 4 * 25 * 5 + 5


def test_pooling_takes_the_mean_or_the_largest() -> None:
    torch.manual_seed(0)
    mean, largest = PlainCnn("avg", (4,)).eval(), PlainCnn("max", (4,)).eval()
    largest.load_state_dict(mean.state_dict())
    maps = mean.blocks(pictures())
    torch.testing.assert_close(mean(pictures()), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(largest(pictures()), maps.amax(dim=(2, 3)))


def test_it_is_exported_like_any_other() -> None:
    network = build_network(plain(channels=[4, 4]), HEAD, 3, size=SIZE).eval()
    raw = (pictures().permute(0, 2, 3, 1) * 255).to(torch.uint8).numpy()
    assert check_onnx(export_onnx(network, SIZE), network, raw) < 1e-4


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (NetworkConfig(backbone="smearlab/plain_cn"), "Did you mean 'smearlab/plain_cnn'"),
        (plain(chanels=[4]), "do not fit"),
        (plain(kernel=4), "kernel must be odd"),
        (plain(channels=[]), "at least one block"),
        (plain(channels=[4] * 9), "does not take pictures of"),
    ],
)
def test_mistakes_are_told(network: NetworkConfig, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_network(network, HEAD, 3, size=SIZE)


def test_their_names_are_listed() -> None:
    names = ("plain_cnn", "small_cnn", "deep_cnn", "mobilenetv3_light", "mobilenetv3_heavy")
    assert own_names() == [f"smearlab/{name}" for name in names]


def test_a_flattened_map_is_taken_whole() -> None:
    network = PlainCnn("avg", (4, 5), flatten=True).eval()
    assert network(torch.zeros(2, 3, 16, 12)).shape == (2, 5 * 4 * 3)
    assert count_parameters(network) == count_parameters(PlainCnn("avg", (4, 5)))


def test_activation_and_initialisation_can_be_chosen() -> None:
    network = PlainCnn("avg", (4,), batch_norm=False, activation="leaky_relu", initialisation="he_uniform")
    assert any(isinstance(layer, torch.nn.LeakyReLU) for layer in network.blocks)
    weight, bias = (network.blocks[0].get_parameter(name) for name in ("weight", "bias"))
    bound = (6 / 27) ** 0.5  # He et al. 2015, of 27 inputs
    assert 0.8 * bound < weight.abs().max() <= bound
    assert not bias.any()


@pytest.mark.parametrize("options", [{"activation": "gelo"}, {"initialisation": "he"}])
def test_an_unknown_choice_is_told(options: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match=r"activation must be one of relu, leaky_relu.*he_uniform"):
        build_network(plain(**options), HEAD, 3, size=SIZE)


@pytest.mark.parametrize("width", [0, -1])
def test_a_mobilenet_needs_a_width(width: int) -> None:
    config = NetworkConfig(backbone="smearlab/mobilenetv3_light", options={"width": width})
    with pytest.raises(RecipeError, match="width must be larger than 0"):
        build_network(config, HEAD, 3, size=SIZE)
