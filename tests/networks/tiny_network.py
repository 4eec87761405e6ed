"""Networks of a few thousand weights."""

from __future__ import annotations

import torch

from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig

# Without zero_init_last every weight has a gradient from the first step on.
NARROW = NetworkConfig(backbone="resnet18", options={"channels": [8, 8, 8, 8], "zero_init_last": False})
SIZE = 32


def tiny_network(head: HeadConfig | None = None, network: NetworkConfig = NARROW, seed: int = 0) -> CellNetwork:
    """Build a narrow ResNet-18 for three classes with the weights that a seed decides."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_network(network, head or HeadConfig(), 3, size=SIZE)


def pictures(count: int = 4) -> torch.Tensor:
    """Return random pictures ``float32 (count, 3, 32, 32)`` in 0–1."""
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def folded_network() -> CellNetwork:
    """Build a network as a deployed file has it: the scale in the convolutions, the shift in the biases."""
    network, generator = tiny_network(), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.bias.copy_(torch.randn(layer.num_features, generator=generator))
    return network.eval()
