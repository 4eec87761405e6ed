"""Uneven light and other backgrounds, against closed forms."""

from __future__ import annotations

import pytest
import torch
from tests.augment.properties import EveryOperation, Operation, chances, differs_by_chance, same

from smearlab.augment.illumination import background, brightest, illumination, vignette


@pytest.mark.parametrize(
    ("operation", "amount"), [(illumination, 0.6), (vignette, 0.6), (vignette, -0.4), (background, 1.0)]
)
class TestEveryOperation(EveryOperation):
    pass


@pytest.mark.parametrize("operation", [illumination, vignette])
def test_each_picture_takes_its_own_chance(operation: Operation) -> None:
    assert differs_by_chance(operation, 0.5)


def light(operation: Operation, amount: float, chance: torch.Tensor, size: tuple[int, int] = (31, 41)) -> torch.Tensor:
    """Return by how much each pixel is multiplied: ``(m, 3, h, w)``."""
    plain = torch.full((len(chance), 3, *size), 0.5)
    return operation(plain, same(amount, len(chance)), chance) / 0.5


def corners(gains: torch.Tensor) -> torch.Tensor:
    return gains[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]


class TestIllumination:
    def test_light_falls_in_a_straight_line_by_the_amount(self) -> None:
        chance = chances(20)
        chance[:, 2] = 0.2  # white light
        gains = light(illumination, 0.4, chance)
        assert float(gains.diff(n=2, dim=2).abs().max()) < 1e-5
        assert float(gains.diff(n=2, dim=3).abs().max()) < 1e-5
        assert torch.equal(gains[:, :1].expand(-1, 3, -1, -1), gains)
        span = corners(gains).amax(2) - corners(gains).amin(2)
        torch.testing.assert_close(span, torch.full((20, 3), 0.4))

    def test_every_direction_occurs(self) -> None:
        gains = light(illumination, 0.4, chances(200))
        brightest_corner = corners(gains).mean(1).argmax(1)
        assert int(torch.bincount(brightest_corner, minlength=4).min()) > 25

    def test_coloured_light_falls_by_at_most_the_amount(self) -> None:
        chance = chances(100)
        chance[:, 2] = 0.7
        gains = corners(light(illumination, 0.4, chance))
        span = gains.amax(2) - gains.amin(2)
        assert float(span.max()) <= 0.4 + 1e-5
        assert float((span.amax(1) - span.amin(1)).mean()) > 0.1

    def test_half_of_the_lights_are_coloured(self) -> None:
        gains = light(illumination, 0.4, chances(400))
        coloured = (gains[:, 0] - gains[:, 1]).abs().amax((1, 2)) > 1e-4
        assert 160 < int(coloured.sum()) < 240


class TestVignette:
    def test_the_farthest_corner_falls_by_the_amount_and_the_centre_not(self) -> None:
        gains = light(vignette, 0.6, chances(30))
        torch.testing.assert_close(corners(gains).amin(2), torch.full((30, 3), 0.4))
        assert torch.equal(gains.amin((2, 3)), corners(gains).amin(2))
        assert float(gains.amax((2, 3)).min()) > 0.99

    def test_light_falls_with_the_squared_distance(self) -> None:
        chance = chances(1)
        chance[:, :2] = 0.5  # in the middle
        gains = light(vignette, 0.6, chance, (21, 21))[0, 0]
        across = torch.linspace(-1, 1, 21)
        torch.testing.assert_close(gains, 1 - 0.6 * (across**2 + across[:, None] ** 2) / 2)

    def test_the_centre_lies_in_the_middle_half(self) -> None:
        gains = light(vignette, 0.6, chances(200), (41, 41))[:, 0].flatten(1).argmax(1)
        rows, columns = gains // 41, gains % 41
        for places in (rows, columns):
            assert 10 <= int(places.min()) < 13
            assert 27 < int(places.max()) <= 30


class TestBackground:
    def cells(self, count: int) -> torch.Tensor:
        """Dark squares on a bright ground with some grain."""
        grain = 0.01 * torch.rand(count, 1, 48, 48, generator=torch.Generator().manual_seed(1))
        pictures = torch.tensor([0.95, 0.88, 0.85]).view(3, 1, 1) - grain
        pictures[:, :, 16:32, 16:32] = torch.tensor([0.4, 0.2, 0.5]).view(3, 1, 1)
        return pictures

    def test_the_ground_changes_and_the_cell_stays(self) -> None:
        pictures = self.cells(50)
        changed = background(pictures, same(1, 50), chances(50))
        assert torch.equal(changed[:, :, 16:32, 16:32], pictures[:, :, 16:32, 16:32])
        grounds = changed[:, :, 2, 2]
        assert float(grounds.std(dim=0).min()) > 0.05
        assert float((grounds - pictures[:, :, 2, 2]).abs().amax(1).min()) > 0.01

    def test_the_ground_keeps_its_grain(self) -> None:
        pictures = self.cells(50)
        ratio = background(pictures, same(1, 50), chances(50)) / pictures
        unclipped = background(pictures, same(1, 50), chances(50)).amax((2, 3)) < 1
        assert float(ratio[:, :, :10].flatten(2).std(dim=2)[unclipped].max()) < 1e-3

    def test_amounts_blend(self) -> None:
        pictures = self.cells(50)
        half, full = (background(pictures, same(amount, 50), chances(50)) for amount in (0.5, 1))
        unclipped = full < 1
        torch.testing.assert_close(half[unclipped], (0.5 * (pictures + full))[unclipped], atol=1e-5, rtol=0)

    def test_half_shade_changes_by_half(self) -> None:
        pictures = self.cells(50)
        plain = background(pictures, same(1, 50), chances(50))[:, :, 2, 2] / pictures[:, :, 2, 2]
        shaded = pictures.clone()
        shaded[:, :, 20, 20] = 0.725 * brightest(pictures)
        changed = background(shaded, same(1, 50), chances(50))[:, :, 20, 20] / shaded[:, :, 20, 20]
        torch.testing.assert_close(changed - 1, 0.5 * (plain - 1), atol=0.02, rtol=0)


def test_the_background_is_the_brightest_region() -> None:
    pictures = torch.zeros(1, 3, 48, 60)
    pictures[:, :, 8:24, 10:30] = torch.tensor([0.9, 0.8, 0.7]).view(3, 1, 1)
    pictures[:, :, 40, 40] = 1  # one bright pixel is no background
    torch.testing.assert_close(brightest(pictures), torch.tensor([[0.9, 0.8, 0.7]]))
    torch.testing.assert_close(brightest(torch.zeros(1, 3, 5, 5)), torch.full((1, 3), 0.05))
