"""What stands where a moved picture does not reach."""

from __future__ import annotations

import pytest
import torch

from smearlab.augment.draws import fixed
from smearlab.augment.geometry import warp
from smearlab.augment.operations import INDEX


def shrunk(kind: float, colour: float = 0.0) -> torch.Tensor:
    """A picture with a bright rim and a dark middle, at half its size, filled by a given chance."""
    pictures = torch.full((1, 3, 96, 96), 0.8)
    pictures[:, :, 24:72, 24:72] = 0.2
    draws = fixed("zoom", torch.tensor([-1.0]), torch.Generator().manual_seed(0))
    assert draws.amounts is not None
    assert draws.chance is not None
    draws.chance[:, INDEX["zoom"]] = torch.tensor([kind, colour, 0.1, 0.5, 0.9, 0, 0, 0])
    return warp(pictures, draws.amounts, draws.chance)[0]


def test_mirrored_whole_shows_the_middle_again() -> None:
    assert (shrunk(0.1)[0, 0] < 0.3).any()


def test_mirrored_rim_shows_background_only() -> None:
    corner = shrunk(0.4)[:, :20, :20]
    torch.testing.assert_close(corner, torch.full_like(corner, 0.8))


def test_the_last_pixel_goes_on() -> None:
    corner = shrunk(0.65)[:, :20, :20]
    torch.testing.assert_close(corner, torch.full_like(corner, 0.8))


@pytest.mark.parametrize(
    ("colour", "wanted"),
    [(0.1, (0.0, 0.0, 0.0)), (0.5, (1.0, 1.0, 1.0)), (0.7, (0.8, 0.8, 0.8)), (0.95, (0.1, 0.5, 0.9))],
)
def test_one_colour(colour: float, wanted: tuple[float, float, float]) -> None:
    filled = shrunk(0.9, colour)
    torch.testing.assert_close(filled[:, 4, 4], torch.tensor(wanted), atol=1e-5, rtol=0)
    assert float(filled[0, 48, 48]) == pytest.approx(0.2, abs=1e-5)  # the cell itself is left alone


def test_nothing_is_filled_where_the_picture_reaches() -> None:
    generator = torch.Generator().manual_seed(1)
    pictures = torch.rand(4, 3, 32, 32, generator=generator)
    draws = fixed("zoom", torch.full((4,), 0.5), generator)
    assert draws.amounts is not None
    assert draws.chance is not None
    plain = warp(pictures, draws.amounts, draws.chance)
    draws.chance[:, INDEX["zoom"]] = 0.99
    torch.testing.assert_close(warp(pictures, draws.amounts, draws.chance), plain)
