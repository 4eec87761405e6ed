"""Linear changes of colour, against closed forms, Pillow and torchvision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as reference
from PIL import Image, ImageEnhance
from skimage.color import rgb2hsv
from tests.augment.properties import EveryOperation, Operation, chances, differs_by_chance, random_pictures, same

from smearlab.augment import colour
from smearlab.augment.colour import apply_colour, compose, draw_colour
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


Matrices = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def applied(matrices: Matrices) -> Operation:
    return lambda pictures, amounts, chance: apply_colour(pictures, matrices(amounts, chance))


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        pytest.param(applied(function), amount, id=f"{function.__name__} {amount}")
        for function, amount in (
            (colour.brightness, 1.0),
            (colour.brightness, -1.0),
            (colour.contrast, 1.0),
            (colour.contrast, -1.0),
            (colour.saturation, 1.0),
            (colour.saturation, -1.0),
            (colour.greyscale, 1.0),
            (colour.hue, 60.0),
            (colour.hue, -60.0),
            (colour.channel_shift, 0.2),
            (colour.white_balance, 0.7),
            (colour.degenerate, 1.0),
        )
    ],
)
class TestEveryMatrix(EveryOperation):
    pass


def middling() -> torch.Tensor:
    """Pictures whose values stay within 0–1 under the changes below."""
    return 0.4 + 0.2 * random_pictures()


@pytest.mark.parametrize("amount", [-1.3, -0.4, 0.6])
def test_brightness_agrees_with_pillow(amount: float) -> None:
    pictures = random_pictures()
    ours = applied(colour.brightness)(pictures, same(amount), chances())
    for one, result in zip(pictures, ours, strict=True):
        image = Image.fromarray((one.permute(1, 2, 0) * 255).round().byte().numpy())
        theirs = np.asarray(ImageEnhance.Brightness(image).enhance(2**amount)) / 255
        np.testing.assert_allclose(result.permute(1, 2, 0).numpy(), theirs, atol=1.01 / 255)


@pytest.mark.parametrize("amount", [-1.0, 0.8])
def test_contrast_differs_from_torchvision_by_an_added_brightness(amount: float) -> None:
    pictures = middling()
    ours = applied(colour.contrast)(pictures, same(amount), chances())
    torch.testing.assert_close(ours, 0.5 + (pictures - 0.5) * 2**amount)
    difference = (ours - reference.adjust_contrast(pictures, 2**amount)).flatten(1)
    assert float(difference.std(dim=1).max()) < 1e-6


@pytest.mark.parametrize("amount", [-1.0, -0.3, 0.7])
def test_saturation_and_greyscale_agree_with_torchvision(amount: float) -> None:
    pictures = middling()
    theirs = reference.adjust_saturation(pictures, 1 + amount)
    ours = applied(colour.saturation)(pictures, same(amount), chances())
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    torch.testing.assert_close(applied(colour.greyscale)(pictures, same(-amount), chances()), ours)


@pytest.mark.parametrize("amount", [-120.0, -25.0, 40.0, 120.0])
def test_hue_turns_like_hsv(amount: float) -> None:
    pictures = middling()
    ours = applied(colour.hue)(pictures, same(amount), chances())
    theirs = reference.adjust_hue(pictures, ((amount / 360 + 0.5) % 1) - 0.5)
    turned, expected = (rgb2hsv(one.permute(0, 2, 3, 1).numpy())[..., 0] * 360 for one in (ours, theirs))
    apart = np.abs((turned - expected + 180) % 360 - 180)
    # HSV's hue runs along a hexagon, a turn along a circle: at most 1.1 degrees apart at either end.
    coloured = (pictures.amax(1) - pictures.amin(1)).numpy() > 0.01
    assert apart[coloured].max() < 2.5


def test_hue_keeps_luma_and_grey() -> None:
    pictures = middling()
    luma = torch.tensor(colour.LUMA).view(1, 3, 1, 1)
    turned = applied(colour.hue)(pictures, same(70), chances())
    torch.testing.assert_close((turned * luma).sum(1), (pictures * luma).sum(1), atol=1e-6, rtol=0)
    grey = pictures[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(applied(colour.hue)(grey, same(70), chances()), grey, atol=1e-6, rtol=0)


def test_opposite_turns_cancel() -> None:
    there, back = (colour.hue(same(amount), chances()) for amount in (70.0, -70.0))
    torch.testing.assert_close(compose([there, back]), torch.eye(3, 4).expand(5, 3, 4), atol=1e-6, rtol=0)


def test_channels_are_shifted_within_the_amount() -> None:
    matrices = colour.channel_shift(same(0.2, 500), chances(500))
    assert torch.equal(matrices[:, :, :3], torch.eye(3).expand(500, 3, 3))
    offsets = matrices[:, :, 3]
    assert 0.19 < float(offsets.max()) <= 0.2
    assert -0.2 <= float(offsets.min()) < -0.19
    assert float(torch.corrcoef(offsets.T).triu(1).abs().max()) < 0.15


def test_white_balance_multiplies_within_the_amount() -> None:
    matrices = colour.white_balance(same(0.5, 500), chances(500))
    gains = matrices.diagonal(dim1=1, dim2=2)
    assert torch.equal(matrices, torch.cat([torch.diag_embed(gains), torch.zeros(500, 3, 1)], 2))
    assert 2**-0.5 <= float(gains.min()) < 0.72 < 1.39 < float(gains.max()) <= 2**0.5


def test_degeneration_mixes_channels_but_keeps_grey() -> None:
    matrices = colour.degenerate(same(1, 500), chances(500))
    torch.testing.assert_close(matrices[:, :, :3].sum(2), torch.ones(500, 3))
    assert not matrices[:, :, 3].any()
    half = colour.degenerate(same(0.5, 500), chances(500))
    torch.testing.assert_close(half, 0.5 * (matrices + torch.eye(3, 4)))
    torch.testing.assert_close(matrices.mean(0)[:, :3], torch.full((3, 3), 1 / 3), atol=0.1, rtol=0)


@pytest.mark.parametrize("function", [colour.channel_shift, colour.white_balance, colour.degenerate])
def test_each_picture_takes_its_own_chance(function: Matrices) -> None:
    assert differs_by_chance(applied(function), 0.2)


def test_composition_is_one_after_another() -> None:
    functions = (colour.contrast, colour.hue, colour.channel_shift, colour.white_balance)
    matrices = [
        function(same(amount), chances()) for function, amount in zip(functions, (-1, 50, 0.1, 0.2), strict=True)
    ]
    pictures = stepwise = middling()
    for matrix in matrices:
        stepwise = apply_colour(stepwise, matrix)
    torch.testing.assert_close(apply_colour(pictures, compose(matrices)), stepwise, atol=1e-6, rtol=0)
    assert torch.equal(compose(matrices[:1]), matrices[0])


def test_composition_clips_only_at_the_end() -> None:
    twice = compose([colour.brightness(same(amount), chances()) for amount in (2.0, -2.0)])
    pictures = random_pictures()
    torch.testing.assert_close(apply_colour(pictures, twice), pictures)
