"""All geometric operations of a picture in one resampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from smearlab.augment.draws import CHANCES, fixed
from smearlab.augment.geometry import apply_turns, compose_affine, warp
from smearlab.augment.operations import ENGINE, INDEX


def smooth(size: int = 48) -> torch.Tensor:
    """A picture without fine detail, so that two ways of interpolating agree."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    return torch.from_numpy(large).permute(2, 0, 1).unsqueeze(0).contiguous()


def warped(picture: torch.Tensor, chance: float = 0.0, **amounts: float) -> torch.Tensor:
    table = torch.zeros(1, len(ENGINE))
    for name, amount in amounts.items():
        table[0, INDEX[name]] = amount
    return warp(picture, table, torch.full((1, len(ENGINE), CHANCES), chance))


def inner(picture: torch.Tensor) -> torch.Tensor:
    """Leave out the border, which each library fills differently."""
    return picture[..., 14:-14, 14:-14]


@pytest.mark.parametrize("degrees", [-35.0, 20.0, 90.0])
def test_rotation_agrees_with_torchvision(degrees: float) -> None:
    expected = tv.rotate(smooth(), degrees, interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(inner(warped(smooth(), rotate=degrees)), inner(expected), atol=0.01, rtol=0)


@pytest.mark.parametrize("doublings", [-0.3, 0.5, 1.0])
def test_zoom_agrees_with_torchvision(doublings: float) -> None:
    expected = tv.affine(smooth(), 0.0, [0, 0], 2.0**doublings, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(inner(warped(smooth(), zoom=doublings)), inner(expected), atol=0.01, rtol=0)


@pytest.mark.parametrize("degrees", [-15.0, 10.0])
def test_shear_agrees_with_a_sheared_grid(degrees: float) -> None:
    expected = tv.affine(smooth(), 0.0, [0, 0], 1.0, [degrees, 0.0], interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(inner(warped(smooth(), shear=degrees)), inner(expected), atol=0.01, rtol=0)


def test_translation_moves_by_a_share_of_the_side() -> None:
    picture = smooth()
    torch.testing.assert_close(warped(picture, translate=0.125)[..., :40], picture[..., 6:46], atol=1e-4, rtol=0)


def test_crop_keeps_a_window_within_the_picture() -> None:
    picture = smooth()
    corner = warped(picture, chance=0.0, crop=0.5)  # chance 0: the window at the upper left
    expected = tv.resize(picture[..., :24, :24], [48, 48], antialias=False)
    torch.testing.assert_close(corner[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=0.01, rtol=0)


def test_several_operations_are_one_matrix() -> None:
    table, chance = torch.zeros(1, len(ENGINE)), torch.zeros(1, len(ENGINE), CHANCES)
    table[0, INDEX["rotate"]], table[0, INDEX["zoom"]] = 90, 1
    expected = torch.tensor([[[0.0, -0.5, 0.0], [0.5, 0.0, 0.0]]])
    torch.testing.assert_close(compose_affine(table, chance), expected, atol=1e-6, rtol=0)


def test_elastic_bends_and_stays_near() -> None:
    picture = smooth()
    bent = warped(picture, chance=0.3, elastic=6.0)
    difference = (bent - picture).abs()
    assert 0.002 < float(difference.mean()) < 0.2


def test_unmoved_pictures_come_back_untouched() -> None:
    pictures = torch.rand(3, 3, 16, 16)
    draws = fixed("rotate", torch.tensor([0.0, 30.0, 0.0]), torch.Generator().manual_seed(0))
    assert draws.amounts is not None
    assert draws.chance is not None
    result = warp(pictures, draws.amounts, draws.chance)
    assert torch.equal(result[[0, 2]], pictures[[0, 2]])
    assert not torch.equal(result[1], pictures[1])


@pytest.mark.parametrize("turn", range(8))
def test_a_symmetry_is_the_same_exact_or_resampled(turn: int) -> None:
    picture, turns = torch.rand(1, 3, 16, 16), torch.tensor([turn])
    table, chance = torch.zeros(1, len(ENGINE)), torch.zeros(1, len(ENGINE), CHANCES)
    exact = warp(picture, table, chance, turns)
    assert torch.equal(exact, apply_turns(picture, turns))
    table[0, INDEX["rotate"]] = 1e-4
    torch.testing.assert_close(warp(picture, table, chance, turns), exact, atol=1e-3, rtol=0)


def test_the_symmetry_comes_before_the_rest() -> None:
    picture, turns = smooth(), torch.tensor([5])
    table, chance = torch.zeros(1, len(ENGINE)), torch.full((1, len(ENGINE), CHANCES), 0.2)
    for name, amount in {"rotate": 25, "zoom": 0.4, "shear": 12, "translate": 0.05}.items():
        table[0, INDEX[name]] = amount
    expected = warp(apply_turns(picture, turns), table, chance)
    torch.testing.assert_close(warp(picture, table, chance, turns), expected, atol=1e-4, rtol=0)
