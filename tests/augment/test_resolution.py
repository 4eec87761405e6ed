"""Down-and-up sampling, against torch's resizing and Pillow's, and the composition of filters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tests.augment.properties import EveryOperation, chances, random_pictures, same

from smearlab.augment.resolution import downsample, pixelate
from smearlab.augment.separable import (
    Filter,
    apply_separable,
    compose,
    downsample_filter,
    gaussian_filter,
    pixelate_filter,
)


@pytest.mark.parametrize(
    ("operation", "amount"), [(downsample, 1.0), (downsample, 4.3), (pixelate, 0.7), (pixelate, 3.0)]
)
class TestResolution(EveryOperation):
    pass


def shrunk(pictures: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Average areas exactly: every pixel is repeated as often as the new size has pixels."""
    fine = pictures.double().repeat_interleave(height, 2).repeat_interleave(width, 3)
    return F.avg_pool2d(fine, pictures.shape[2:]).float()


@pytest.mark.parametrize(("amount", "small"), [(1.0, (20, 28)), (3.0, (10, 14)), (0.6, (25, 35)), (2.3, (12, 17))])
def test_areas_are_averaged_and_enlarged_as_torch_does(amount: float, small: tuple[int, int]) -> None:
    pictures = random_pictures(2)
    coarse = shrunk(pictures, *small)
    smooth = F.interpolate(coarse, pictures.shape[2:], mode="bilinear")
    torch.testing.assert_close(downsample(pictures, same(amount, 2), chances(2)), smooth, atol=1e-5, rtol=0)
    blocks = F.interpolate(coarse, pictures.shape[2:], mode="nearest-exact")
    torch.testing.assert_close(pixelate(pictures, same(amount, 2), chances(2)), blocks, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_pixelate_agrees_with_pillow(factor: int) -> None:
    pictures = random_pictures(1, 48, 72)
    image = Image.fromarray((pictures[0] * 255).byte().permute(1, 2, 0).numpy())
    theirs = np.asarray(image.reduce(factor).resize(image.size, Image.Resampling.NEAREST), dtype=float)
    ours = pixelate(pictures, same(factor - 1, 1), chances(1))[0].permute(1, 2, 0).numpy() * 255
    # Pillow divides by a whole-number approximation and rounds.
    np.testing.assert_allclose(ours, theirs, atol=0.6)


def test_an_endless_reduction_leaves_the_mean() -> None:
    pictures = random_pictures(2)
    for operation in (downsample, pixelate):
        result = operation(pictures, same(1e6, 2), chances(2))
        expected = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("make", [gaussian_filter, downsample_filter, pixelate_filter])
@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_every_row_of_a_filter_is_an_average(make: Callable[..., Filter], size: tuple[int, int]) -> None:
    for matrices, side in zip(make(torch.tensor([0.0, 0.7, 4.0]), *size), size, strict=True):
        assert matrices.shape == (3, side, side)
        assert float(matrices.min()) >= 0
        torch.testing.assert_close(matrices.sum(2), torch.ones(3, side))
        torch.testing.assert_close(matrices[0], torch.eye(side), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_composed_filters_do_one_after_the_other(size: tuple[int, int]) -> None:
    pictures = random_pictures(3, *size)
    amounts = torch.tensor([0.0, 1.0, 2.5])
    first, then = gaussian_filter(amounts, *size), downsample_filter(amounts.flip(0), *size)
    both = apply_separable(pictures, *compose(first, then))
    torch.testing.assert_close(both, apply_separable(apply_separable(pictures, *first), *then), atol=1e-5, rtol=0)
    rows, columns = compose(first, then)
    assert (rows is columns) == (size[0] == size[1])
