"""Smooth displacements, against torch's bicubic interpolation and closed forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.augment.properties import EveryOperation, chances, differs_by_chance, same

from smearlab.augment.elastic import displacement, interpolated
from smearlab.augment.geometry import sampling_grid


def bent(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Resample pictures through the displacement alone."""
    still = sampling_grid(torch.eye(2, 3).to(pictures).expand(len(pictures), 2, 3), *pictures.shape[2:])
    grid = still + displacement(amounts, chance, *pictures.shape[2:])
    sampled = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    return sampled.clamp(0, 1)


@pytest.mark.parametrize(("operation", "amount"), [pytest.param(bent, 6.0, id="elastic")])
class TestElastic(EveryOperation):
    # The displacement is exactly zero at amount 0; resampling itself rounds its coordinates.
    def test_amount_zero_changes_nothing(self, operation: object, amount: float) -> None:  # type: ignore[override]
        assert not displacement(same(0), chances(), 40, 56).any()
        assert float(displacement(same(amount), chances(), 40, 56).abs().max()) > 0.01


def test_each_picture_takes_its_own_chance() -> None:
    assert differs_by_chance(bent, 4)


@pytest.mark.parametrize("size", [(96, 96), (20, 50)])
def test_grids_are_interpolated_as_by_torch(size: tuple[int, int]) -> None:
    source = torch.Generator().manual_seed(0)
    coarse, fine = (torch.randn(3, 2, side, side, generator=source) for side in (4, 6))
    theirs = sum(F.interpolate(grid, size, mode="bicubic", align_corners=True) for grid in (coarse, fine))
    assert isinstance(theirs, torch.Tensor)
    torch.testing.assert_close(interpolated((coarse, fine), *size), theirs, atol=1e-5, rtol=0)


def in_pixels(amount: float, height: int, width: int, count: int = 100) -> torch.Tensor:
    field = displacement(same(amount, count), chances(count), height, width)
    assert field.shape == (count, height, width, 2)
    return field * torch.tensor([width, height]) / 2


def test_lengths_are_pixels_at_96() -> None:
    field = in_pixels(4, 96, 96)
    # Bicubic interpolation swings beyond its points, by up to a quarter along each axis.
    assert 3.5 < float(field.abs().max()) < 4 * 1.6
    assert 0.8 < float(field.std()) < 2
    assert abs(float(field.mean())) < 0.1


@pytest.mark.parametrize("size", [(48, 48), (48, 80), (144, 144)])
def test_lengths_grow_with_the_shorter_side(size: tuple[int, int]) -> None:
    here, there = in_pixels(4, 96, 96), in_pixels(4, *size)
    assert float(there.std() / here.std()) == pytest.approx(min(size) / 96, rel=0.05)
    across, down = there.flatten(0, 2).std(dim=0).tolist()
    assert across == pytest.approx(down, rel=0.2)


def test_displacements_are_proportional_to_the_amount() -> None:
    torch.testing.assert_close(in_pixels(6, 40, 40), 3 * in_pixels(2, 40, 40))


def test_pictures_are_bent_smoothly_and_not_folded() -> None:
    field = in_pixels(4, 96, 96)
    # Along its own axis a sampling point must not overtake its neighbour.
    assert float(field[..., 0].diff(dim=2).min()) > -1
    assert float(field[..., 1].diff(dim=1).min()) > -1
    assert float(field.diff(n=2, dim=1).abs().max()) < 0.1


def test_axes_are_bent_apart() -> None:
    across, down = in_pixels(4, 32, 32).unbind(3)
    assert abs(float(torch.corrcoef(torch.stack([across.flatten(), down.flatten()]))[0, 1])) < 0.1
