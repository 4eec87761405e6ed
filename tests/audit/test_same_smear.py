"""Likely smears: what can be told on drawn slides, and what cannot."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.audit.measurements import measure
from smearlab.audit.same_smear import group_by_light, likely_smears, number_test
from smearlab.data.cells import Cells, IntArray, StrArray
from smearlab.data.demo import demo_cells


def smears(lights: list[tuple[int, int, int]], per_smear: int = 20, names: list[str] | None = None) -> Cells:
    """Pictures with a nucleus on an empty slide of each smear's colour, each a little brighter or darker."""
    rng = np.random.default_rng(0)
    count = len(lights) * per_smear
    levels = np.repeat(np.array(lights), per_smear, axis=0) + rng.normal(0, 0.7, (count, 3))
    images = np.broadcast_to(levels[:, None, None], (count, 24, 24, 3)).copy()
    images[:, 8:16, 8:16] = (90, 50, 140)
    images = np.clip(images + rng.normal(0, 2, images.shape), 0, 255)
    sources = names or [f"cells.npz#{row}" for row in range(count)]
    return Cells(images.astype(np.uint8), None, np.array(sources), (), np.arange(count) + 100)


WARM, COLD, GREEN, DIM = (240, 228, 200), (225, 226, 235), (215, 235, 205), (205, 195, 170)


def pair_precision(numbers: IntArray, truth: StrArray) -> tuple[float, float]:
    """Precision and recall of "these two are of one smear" over all pairs."""
    table = np.zeros((numbers.max() + 1, len(np.unique(truth))))
    np.add.at(table, (numbers, np.unique(truth, return_inverse=True)[1]), 1)
    pairs, said, there = ((counts * (counts - 1)).sum() for counts in (table, table.sum(1), table.sum(0)))
    return pairs / said, pairs / there


def test_four_lights_are_four_groups() -> None:
    cells = smears([WARM, COLD, GREEN, DIM])
    groups = group_by_light(measure(cells))
    assert pair_precision(groups.numbers, np.repeat(["w", "c", "g", "d"], 20)) == (1, 1)
    named = likely_smears(groups, cells)
    assert sorted(tuple(smear.rows) for smear in named) == [tuple(range(s, s + 20)) for s in (100, 120, 140, 160)]
    assert all(0.4 <= smear.score <= 1 and len(smear.pictures) == 12 for smear in named)


def test_one_light_names_no_smear() -> None:
    cells = smears([WARM] * 5)
    assert likely_smears(group_by_light(measure(cells)), cells) == ()


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_few_pictures(count: int) -> None:
    cells = smears([WARM], per_smear=count)
    groups = group_by_light(measure(cells))
    assert len(groups.numbers) == count
    assert likely_smears(groups, cells) == ()


def test_blank_pictures_are_one_group() -> None:
    cells = Cells(np.zeros((30, 8, 8, 3), np.uint8), None, np.full(30, "x"), (), np.arange(30))
    assert len(group_by_light(measure(cells))) == 1


class TestNumbers:
    def test_numbers_in_a_row_are_noticed(self) -> None:
        names = [f"monocyte/MO_{row}.jpg" for row in range(80)]
        test = number_test(cells := smears([WARM, COLD, GREEN, DIM], names=names), measure(cells))
        assert test is not None
        assert test.tells
        assert test.pairs > 70
        assert "blocks" in test.sentence()

    def test_shuffled_numbers_tell_nothing(self) -> None:
        names = [f"monocyte/MO_{number}.jpg" for number in np.random.default_rng(0).permutation(80)]
        test = number_test(cells := smears([WARM, COLD, GREEN, DIM], names=names), measure(cells))
        assert test is not None
        assert not test.tells
        assert "do not tell" in test.sentence()

    def test_rows_of_an_array_have_no_numbers(self) -> None:
        cells = smears([WARM, COLD])
        assert number_test(cells, measure(cells)) is None


@pytest.mark.slow
def test_drawn_slides_are_told_in_part() -> None:
    """The limit of the method: better than chance by far, and far from a slide's id."""
    cells = demo_cells(0, 20)
    cells = cells.take(np.flatnonzero(np.asarray(cells.groups) != "stray"))
    assert cells.groups is not None
    precision, recall = pair_precision(group_by_light(measure(cells)).numbers, cells.groups)
    chance = 1 / 12
    assert 3 * chance < precision < 0.95
    assert recall > 0.5
