"""Restored normalisation computes what the folded one did, and training mode no longer destroys it."""

from __future__ import annotations

import pytest
import torch
from tests.networks.tiny_network import folded_network, pictures, tiny_network
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from smearlab.networks.build import CellNetwork
from smearlab.networks.restoring import norms_are_folded, restore_norms


def norms(network: nn.Module) -> list[_BatchNorm]:
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


@pytest.fixture
def folded() -> CellNetwork:
    return folded_network()


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
