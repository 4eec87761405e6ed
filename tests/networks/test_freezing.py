"""What is frozen keeps its weights and its statistics through a training step."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from tests.networks.tiny_network import NARROW, pictures, tiny_network
from torch.nn.modules.batchnorm import _BatchNorm

from smearlab.networks.build import CellNetwork, build_network
from smearlab.networks.config import HeadConfig, NetworkConfig, TrainableConfig
from smearlab.networks.freezing import backbone_layers, set_mode, set_trainable, share_at
from smearlab.networks.joining import backbone_parts


def take_step(network: CellNetwork, config: TrainableConfig) -> set[str]:
    """Take a step with heavy weight decay and return the names of all tensors that it changed."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    set_mode(network, config)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=0.5)
    network(pictures(8)).square().sum().backward()
    optimiser.step()
    after = network.state_dict()
    return {name for name in before if not torch.equal(before[name], after[name])}


def frozen_step(**config: float) -> tuple[CellNetwork, set[str]]:
    network, trainable = tiny_network(), TrainableConfig.model_validate(config)
    set_trainable(network, trainable)
    return network, take_step(network, trainable)


def test_everything_learns_by_default() -> None:
    network, changed = frozen_step()
    assert changed == set(network.state_dict())


def test_share_nought_trains_the_head_alone() -> None:
    network, changed = frozen_step(share=0)
    assert changed == {name for name in network.state_dict() if name.startswith("head.")}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_share_counts_layers_from_the_head_down(share: float) -> None:
    network, changed = frozen_step(share=share)
    layers = backbone_layers(network)
    names = {module: name for name, module in network.named_modules()}
    learn = {names[layer] for layer in layers[len(layers) - -(-int(share * 100) * len(layers) // 100) :]}
    assert {name.rpartition(".")[0] for name in changed if name.startswith("backbone.")} == learn


def test_freeze_first_wins_over_the_share() -> None:
    network, changed = frozen_step(share=1, freeze_first=2)
    frozen = set(network.state_dict()) - changed
    assert {name.rpartition(".")[0] for name in frozen} == {"backbone.conv1", "backbone.bn1"}


def test_freeze_first_beyond_the_backbone_leaves_the_head() -> None:
    _, changed = frozen_step(freeze_first=10_000)
    assert changed == {"head.0.weight", "head.0.bias"}


def test_freeze_norms_keeps_weights_and_statistics() -> None:
    network, changed = frozen_step(freeze_norms=1)
    norms = {name for name, module in network.backbone.named_modules() if isinstance(module, _BatchNorm)}
    kept = {name.removeprefix("backbone.").rpartition(".")[0] for name in set(network.state_dict()) - changed}
    assert kept == norms


def test_the_number_that_learn_is_returned_and_a_later_phase_frees_all() -> None:
    network = tiny_network()
    whole = sum(parameter.numel() for parameter in network.parameters())
    assert set_trainable(network, TrainableConfig(share=0)) == sum(p.numel() for p in network.head.parameters())
    assert set_trainable(network, TrainableConfig()) == whole
    assert take_step(network, TrainableConfig()) == set(network.state_dict())


def test_set_mode_trains_what_is_free() -> None:
    network, config = tiny_network(), TrainableConfig(freeze_first=2)
    set_trainable(network, config)
    network.eval()
    set_mode(network, config)
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    assert [norm.training for norm in norms] == [False] + [True] * (len(norms) - 1)
    assert network.training
    assert network.head.training


GROWING = TrainableConfig(share=0.8, start_share=0.2, grow_epochs=3)


def test_a_share_grows_by_epoch_and_then_stays() -> None:
    assert [share_at(GROWING, epoch) for epoch in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    assert share_at(GROWING, None) == 0.8
    assert share_at(TrainableConfig(share=0.5, start_share=0.1), 0) == 0.5


def test_what_is_freed_by_epoch_is_what_has_a_gradient() -> None:
    network, free = tiny_network(), []
    for epoch in range(5):
        set_trainable(network, GROWING, epoch)
        set_mode(network, GROWING)
        network.zero_grad(set_to_none=True)
        network(pictures()).square().sum().backward()
        layers = backbone_layers(network)
        learns = [all(weight.grad is not None for weight in layer.parameters(recurse=False)) for layer in layers]
        assert learns == sorted(learns), "from the head down"
        norms = [(layer, free) for layer, free in zip(layers, learns, strict=True) if isinstance(layer, _BatchNorm)]
        assert all(norm.training == learning for norm, learning in norms)
        free.append(sum(learns) / len(layers))
    assert free == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8], abs=1 / len(layers))


def test_a_share_that_would_shrink_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"start_share 0\.9 is more than the share 0\.5"):
        TrainableConfig(share=0.5, start_share=0.9, grow_epochs=2)


def test_joined_backbones_are_freed_alike() -> None:
    joined = NetworkConfig(backbone=NARROW.backbone, options=NARROW.options, further=(NARROW.backbone,))
    network = tiny_network(HeadConfig(), joined)
    set_trainable(network, TrainableConfig(share=0.5))
    counts = [
        sum(weight.numel() for weight in part.parameters() if weight.requires_grad)
        for part in backbone_parts(network.backbone)
    ]
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("network", "norm"),
    [
        (NetworkConfig(backbone="convnext_atto", weights="none"), torch.nn.LayerNorm),
        (NetworkConfig(backbone="resnet18", weights="none", norm="group"), torch.nn.GroupNorm),
    ],
)
def test_frozen_norms_of_every_kind_keep_scale_and_shift(network: NetworkConfig, norm: type[torch.nn.Module]) -> None:
    built = build_network(network, HeadConfig(), 3, size=32)
    set_trainable(built, TrainableConfig(freeze_norms=True))
    norms = [module for module in built.backbone.modules() if isinstance(module, norm)]
    assert len(norms) > 5
    assert not any(parameter.requires_grad for module in norms for parameter in module.parameters())
    assert sum(parameter.requires_grad for parameter in built.backbone.parameters()) > 5
