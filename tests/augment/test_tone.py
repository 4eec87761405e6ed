"""Tone curves, against Pillow, torchvision and NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as reference
from PIL import Image, ImageOps
from tests.augment.properties import EveryOperation, Operation, chances, random_pictures, same

from smearlab.augment import tone
from smearlab.augment.tone import LEVELS, apply_curves, compose_curves

Curves = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def applied(curves: Curves) -> Operation:
    return lambda pictures, amounts, chance: apply_curves(pictures, curves(amounts, chance))


def applied_to_itself(curves: Operation) -> Operation:
    return lambda pictures, amounts, chance: apply_curves(pictures, curves(pictures, amounts, chance))


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        pytest.param(applied(tone.gamma), 1.5, id="gamma up"),
        pytest.param(applied(tone.gamma), -1.5, id="gamma down"),
        pytest.param(applied(tone.solarise), 0.5, id="solarise"),
        pytest.param(applied(tone.posterise), 1.0, id="posterise"),
        pytest.param(applied(tone.invert), 1.0, id="invert"),
        pytest.param(applied_to_itself(tone.auto_contrast), 1.0, id="auto_contrast"),
        pytest.param(applied_to_itself(tone.equalise), 1.0, id="equalise"),
    ],
)
class TestEveryCurve(EveryOperation):
    pass


def as_images(pictures: torch.Tensor) -> list[Image.Image]:
    return [Image.fromarray(one) for one in (pictures.permute(0, 2, 3, 1) * 255).round().byte().numpy()]


def assert_like_pillow(
    ours: torch.Tensor, change: Callable[[Image.Image], Image.Image], pictures: torch.Tensor, levels: float = 0
) -> None:
    """Compare pictures, in 255ths, with what Pillow makes of them."""
    theirs = np.stack([np.asarray(change(image)) for image in as_images(pictures)]).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(ours.numpy() * 255, theirs, atol=levels + 0.01)


@pytest.mark.parametrize("amount", [-1.0, 0.5, 1.3])
def test_gamma_agrees_with_torchvision(amount: float) -> None:
    pictures = random_pictures()
    ours = applied(tone.gamma)(pictures, same(amount), chances())
    torch.testing.assert_close(ours, reference.adjust_gamma(pictures, 2**amount), atol=1e-5, rtol=0)


@pytest.mark.parametrize("threshold", [1, 64, 128, 250])
def test_solarise_agrees_with_pillow(threshold: int) -> None:
    pictures = random_pictures()
    ours = applied(tone.solarise)(pictures, same(1 - (threshold - 0.5) / 255), chances())
    assert_like_pillow(ours, lambda image: ImageOps.solarize(image, threshold), pictures)


@pytest.mark.parametrize("bits", range(2, 9))
def test_posterise_agrees_with_pillow(bits: int) -> None:
    pictures = random_pictures()
    ours = applied(tone.posterise)(pictures, same((8 - bits) / 6), chances())
    assert_like_pillow(ours, lambda image: ImageOps.posterize(image, bits), pictures)


def test_invert_agrees_with_pillow_and_blends() -> None:
    pictures = random_pictures()
    assert_like_pillow(applied(tone.invert)(pictures, same(1), chances()), ImageOps.invert, pictures)
    faint = applied(tone.invert)(pictures, same(0.25), chances())
    torch.testing.assert_close(faint, 0.25 + 0.5 * pictures, atol=1e-6, rtol=0)


def test_auto_contrast_agrees_with_pillow() -> None:
    pictures = 0.2 + 0.5 * random_pictures()
    pictures = (pictures * 255).round() / 255
    ours = applied_to_itself(tone.auto_contrast)(pictures, same(1), chances())
    # Pillow cuts off what is left of a level; we keep it.
    assert_like_pillow(ours, ImageOps.autocontrast, pictures, levels=1)
    assert torch.equal(ours.amin((2, 3)), torch.zeros(5, 3))
    torch.testing.assert_close(ours.amax((2, 3)), torch.ones(5, 3))


@pytest.mark.parametrize("size", [(40, 56), (96, 96), (13, 11), (9, 7)])
def test_equalise_agrees_with_pillow(size: tuple[int, int]) -> None:
    pictures = random_pictures(5, *size)
    ours = applied_to_itself(tone.equalise)(pictures, same(1), chances())
    assert_like_pillow(ours, ImageOps.equalize, pictures)


@pytest.mark.parametrize("function", [tone.auto_contrast, tone.equalise])
def test_a_single_value_is_left_alone(function: Operation) -> None:
    plain = torch.full((2, 3, 30, 30), 0.4)
    torch.testing.assert_close(applied_to_itself(function)(plain, same(1, 2), chances(2)), plain)


@pytest.mark.parametrize("function", [tone.auto_contrast, tone.equalise])
def test_amounts_blend(function: Operation) -> None:
    pictures = random_pictures()
    none, half, full = (function(pictures, same(amount), chances()) for amount in (0, 0.5, 1))
    torch.testing.assert_close(half, 0.5 * (none + full))


def random_curves(count: int = 5) -> torch.Tensor:
    return torch.rand(count, 3, LEVELS, generator=torch.Generator().manual_seed(2))


def test_look_up_is_that_of_numpy_also_between_the_entries() -> None:
    source = torch.Generator().manual_seed(6)
    pictures, curves = torch.rand(5, 3, 8, 9, generator=source), random_curves()
    pictures[:, :, 0, 0], pictures[:, :, 0, 1] = 0, 1
    ours = apply_curves(pictures, curves)
    entries = np.arange(LEVELS) / 255
    for row in range(5):
        for channel in range(3):
            theirs = np.interp(pictures[row, channel].numpy(), entries, curves[row, channel].numpy())
            np.testing.assert_allclose(ours[row, channel].numpy(), theirs, atol=1e-4)


def test_curves_are_chained_first_to_last() -> None:
    pictures = random_pictures()
    curves = [random_curves(), tone.gamma(same(1), chances()), tone.invert(same(1), chances())]
    stepwise = pictures
    for curve in curves:
        stepwise = apply_curves(stepwise, curve)
    torch.testing.assert_close(apply_curves(pictures, compose_curves(curves)), stepwise, atol=2e-4, rtol=0)
    assert torch.equal(compose_curves(curves[:1]), curves[0])
