"""Every network of the five teams: it is built at 96 and at 224 px, takes a step, and is exported."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from tests.networks.keras_counts import KERAS
from torch import Tensor
from torch.nn import functional

from smearlab.networks.build import CellNetwork, build_network, count_parameters
from smearlab.networks.config import HeadConfig, NetworkConfig
from smearlab.networks.onnx import check_onnx, export_onnx

HEAD = HeadConfig(layers=(16,), dropout=0.2)
SIZES = (96, 224)


def network_of(backbone: str, size: int, **keys: object) -> CellNetwork:
    torch.manual_seed(0)
    config = NetworkConfig.model_validate({"backbone": backbone, "ending": "last_map", **keys})
    return build_network(config, HEAD, 8, size=size)


def pictures(count: int, size: int, seed: int = 0) -> Tensor:
    """Draw clouds: of pixels that differ by chance alone, deep layers would see the same in every picture."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(coarse, size=(size, size), mode="bilinear")


def takes_a_step(network: CellNetwork, size: int) -> bool:
    """Whether a step with plain gradient descent changes every weight to a number."""
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
    before = network.head[-1].weight.detach().clone()  # type: ignore[index]
    loss = functional.cross_entropy(network.train()(pictures(2, size)), torch.tensor([0, 1]))
    loss.backward()  # type: ignore[no-untyped-call]
    reached = all(parameter.grad is not None for parameter in network.parameters())
    optimiser.step()
    changed = not torch.equal(before, network.head[-1].weight)  # type: ignore[index]
    return reached and changed and bool(torch.isfinite(loss))


@torch.no_grad()
def measure_statistics(network: CellNetwork, size: int) -> None:
    """Without statistics of its own, an untrained deep network magnifies rounding without bounds."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()(pictures(64 if size < 128 else 16, size, seed=1))


def exported_difference(network: CellNetwork, size: int) -> float:
    network.zero_grad(set_to_none=True)
    measure_statistics(network, size)
    raw = (pictures(2, size, seed=2) * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return check_onnx(export_onnx(network.eval(), size), network, raw)


@dataclass(frozen=True)
class Own:
    """One of our own networks with its number of parameters, a linear classifier of eight classes included."""

    name: str
    parameters: int


OWN = (Own("small_cnn", 240_712), Own("deep_cnn", 1_572_680))
LIGHT, HEAVY = Own("mobilenetv3_light", 1_690_192), Own("mobilenetv3_heavy", 42_317_648)


@pytest.mark.parametrize("own", [*OWN, LIGHT], ids=lambda own: own.name)
@pytest.mark.parametrize("size", SIZES)
def test_our_own_take_a_step(own: Own, size: int) -> None:
    assert takes_a_step(network_of(f"smearlab/{own.name}", size), size)


@pytest.mark.parametrize("own", [*OWN, LIGHT, HEAVY], ids=lambda own: own.name)
def test_our_own_have_these_parameters(own: Own) -> None:
    network = build_network(NetworkConfig(backbone=f"smearlab/{own.name}"), HeadConfig(), 8, size=96)
    assert count_parameters(network) == own.parameters


@pytest.mark.parametrize(("own", "reported"), [(LIGHT, 1.7e6), (HEAVY, 42.3e6)])
def test_light_and_heavy_are_as_large_as_reported(own: Own, reported: float) -> None:
    assert own.parameters == pytest.approx(reported, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("own", [*OWN, LIGHT, HEAVY], ids=lambda own: own.name)
def test_our_own_are_exported(own: Own, size: int) -> None:
    network = network_of(f"smearlab/{own.name}", size)
    assert takes_a_step(network, size)
    assert exported_difference(network, size) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keras", KERAS)
def test_those_of_keras_take_a_step_and_are_exported(keras: str, size: int) -> None:
    network = network_of(KERAS[keras].timm, size)
    assert takes_a_step(network, size)
    assert exported_difference(network, size) < 1e-3


@pytest.mark.slow
def test_three_efficientnets_in_one_are_exported() -> None:
    further = ["tf_efficientnetv2_m", "tf_efficientnetv2_l"]
    network = network_of("tf_efficientnetv2_s", 96, further=further)
    assert network.head[1].in_features == 3 * 1280  # type: ignore[index]
    assert takes_a_step(network, 96)
    assert exported_difference(network, 96) < 1e-3


@pytest.mark.slow
def test_an_enlarging_mobilenet_is_exported() -> None:
    network = network_of("mobilenetv2_100", 96, enlarge=224)
    assert takes_a_step(network, 96)
    assert exported_difference(network, 96) < 1e-3
