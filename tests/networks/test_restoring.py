"""Restored normalisation computes what the folded one did, and training mode no longer destroys it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.networks.tiny_network import SIZE, pictures, tiny_network
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from smearlab.networks.build import CellNetwork
from smearlab.networks.config import NetworkConfig
from smearlab.networks.restoring import PICTURES, norms_are_folded, prepare_network, restore_norms, training_pictures


def norms(network: nn.Module) -> list[_BatchNorm]:
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


@pytest.fixture
def folded() -> CellNetwork:
    """A network as a deployed file has it: the scale in the convolutions, the shift in the biases."""
    network, generator = tiny_network(), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for norm in norms(network):
            norm.bias.copy_(torch.randn(norm.num_features, generator=generator))
    return network.eval()


def raw(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


@torch.no_grad()
def test_the_function_stays(folded: CellNetwork) -> None:
    before = folded(pictures())
    assert restore_norms(folded, pictures(16)) == len(norms(folded))
    torch.testing.assert_close(folded(pictures()), before, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_statistics_are_those_of_each_layers_input(folded: CellNetwork) -> None:
    inputs: list[torch.Tensor] = []
    norms(folded)[3].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    folded(pictures(16))
    restore_norms(folded, pictures(16))
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
    torch.testing.assert_close(norms(folded)[3].running_mean, mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(norms(folded)[3].running_var, variance, atol=1e-5, rtol=1e-3)


@torch.no_grad()
def test_training_mode_starts_from_the_function_of_evaluation_mode(folded: CellNetwork) -> None:
    before = folded.features(pictures(16))
    broken = folded.train().features(pictures(16))
    folded = folded.eval()
    for norm in norms(folded):
        norm.reset_running_stats()
    restore_norms(folded, pictures(16))
    kept = folded.train().features(pictures(16))
    torch.testing.assert_close(kept, before, atol=1e-3, rtol=1e-3)  # the very pictures of the statistics
    assert float((broken - before).abs().mean()) > 0.1 * float(before.abs().mean())


@torch.no_grad()
def test_pictures_may_come_in_batches_of_any_size(folded: CellNetwork) -> None:
    restore_norms(folded, iter([pictures(16)[:3], pictures(16)[3:]]))
    in_batches = {name: value.clone() for name, value in folded.state_dict().items()}
    restore_norms(folded, pictures(16))
    torch.testing.assert_close(dict(folded.state_dict()), in_batches, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_statistics_that_are_there_are_replaced_without_a_change_of_function() -> None:
    network = tiny_network()
    network.train()(pictures(16) * 3)
    before = network.eval()(pictures())
    restore_norms(network, pictures(16))
    torch.testing.assert_close(network(pictures()), before, atol=1e-4, rtol=1e-4)


def test_the_mode_stays_and_no_hook_is_left(folded: CellNetwork) -> None:
    folded.train()
    norms(folded)[0].eval()
    restore_norms(folded, pictures())
    assert [module.training for module in norms(folded)] == [False] + [True] * (len(norms(folded)) - 1)
    assert not any(module._forward_pre_hooks for module in folded.modules())


def test_folded_is_told_from_untrained_and_from_trained(folded: CellNetwork) -> None:
    assert norms_are_folded(folded)
    assert not norms_are_folded(tiny_network())
    restore_norms(folded, pictures())
    assert not norms_are_folded(folded)
    assert not norms_are_folded(nn.Linear(2, 2))


@pytest.mark.parametrize(("choice", "restored"), [("auto", True), ("always", True), ("never", False)])
def test_a_recipe_decides(folded: CellNetwork, choice: str, restored: bool) -> None:
    config = NetworkConfig.model_validate({"restore_norms": choice})
    count = prepare_network(folded, config, raw(9), np.arange(9))
    assert count == (len(norms(folded)) if restored else 0)
    assert norms_are_folded(folded) != restored


def test_auto_leaves_a_network_from_scratch_alone() -> None:
    network = tiny_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert prepare_network(network, NetworkConfig(), raw(9), np.arange(9)) == 0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_pictures_are_taken_evenly_from_the_training_rows_alone() -> None:
    images, rows = raw(2 * PICTURES + 9), np.arange(5, 2 * PICTURES + 5)
    chosen = training_pictures(images, rows)
    assert chosen.shape == (PICTURES, 3, SIZE, SIZE)
    for position, row in ((0, rows[0]), (-1, rows[-1])):
        torch.testing.assert_close(chosen[position], torch.from_numpy(images[row]).permute(2, 0, 1).float() / 255)
    assert len(training_pictures(images, rows[:3])) == 3
