"""What happens to a network before its first step, and on which pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.networks.tiny_network import NARROW, SIZE, folded_network, pictures, tiny_network
from torch import Tensor, nn

from smearlab.networks.build import CellNetwork
from smearlab.networks.config import NetworkConfig
from smearlab.networks.matching import match_norms
from smearlab.networks.preparing import PICTURES, prepare_network, training_pictures
from smearlab.networks.restoring import norms_are_folded, restore_norms


def raw(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


Norm = nn.BatchNorm2d | nn.GroupNorm


def norms(network: nn.Module, kind: type[Norm] = nn.BatchNorm2d) -> list[Norm]:
    return [module for module in network.modules() if isinstance(module, kind)]


def prepared(network: CellNetwork, config: NetworkConfig, count: int = 9) -> int:
    return prepare_network(network, config, raw(count), np.arange(count))


@pytest.mark.parametrize(("choice", "restored"), [("auto", True), ("always", True), ("never", False)])
def test_a_recipe_decides(choice: str, restored: bool) -> None:
    folded = folded_network()
    count = prepared(folded, NetworkConfig.model_validate({"restore_norms": choice}))
    assert count == (len(norms(folded)) if restored else 0)
    assert norms_are_folded(folded) != restored


@pytest.mark.parametrize("norm", ["keep", "group", "none"])
def test_auto_leaves_a_network_from_scratch_alone(norm: str) -> None:
    config = NARROW.model_copy(update={"norm": norm})
    network = tiny_network(network=config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert prepared(network, config) == 0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_pictures_are_taken_evenly_from_the_training_rows_alone() -> None:
    images, rows = raw(2 * PICTURES + 9), np.arange(5, 2 * PICTURES + 5)
    chosen = training_pictures(images, rows)
    assert chosen.shape == (PICTURES, 3, SIZE, SIZE)
    for position, row in ((0, rows[0]), (-1, rows[-1])):
        torch.testing.assert_close(chosen[position], torch.from_numpy(images[row]).permute(2, 0, 1).float() / 255)
    assert len(training_pictures(images, rows[:3])) == 3


class TestReplacedNorms:
    """Group normalisation starts from what the loaded batch normalisation computed."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> NetworkConfig:
        torch.save(folded_network().backbone.state_dict(), tmp_path / "folded.pth")
        return NARROW.model_copy(update={"weights": str(tmp_path / "folded.pth"), "norm": "group"})

    @staticmethod
    def shown(network: CellNetwork) -> list[tuple[Tensor, Tensor]]:
        """Give mean and deviation of each channel behind every normalisation."""
        found: list[tuple[Tensor, Tensor]] = []
        kinds = (nn.BatchNorm2d, nn.GroupNorm)
        handles = [
            # The blocks' norms are followed by activations of their own, in place, so the moments are taken at once.
            layer.register_forward_hook(
                lambda _, __, maps: found.append((maps.mean((0, 2, 3)), maps.std((0, 2, 3), correction=0)))
            )
            for layer in network.modules()
            if isinstance(layer, kinds)
        ]
        with torch.no_grad():
            network.eval().features(pictures(16))
        for handle in handles:
            handle.remove()
        return found

    def test_every_channel_has_the_originals_mean_and_deviation(self, config: NetworkConfig) -> None:
        original = tiny_network(network=config.model_copy(update={"norm": "keep"}))
        replaced = tiny_network(network=config)
        restore_norms(original, pictures(16))
        layers = norms(original)
        assert match_norms(replaced, original, pictures(16)) == len(layers)
        for layer, (mean, deviation) in zip(layers, self.shown(replaced), strict=True):
            torch.testing.assert_close(mean, layer.bias, atol=1e-3, rtol=1e-3)
            torch.testing.assert_close(deviation, layer.weight.abs(), atol=1e-2, rtol=1e-2)

    def test_a_recipe_with_weights_is_matched(self, config: NetworkConfig) -> None:
        network = tiny_network(network=config)
        assert prepared(network, config) == len(norms(network, nn.GroupNorm)) > 0
        assert prepared(network, config.model_copy(update={"restore_norms": "never"})) == 0

    def test_weights_that_had_the_replaced_norm_already_are_left_alone(
        self, config: NetworkConfig, tmp_path: Path
    ) -> None:
        first = tiny_network(network=config)
        prepared(first, config)
        torch.save(first.state_dict(), tmp_path / "trained.pth")
        again = config.model_copy(update={"weights": str(tmp_path / "trained.pth")})
        second = tiny_network(network=again)
        assert prepared(second, again) == 0
        torch.testing.assert_close(dict(second.backbone.state_dict()), dict(first.backbone.state_dict()))
