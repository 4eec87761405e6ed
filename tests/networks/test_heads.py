"""Heads with every option."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from smearlab.errors import RecipeError
from smearlab.networks.config import HeadConfig
from smearlab.networks.heads import build_head, penalty_factors


def choices(field: str) -> tuple[str, ...]:
    return get_args(HeadConfig.model_fields[field].annotation)


def kinds(head: nn.Sequential) -> list[type[nn.Module]]:
    return [type(layer) for layer in head]


def test_plain_head_is_one_linear_layer() -> None:
    head = build_head(8, 3, HeadConfig())
    assert kinds(head) == [nn.Linear]
    assert head(torch.ones(2, 8)).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("relu", nn.ReLU), ("leaky_relu", nn.LeakyReLU), ("gelu", nn.GELU), ("hard_swish", nn.Hardswish)],
)
def test_activations(name: str, kind: type[nn.Module]) -> None:
    assert name in choices("activation")
    head = build_head(8, 3, HeadConfig.model_validate({"layers": [6, 4], "activation": name}))
    assert kinds(head) == [nn.Linear, kind, nn.Linear, kind, nn.Linear]
    assert [layer.out_features for layer in head if isinstance(layer, nn.Linear)] == [6, 4, 3]


@pytest.mark.parametrize(
    ("name", "kind"), [("batch", nn.BatchNorm1d), ("layer", nn.LayerNorm), ("group", nn.GroupNorm)]
)
def test_normalisation_follows_pooling_and_each_hidden_layer(name: str, kind: type[nn.Module]) -> None:
    config = {"layers": [6], "normalisation": name, "groups": 2, "normalise_features": True}
    head = build_head(8, 3, HeadConfig.model_validate(config))
    assert kinds(head) == [kind, nn.Linear, nn.ReLU, kind, nn.Linear]
    assert head(torch.rand(4, 8)).shape == (4, 3)


def test_dropout_stands_before_each_dense_layer() -> None:
    head = build_head(8, 3, HeadConfig(layers=(6,), dropout=0.25))
    assert kinds(head) == [nn.Dropout, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert all(layer.p == 0.25 for layer in head if isinstance(layer, nn.Dropout))


def test_every_dense_layer_may_have_a_dropout_of_its_own() -> None:
    head = build_head(8, 3, HeadConfig(layers=(6, 4), dropout=(0.0, 0.35, 0.2)))
    assert kinds(head) == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert [layer.p for layer in head if isinstance(layer, nn.Dropout)] == [0.35, 0.2]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [(0, 0), (0, 0), (0, 0)]),
        ({"l2": 0.1}, [(0, 0.1), (0, 0.1), (0, 0)]),
        ({"l1": 0.1, "l2": [0.2, 0, 0.3]}, [(0.1, 0.2), (0.1, 0), (0, 0.3)]),
    ],
)
def test_one_factor_is_the_hidden_layers_and_a_list_is_every_layers(
    config: dict[str, object], expected: list[tuple[float, float]]
) -> None:
    assert penalty_factors(HeadConfig.model_validate({"layers": [6, 4], **config})) == expected


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("he_uniform", math.sqrt(2 / 400)),
        ("he_normal", math.sqrt(2 / 400)),
        ("glorot_uniform", math.sqrt(2 / 600)),
        ("glorot_normal", math.sqrt(2 / 600)),
    ],
)
def test_initialisation_has_the_published_spread(name: str, deviation: float) -> None:
    torch.manual_seed(0)
    head = build_head(400, 3, HeadConfig.model_validate({"layers": [200], "initialisation": name}))
    first = head[0]
    assert isinstance(first, nn.Linear)
    weight = first.weight.detach()
    assert float(weight.std()) == pytest.approx(deviation, rel=0.02)
    uniform = float(weight.abs().max()) <= deviation * math.sqrt(3) * 1.0001
    assert uniform == name.endswith("uniform")
    assert not first.bias.detach().any()


def test_default_initialisation_is_pytorchs() -> None:
    torch.manual_seed(3)
    head = build_head(8, 3, HeadConfig())
    torch.manual_seed(3)
    assert torch.equal(head[0].weight, nn.Linear(8, 3).weight)  # type: ignore[arg-type]


def test_every_choice_builds() -> None:
    for field in ("activation", "normalisation", "initialisation"):
        for name in choices(field):
            build_head(8, 3, HeadConfig.model_validate({"layers": [4], "groups": 2, field: name}))


def test_groups_that_do_not_divide_are_named() -> None:
    with pytest.raises(RecipeError, match=r"head\.groups: 100 units cannot be divided into 32 groups"):
        build_head(8, 3, HeadConfig(layers=(100,), normalisation="group"))


def test_normalised_features_need_a_normalisation() -> None:
    with pytest.raises(ValidationError, match="normalise_features needs a normalisation"):
        HeadConfig(normalise_features=True)


@pytest.mark.parametrize("bad", [{"layers": [0]}, {"dropout": 1.0}, {"activation": "swish"}, {"widths": [3]}])
def test_bad_heads_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        HeadConfig.model_validate(bad)
