"""Rectangles, grids and debris over the picture."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import ndimage
from tests.augment.properties import EveryOperation, Operation, chances, differs_by_chance, random_pictures, same

from smearlab.augment.occlusion import erase, grid_mask, spots

COUNT = 60


@pytest.mark.parametrize(("operation", "amount"), [(erase, 0.3), (grid_mask, 0.4), (spots, 0.5), (spots, 1.0)])
class TestOcclusion(EveryOperation):
    pass


@pytest.mark.parametrize("operation", [erase, grid_mask, spots])
def test_chance_decides(operation: Operation) -> None:
    assert differs_by_chance(operation, 0.5)


def changed(operation: Operation, amount: float, height: int = 96, width: int = 96) -> torch.Tensor:
    """Return which pixels of even pictures, of a colour no fill has, are changed: ``bool (COUNT, h, w)``."""
    pictures = torch.full((COUNT, 3, height, width), 0.123456)
    # The picture's own mean would not show on an even picture, so a corner pixel of the batch is of another colour.
    pictures[:, :, 0, 0] = 1
    result = operation(pictures, same(amount, COUNT), chances(COUNT))
    return (result != pictures).any(1)


@pytest.mark.parametrize("amount", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("size", [(96, 96), (50, 80)])
def test_erased_rectangles_cover_their_share(amount: float, size: tuple[int, int]) -> None:
    covered = changed(erase, amount, *size)
    shares = covered.float().mean((1, 2))
    alone = torch.tensor([ndimage.label(one.numpy())[1] == 1 and solid(one) for one in covered])
    assert bool((shares <= amount * 1.1 + 0.02).all())
    assert 0.15 * COUNT < int(alone.sum()) < COUNT
    # A rectangle's sides are whole pixels, so its area is off by half a pixel along its border.
    assert float((shares[alone] - amount).abs().median()) < 0.02
    assert float((~alone).float().mean()) > 0.2


def solid(covered: torch.Tensor) -> bool:
    rows, columns = covered.any(1), covered.any(0)
    return int(covered.sum()) == int(rows.sum()) * int(columns.sum())


def test_everything_can_be_erased() -> None:
    pictures, chance = random_pictures(COUNT), chances(COUNT)
    result = erase(pictures, same(1, COUNT), chance)
    unchanged = (result == pictures).all(1).float().mean((1, 2))
    assert float(unchanged.min()) == 0


def test_erasing_fills_with_colour_mean_and_noise() -> None:
    pictures = random_pictures(COUNT)
    result = erase(pictures, same(0.3, COUNT), chances(COUNT))
    covered = (result != pictures).any(1)
    kinds = []
    for one, before, where in zip(result, pictures, covered, strict=True):
        fill = one[:, where]
        flat = float(fill.std(1).max()) < 1e-6
        mean = flat and torch.allclose(fill[:, 0], before.mean((1, 2)), atol=1e-5)
        kinds.append("mean" if mean else "colour" if flat else "noise")
    for kind in ("mean", "colour", "noise"):
        assert 0.15 * COUNT < kinds.count(kind) < 0.55 * COUNT


@pytest.mark.parametrize("amount", [0.1, 0.4, 0.7])
def test_the_grid_covers_its_share_in_squares(amount: float) -> None:
    covered = changed(grid_mask, amount)
    assert float(covered.float().mean()) == pytest.approx(amount, abs=0.05)
    for one in covered:
        assert solid(one)
        rows, columns = (ndimage.label(side.numpy())[0] for side in (one.any(1), one.any(0)))
        lengths = {int((side == label).sum()) for side in (rows, columns) for label in range(2, side.max())}
        assert not lengths or max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
def test_spots_leave_most_of_the_picture(amount: float) -> None:
    pictures = random_pictures(COUNT, 96, 96)
    result = spots(pictures, same(amount, COUNT), chances(COUNT))
    share = ((result - pictures).abs().amax(1) > 0.02).float().mean((1, 2))
    assert float(share.max()) < 0.7
    assert 0.0005 < float(share.median()) < 0.3


def test_more_spots_with_more_strength() -> None:
    pictures = random_pictures(COUNT, 96, 96)
    effects = [(spots(pictures, same(a, COUNT), chances(COUNT)) - pictures).abs().mean() for a in (0.05, 0.3, 0.6, 1)]
    assert effects == sorted(effects)
    assert float(effects[3]) > 8 * float(effects[0])


def test_spots_are_dark_and_light_hard_and_soft() -> None:
    grey = torch.full((COUNT, 3, 96, 96), 0.5)
    change = (spots(grey, same(1, COUNT), chances(COUNT)) - grey).mean(1)
    assert float((change.amin((1, 2)) < -0.3).float().mean()) > 0.3
    assert float((change.amax((1, 2)) > 0.3).float().mean()) > 0.3
    steps = change.diff(dim=2).abs().amax((1, 2))
    assert float(steps.max()) > 0.2
    assert float(steps.min()) < 0.12


def test_spots_grow_with_the_picture() -> None:
    small, large = (torch.full((COUNT, 3, side, side), 0.5) for side in (48, 144))
    shares = [(spots(one, same(1, COUNT), chances(COUNT)) - one).abs().mean() for one in (small, large)]
    assert math.isclose(float(shares[0]), float(shares[1]), rel_tol=0.1)
