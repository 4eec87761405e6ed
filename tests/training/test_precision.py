"""Choosing the arithmetic by measuring."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from smearlab.training import precision
from smearlab.training.precision import choose_precision

CPU = torch.device("cpu")


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def test_the_choice_is_legal_and_the_network_untouched() -> None:
    some = network().eval()
    before = {name: value.clone() for name, value in some.state_dict().items()}
    assert choose_precision(some, 16, 8, CPU) in ("float32", "bfloat16")
    assert all(torch.equal(before[name], value) for name, value in some.state_dict().items())
    assert not some.training
    assert all(parameter.grad is None for parameter in some.parameters())


@pytest.mark.parametrize(
    ("full", "half", "chosen"),
    [(1.0, 0.5, "bfloat16"), (1.0, 0.9, "float32"), (1.0, 3.0, "float32"), (1.0, math.inf, "float32")],
)
def test_bfloat16_must_be_worth_it(monkeypatch: pytest.MonkeyPatch, full: float, half: float, chosen: str) -> None:
    def timed(network: nn.Module, pictures: torch.Tensor, *, half: bool) -> float:
        assert len(pictures) == 64
        return seconds[half]

    seconds = {False: full, True: half}
    monkeypatch.setattr(precision, "_time_steps", timed)
    assert choose_precision(network(), 16, 500, CPU) == chosen


class NoBfloat16(nn.Module):
    """Stands for a network with an operation that bfloat16 lacks, or spoils."""

    def __init__(self, *, spoils: bool) -> None:
        super().__init__()
        self.layer, self.spoils = nn.Linear(3, 2), spoils

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layer(pictures.mean(dim=(2, 3)))
        if logits.dtype == torch.bfloat16:
            if not self.spoils:
                raise RuntimeError("not implemented for 'BFloat16'")
            return logits * torch.nan
        return logits


@pytest.mark.parametrize("spoils", [True, False])
def test_a_network_that_cannot_do_bfloat16_stays_in_float32(spoils: bool) -> None:
    assert choose_precision(NoBfloat16(spoils=spoils), 8, 4, CPU) == "float32"


def test_other_devices_stay_in_float32() -> None:
    assert choose_precision(network(), 8, 4, torch.device("meta")) == "float32"
