"""Every optimiser learns, forgets nothing when it is saved, and passes frozen weights by."""

from __future__ import annotations

import copy
import io
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from smearlab.networks.build import CellNetwork
from smearlab.training.optimisers import build_optimiser
from smearlab.training.recipe import OptimiserName, PhaseConfig

NAMES = get_args(OptimiserName)
DECOUPLED = ("adamw", "lion", "ranger")
PICTURES = torch.rand(16, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def network() -> CellNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
        return CellNetwork(backbone, nn.Sequential(nn.Linear(16, 2)), "unit")


def optimiser(some: CellNetwork, name: str, **values: object) -> torch.optim.Optimizer:
    rate = 1e-3 if name == "lion" else 1e-2
    phase = {"optimiser": name, "learning_rate": rate, "weight_decay": 0.01, **values}
    return build_optimiser(some, PhaseConfig.model_validate(phase))


def learn(some: CellNetwork, opt: torch.optim.Optimizer, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(some(PICTURES), torch.arange(16) % 2)
        opt.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        losses.append(loss.item())
    return losses


def weights(some: CellNetwork) -> Tensor:
    return torch.cat([parameter.detach().flatten().clone() for parameter in some.parameters()])


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name: str) -> None:
    some = network()
    losses = learn(some, optimiser(some, name), 120)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_exactly_where_it_was_saved(name: str) -> None:
    some = network()
    opt = optimiser(some, name)
    learn(some, opt, 8)
    file = io.BytesIO()
    torch.save({"network": some.state_dict(), "optimiser": opt.state_dict()}, file)
    learn(some, opt, 9)
    again = network()
    restored = optimiser(again, name)
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    again.load_state_dict(saved["network"])
    restored.load_state_dict(saved["optimiser"])
    learn(again, restored, 9)
    assert torch.equal(weights(again), weights(some))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_freed_later_begins_then_and_is_saved_too(name: str) -> None:
    some = network()
    growing = {"grow_epochs": 2}
    opt = optimiser(some, name, trainable=growing)
    some.backbone.requires_grad_(False)
    start = copy.deepcopy(some.state_dict())
    learn(some, opt, 3)
    assert torch.equal(some.state_dict()["backbone.0.weight"], start["backbone.0.weight"]), "no decay while frozen"
    assert not torch.equal(some.state_dict()["head.0.weight"], start["head.0.weight"])
    again = network()
    restored = optimiser(again, name, trainable=growing)
    again.load_state_dict(copy.deepcopy(some.state_dict()))
    restored.load_state_dict(copy.deepcopy(opt.state_dict()))
    for one, its in ((some, opt), (again, restored)):
        one.requires_grad_(True)
        learn(one, its, 8)
    assert torch.equal(weights(again), weights(some))
    assert not torch.equal(some.state_dict()["backbone.0.weight"], start["backbone.0.weight"])


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_is_apart_from_the_gradient_where_the_optimiser_says_so(name: str) -> None:
    """With a gradient of nothing, a decoupled decay takes exactly its share; a penalty is scaled by the optimiser."""
    left = 1 - 0.01 * 0.1
    some = network()
    opt = optimiser(some, name, weight_decay=0.1, learning_rate=0.01, momentum=0.0)
    before = some.state_dict()["head.0.weight"].clone()
    for parameter in some.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for _ in range(7):
        opt.step()
    # Ranger went half-way back after the sixth step.
    decayed = before * (left * (1 + left**6) / 2 if name == "ranger" else left**7)
    only_decayed = torch.allclose(some.state_dict()["head.0.weight"], decayed, rtol=1e-6, atol=0)
    # Without momentum the penalty of plain gradient descent is the decay.
    assert only_decayed == (name in (*DECOUPLED, "sgd"))


def test_biases_and_norms_do_not_decay() -> None:
    some = network()
    groups = optimiser(some, "adamw").param_groups
    spared = [weight for group in groups if not group["weight_decay"] for weight in group["params"]]
    assert {tuple(weight.shape) for weight in spared} == {(4,), (2,)}


def test_ranger_is_radam_that_goes_half_way_back_every_sixth_step() -> None:
    some, plain = network(), network()
    start = weights(some)
    ranger, radam = optimiser(some, "ranger", weight_decay=0.0), optimiser(plain, "radam", weight_decay=0.0)
    learn(some, ranger, 5)
    learn(plain, radam, 5)
    torch.testing.assert_close(weights(some), weights(plain), rtol=0, atol=0)
    learn(some, ranger, 1)
    learn(plain, radam, 1)
    torch.testing.assert_close(weights(some), (start + weights(plain)) / 2)
