"""The tables of studies: every cell is a valid recipe, and scales choose among them."""

from __future__ import annotations

import re

import pytest

from smearlab.augment.config import AugmentConfig
from smearlab.augment.operations import FAMILY_SHARES, allowed, operations_of
from smearlab.corruptions.families import FAMILIES, GROUPS, OPERATIONS
from smearlab.errors import DataError
from smearlab.evaluation.studies.catalogue import STUDIES, find_scale, find_study
from smearlab.evaluation.studies.plan import SCALES, Cell, Study, tasks_of
from smearlab.evaluation.studies.study import BASE
from smearlab.training.recipe_io import load_recipe

EVERY = [(name, cell) for name in STUDIES for cell in find_study(name).cells]


@pytest.mark.parametrize(("name", "cell"), EVERY, ids=lambda value: value if isinstance(value, str) else value.name)
def test_every_cell_is_a_valid_recipe_at_every_scale(name: str, cell: Cell) -> None:
    study = find_study(name)
    for scale in SCALES.values():
        task = tasks_of(study, [cell], scale, 1)[0]
        recipe = load_recipe(BASE, task.overrides)
        assert recipe.phases[0].epochs == scale.epochs
        assert recipe.selection.keep == "last"
        allowed(recipe.augment)


@pytest.mark.parametrize("name", STUDIES)
def test_names_are_single_and_fit_for_files(name: str) -> None:
    study = find_study(name)
    names = [cell.name for cell in study.cells]
    assert len(set(names)) == len(names)
    assert len({cell.title for cell in study.cells}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+", each) for each in names)
    assert study.reference in names
    for cell in study.cells:
        assert set(cell.of) <= set(names)


@pytest.mark.parametrize("name", STUDIES)
def test_cells_differ_from_the_reference(name: str) -> None:
    study = find_study(name)
    asked = {(cell.overrides, cell.of, cell.how) for cell in study.cells}
    assert len(asked) == len(study.cells)


def test_every_family_and_group_of_our_policy_is_left_out_in_turn() -> None:
    study = find_study("policies")
    ours = operations_of(_augment("ours"))
    for group in GROUPS:
        left = operations_of(_augment(f"without_{group}"))
        assert {FAMILIES[OPERATIONS[name]] for name in ours - left} == {group}
        assert {FAMILIES[OPERATIONS[name]] for name in operations_of(_augment(f"only_{group}"))} == {group}
    used = {family for family, share in FAMILY_SHARES.items() if share > 0}
    for family in used:
        left = operations_of(_augment(f"without_{family}"))
        assert {OPERATIONS[name] for name in ours - left} == {family}
    assert len([cell for cell in study.cells if cell.focus.startswith("family")]) == len(used)


def _augment(name: str) -> AugmentConfig:
    study = find_study("policies")
    cell = next(cell for cell in study.cells if cell.name == name)
    return load_recipe(BASE, [*study.base, *cell.overrides]).augment


def test_a_larger_scale_has_every_cell_of_a_smaller_one() -> None:
    study = find_study("policies")
    smoke, small, full = (study.choose(SCALES[name]) for name in ("smoke", "small", "full"))
    assert set(smoke) <= set(small) < set(full) == set(study.cells)


def test_cells_asked_for_bring_the_reference_and_what_they_rest_on() -> None:
    cells = (
        Cell("usual", "usual", "one"),
        Cell("teacher", "teacher", "one"),
        Cell("pupil", "pupil", "one", of=("teacher",), how="distilled"),
        Cell("other", "other", "one"),
    )
    study = Study("s", "S", "", "usual", cells)
    assert [cell.name for cell in study.choose(SCALES["smoke"], ["pupil"])] == ["usual", "teacher", "pupil"]
    with pytest.raises(DataError, match="Did you mean 'pupil'"):
        study.choose(SCALES["smoke"], ["pupils"])


def test_tasks_go_seed_by_seed_and_those_that_rest_on_others_come_last() -> None:
    cells = (Cell("late", "late", "", of=("usual",), how="flipped"), Cell("usual", "usual", ""))
    study = Study("s", "S", "", "usual", cells, base=("ema.decay=0.9",))
    tasks = tasks_of(study, cells, SCALES["smoke"], 2)
    assert [task.stem for task in tasks] == ["usual.1", "late.1", "usual.2", "late.2"]
    assert "ema.decay=0.9" in tasks[0].overrides
    assert "seed=2" in tasks[2].overrides


@pytest.mark.parametrize("find", [find_study, find_scale])
def test_a_misspelt_name_is_refused(find: object) -> None:
    assert callable(find)
    with pytest.raises(DataError, match="There is no"):
        find("polices")


def test_the_full_study_fits_two_hours_of_two_cores() -> None:
    """A training of 40,000 pictures takes about 95 seconds of a core, augmentation and answers included."""
    full, study = SCALES["full"], find_study("policies")
    trainings = full.seeds * sum(3 if "jsd" in cell.name else 1 for cell in study.cells)
    assert full.pictures * full.epochs / 40_000 * 95 * trainings / 2 < 2 * 3600
