"""What the imagined laboratories do to pictures."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from smearlab.corruptions.draws import Draws, Images, draws_of
from smearlab.corruptions.habits import LABORATORIES, Habits
from smearlab.corruptions.laboratories import laboratory
from smearlab.corruptions.pixels import border_colours
from smearlab.corruptions.suites import SUITES, corrupt

NAMES = [one.name for one in SUITES["laboratories"].corruptions]
NONE = Habits(title="Nothing else", quality=100)


def draws(images: Images) -> Draws:
    return draws_of(("laboratory",), range(len(images)))


def size_of(images: Images) -> float:
    """Return how much of the pictures is darker than half way from the darkest to the slide, on average."""
    grey = images.astype(float).mean(axis=3)
    limit = (grey.min(axis=(1, 2)) + border_colours(images).mean(axis=1)) / 2
    return float((grey < limit[:, None, None]).mean())


def roughness(images: NDArray[np.generic]) -> float:
    """Return the mean difference between neighbours along the rows."""
    return float(np.abs(np.diff(images.astype(float), axis=2)).mean())


def test_all_ten_are_in_the_suite_under_their_own_names() -> None:
    assert len(NAMES) == 10
    assert list(LABORATORIES) == NAMES
    assert len({habit.title for habit in LABORATORIES.values()}) == 10


def test_every_habit_is_somebodys_and_nobody_differs_in_one_thing_alone() -> None:
    own = {
        name: {field.name for field in fields(Habits) if getattr(habit, field.name) != field.default}
        for name, habit in LABORATORIES.items()
    }
    assert set.union(*own.values()) == {field.name for field in fields(Habits)}
    assert all(len(names) >= 6 for names in own.values()), own


def test_without_habits_only_what_varies_from_cell_to_cell_changes(cells: Images) -> None:
    shown = laboratory(NONE)(cells, 5, draws(cells))
    # A tenth in size, an eighth in staining and light: a tenth of the range is far more than that makes in the mean.
    assert np.abs(shown.astype(int) - cells).mean() < 25
    assert np.abs(border_colours(shown) / border_colours(cells) - 1).max() < 0.2


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not LABORATORIES[name].rim and LABORATORIES[name].white > 0.89]
)
def test_at_the_end_of_the_way_the_slide_has_the_laboratorys_colour(name: str, cells: Images) -> None:
    habit = LABORATORIES[name]
    assert habit.slide is not None
    dyed = replace(habit, black=0, white=1, gamma=1, curve=0, saturation=1, quality=95, grain=0, sharpening=0)
    shown = laboratory(dyed)(cells, 5, draws(cells))
    assert np.abs(np.median(border_colours(shown), axis=0) - habit.slide).max() < 8


def test_a_laboratory_is_one_for_all_its_pictures(cells: Images) -> None:
    before = np.ptp(border_colours(cells), axis=0).max()
    shown = np.stack([border_colours(corrupt(cells, "laboratories", name, 5)).mean(axis=0) for name in NAMES])
    within = [np.ptp(border_colours(corrupt(cells, "laboratories", name, 5)), axis=0).max() for name in NAMES]
    assert np.ptp(shown, axis=0).min() > 100
    assert np.median(within) < max(60, 1.5 * before)


def own_values() -> list[tuple[str, str]]:
    """Return every habit that some laboratory has, with the laboratory."""
    return [
        (name, field.name)
        for name, habit in LABORATORIES.items()
        for field in fields(Habits)
        if field.name != "title" and getattr(habit, field.name) != field.default
    ]


@pytest.mark.parametrize(("name", "field"), own_values())
def test_each_habit_of_each_laboratory_shows_by_itself(name: str, field: str, cells: Images) -> None:
    usual = laboratory(NONE)(cells, 5, draws(cells))
    alone = laboratory(replace(NONE, **{field: getattr(LABORATORIES[name], field)}))(cells, 5, draws(cells))
    assert np.abs(alone.astype(int) - usual).mean() > 0.4


def test_cells_are_magnified_and_made_small(cells: Images) -> None:
    near, far = (laboratory(replace(NONE, magnification=factor))(cells, 5, draws(cells)) for factor in (1.75, 0.55))
    assert size_of(near) > 1.3 * size_of(cells) > 1.3 * 1.3 * size_of(far)


def test_dyes_light_and_sensor_do_what_they_say(cells: Images) -> None:
    def shown(**habit: float | tuple[float, float, float]) -> Images:
        return laboratory(replace(NONE, **habit))(cells, 5, draws(cells))  # type: ignore[arg-type]

    same = shown().astype(float)
    assert shown(amounts=(2.0, 2.0, 2.0)).mean() < same.mean() - 5
    # Even the best JPEG overshoots in a few places.
    assert np.quantile(shown(white=0.6), 0.995) <= 0.6 * 255 + 2
    assert np.quantile(shown(black=0.1), 0.005) >= 0.1 * 255 - 2
    assert roughness(shown(focus=3.0)) < 0.8 * roughness(same)
    assert roughness(shown(grain=0.1)) > roughness(same) + 5
    assert shown(rim=0.8)[:, :8, :8].mean() < same[:, :8, :8].mean() - 40
    assert roughness(shown(resolution=0.3)) < 0.7 * roughness(same)
    assert roughness(shown(sharpening=2.0)) > 1.5 * roughness(same)
    assert shown(gamma=1.5).mean() < same.mean() - 10
    assert shown(curve=0.8).std() > same.std() + 3
    tinted = shown(chroma=0.1).astype(float)
    assert roughness(np.ptp(tinted, axis=3, keepdims=True)) < 0.8 * roughness(np.ptp(same, axis=3, keepdims=True))
    assert roughness(tinted.mean(axis=3, keepdims=True)) > 0.9 * roughness(same.mean(axis=3, keepdims=True))
    grey = shown(saturation=0.2).astype(float)
    assert np.ptp(grey, axis=3).mean() < 0.4 * np.ptp(same, axis=3).mean()
