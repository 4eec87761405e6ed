"""Brightness, contrast, saturation and channel shifts, against closed forms and torchvision."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as reference

from smearlab.augment.colour import apply_colour, draw_colour
from smearlab.augment.config import AugmentConfig
from smearlab.augment.geometry import symmetric

STILL = {"policy": "light", "brightness": 0, "contrast": 0, "saturation": 0, "channels": 0}
COUNT = 6


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changed(**strengths: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mid-range pictures and what the given strengths make of them."""
    pictures = 0.3 + 0.4 * torch.rand(COUNT, 3, 7, 5, generator=generator(9))
    matrices = draw_colour(AugmentConfig.model_validate(STILL | strengths), COUNT, generator())
    return pictures, apply_colour(pictures, matrices)


def draws(position: int) -> torch.Tensor:
    """Return what the generator gives at a position: saturation, contrast, brightness."""
    source = generator()
    return [symmetric(COUNT, source) for _ in range(3)][position].view(-1, 1, 1, 1)


def test_strength_zero_changes_nothing() -> None:
    pictures, result = changed()
    torch.testing.assert_close(result, pictures, atol=1e-6, rtol=0)


def test_brightness_is_added() -> None:
    pictures, result = changed(brightness=0.2)
    torch.testing.assert_close(result, pictures + 0.2 * draws(2), atol=1e-6, rtol=0)


def test_contrast_turns_around_mid_grey() -> None:
    pictures, result = changed(contrast=0.3)
    torch.testing.assert_close(result, 0.5 + (pictures - 0.5) * (1 + 0.3 * draws(1)), atol=1e-6, rtol=0)


def test_saturation_agrees_with_torchvision() -> None:
    pictures, result = changed(saturation=0.5)
    factors = (1 + 0.5 * draws(0)).flatten().tolist()
    expected = [reference.adjust_saturation(one, factor) for one, factor in zip(pictures, factors, strict=True)]
    torch.testing.assert_close(result, torch.stack(expected), atol=2e-3, rtol=0)


def test_saturation_leaves_grey_alone() -> None:
    grey = torch.rand(COUNT, 1, 4, 4, generator=generator(3)).expand(COUNT, 3, 4, 4)
    matrices = draw_colour(AugmentConfig.model_validate(STILL | {"saturation": 1}), COUNT, generator())
    torch.testing.assert_close(apply_colour(grey, matrices), grey, atol=1e-6, rtol=0)


def test_channels_shift_each_colour_by_itself() -> None:
    pictures, result = changed(channels=0.1)
    shifts = (result - pictures).flatten(2)
    assert float(shifts.std(dim=2).max()) < 1e-6  # one number per picture and channel
    assert len(set(shifts[:, :, 0].flatten().tolist())) == 3 * COUNT
    assert 0.03 < float(shifts.abs().max()) <= 0.1


def test_contrast_comes_after_saturation() -> None:
    pictures, result = changed(saturation=0.5, contrast=0.3)
    _, saturated = changed(saturation=0.5)
    torch.testing.assert_close(result, 0.5 + (saturated - 0.5) * (1 + 0.3 * draws(1)), atol=1e-6, rtol=0)
    assert not torch.equal(pictures, saturated)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_result_stays_in_range(value: float) -> None:
    pictures = torch.full((COUNT, 3, 4, 4), value)
    matrices = draw_colour(AugmentConfig(policy="light", brightness=1, contrast=1), COUNT, generator())
    result = apply_colour(pictures, matrices)
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert result.dtype == torch.float32


def test_each_picture_has_its_own_colour_and_the_generator_decides() -> None:
    config = AugmentConfig(policy="light")
    first, again, other = (draw_colour(config, COUNT, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len({tuple(matrix.flatten().tolist()) for matrix in first}) == COUNT
