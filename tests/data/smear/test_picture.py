"""Single pictures: every cell type on any slide, many times over."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.smear.background import draw_background
from smearlab.data.smear.canvas import SIDE, grid
from smearlab.data.smear.doodle import draw_doodle
from smearlab.data.smear.picture import PAINTERS, draw_picture
from smearlab.data.smear.slide import make_slide


@cache
def colour_of(name: str, part: str, count: int = 4) -> np.ndarray:
    """Return the median colour of a cell type's nucleus or cytoplasm over several pictures."""
    pixels = []
    for number in range(count):
        picture = draw_picture(0, number, name, make_slide(0, 0))
        mask = picture.nucleus if part == "nucleus" else picture.cell & ~picture.nucleus
        pixels.append(picture.image[mask])
    return np.asarray(np.median(np.concatenate(pixels), axis=0))


def test_every_cell_type_can_be_drawn() -> None:
    assert set(PAINTERS) == set(CLASS_NAMES)


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_picture_is_complete_and_repeatable(name: str) -> None:
    first, second = (draw_picture(2, 11, name, make_slide(2, 5)) for _ in range(2))
    assert first.image.shape == (96, 96, 3)
    assert first.image.dtype == np.uint8
    np.testing.assert_array_equal(first.image, second.image)
    assert first.cell.sum() > 100
    assert not (first.nucleus & ~first.cell).any()


def test_other_number_other_cell() -> None:
    slide = make_slide(0, 0)
    first, second = (draw_picture(0, number, "monocyte", slide) for number in (1, 2))
    assert (first.cell != second.cell).any()


def test_eosinophil_granules_are_the_reddest_cytoplasm() -> None:
    redness = {name: np.subtract(*colour_of(name, "cytoplasm")[[0, 2]]) for name in CLASS_NAMES}
    assert max(redness, key=lambda name: redness[name]) == "eosinophil"


def test_monocyte_cytoplasm_is_blue_and_neutrophil_cytoplasm_pink() -> None:
    monocyte, neutrophil = colour_of("monocyte", "cytoplasm"), colour_of("neutrophil", "cytoplasm")
    assert monocyte[2] > monocyte[0]
    assert neutrophil[0] > neutrophil[2]


def test_basophil_granules_darken_the_cytoplasm_most() -> None:
    green = {name: colour_of(name, "cytoplasm")[1] for name in CLASS_NAMES if name != "platelet"}
    assert min(green, key=lambda name: green[name]) == "basophil"


def test_erythroblast_nucleus_is_the_densest() -> None:
    green = {name: colour_of(name, "nucleus")[1] for name in CLASS_NAMES if name != "platelet"}
    assert min(green, key=lambda name: green[name]) == "erythroblast"


def test_red_cells_leave_room_in_the_middle() -> None:
    x, y = grid()
    for seed in range(4):
        surface = draw_background(np.random.default_rng(seed), make_slide(0, seed), 24)
        assert surface.shape == (SIDE, SIDE, 3)
        assert surface.min() >= 0
        assert surface[np.hypot(x, y) < 14].mean() < 0.03 < surface.mean()


def test_deeper_hollows_thin_the_red_cells() -> None:
    flat, hollow = (
        draw_background(np.random.default_rng(0), replace(make_slide(0, 0), pallor=pallor), 0)[..., 1]
        for pallor in (0.0, 0.9)
    )
    assert hollow.mean() < 0.9 * flat.mean()
    # The ring around the hollow stays as dense as it was.
    assert np.quantile(hollow, 0.97) == pytest.approx(np.quantile(flat, 0.97), rel=0.1)


def test_doodle_is_bright_green_like_no_cell() -> None:
    doodle = draw_doodle()
    assert doodle.shape == (96, 96, 3)
    red, green, blue = (doodle[..., channel].astype(int) for channel in range(3))
    assert ((green > red + 30) & (green > blue + 30)).mean() > 0.2
    np.testing.assert_array_equal(doodle, draw_doodle())
