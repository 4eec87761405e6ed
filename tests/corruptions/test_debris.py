"""What hides parts of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.corruptions import debris, noise, occlusion
from smearlab.corruptions.draws import Draws, Images, Reals, draws_of

WHITE = np.full((8, 96, 96, 3), 255, np.uint8)


def draws(count: int = 8) -> Draws:
    return draws_of(("debris",), range(count))


def eight(value: float) -> Reals:
    return np.full(8, value)


@pytest.mark.parametrize("side", [1, 10, 24, 32, 56])
def test_a_blot_fills_its_share(side: int) -> None:
    blots = [debris.blot(side, generator) for generator in draws(20).generators]
    assert {int(blot.sum()) for blot in blots} == {round(0.6 * side * side)}
    if side >= 24:
        assert len({blot.tobytes() for blot in blots}) == 20
        middle = np.mean([blot[side // 3 : -side // 3, side // 3 : -side // 3].mean() for blot in blots])
        corner = np.mean([blot[: side // 8, : side // 8].mean() for blot in blots])
        assert middle > 0.9 > 0.3 > corner


def test_an_erased_rectangle_has_its_area(cells: Images) -> None:
    hidden = (occlusion.erase(cells, eight(0.2), draws()) != cells).any(axis=3)
    for mask in hidden:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert np.ptp(rows) * np.ptp(columns) == pytest.approx(0.2 * 96 * 96, rel=0.12)


def test_a_grid_hides_the_square_of_its_share() -> None:
    hidden = occlusion.grid_mask(WHITE, eight(0.5), draws()) == 0
    assert hidden.mean() == pytest.approx(0.25, abs=0.03)


def test_dust_is_dark_and_small() -> None:
    dusty = debris.dust(WHITE, eight(4), eight(3), draws())
    assert dusty.min() < 160
    assert 0 < (dusty < 200).mean() < 0.1


def test_neighbours_stand_at_the_rim_and_darken() -> None:
    crowded = occlusion.neighbours(WHITE, eight(4), eight(0.5), draws()).astype(int)
    assert (crowded <= 255).all()
    assert (crowded[:, 36:60, 36:60] == 255).all()
    rim = np.concatenate([crowded[:, 0], crowded[:, -1], crowded[:, :, 0], crowded[:, :, -1]], axis=1)
    assert (rim.min(axis=(1, 2)) < 230).all()


def test_spots_and_patterns_keep_to_their_share(cells: Images) -> None:
    assert (occlusion.spots(WHITE, eight(3), eight(5), draws()) != 255).mean() < 0.1
    blended = occlusion.pattern(cells, eight(0.2), draws()).astype(int)
    assert np.abs(blended - cells).max() <= 0.2 * 255 + 1


def test_grain_of_a_camera_grows_with_light_and_is_coarse() -> None:
    spread = []
    for level in (30, 120, 200):
        grey = np.full((8, 64, 64, 3), level, np.uint8)
        noisy = noise.camera_noise(grey, eight(0.08), draws()).astype(float) - level
        spread.append(noisy.std())
        together = (noisy[:, :, 1:] * noisy[:, :, :-1]).mean() / noisy.var()
        assert together == pytest.approx(0.5, abs=0.1)
    assert spread[0] < spread[1] < spread[2]
    assert spread[2] == pytest.approx(255 * 0.08 * np.sqrt(0.1 + 0.9 * 200 / 255), rel=0.06)
