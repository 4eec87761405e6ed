"""The tables of the teams' studies: every row is a valid recipe at every scale, and every finding is about rows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from smearlab.augment.operations import allowed
from smearlab.errors import DataError
from smearlab.evaluation.studies.budget import FEWEST, capped, epochs_allowed, from_scratch, shared_out
from smearlab.evaluation.studies.catalogue import STUDIES, SYSTEMS, find_study
from smearlab.evaluation.studies.confusions import READ_AS
from smearlab.evaluation.studies.findings import FINDINGS
from smearlab.evaluation.studies.plan import SYSTEM_SCALES, Cell
from smearlab.evaluation.studies.system_outcome import SYSTEM_FIGURES
from smearlab.evaluation.studies.system_study import BASE
from smearlab.evaluation.studies.teams import OURS, RECIPES
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe, shipped_recipes

EVERY = [(name, cell) for name in SYSTEMS for cell in find_study(name).cells]
SMALL = SYSTEM_SCALES["small"]


def recipe_of(name: str, cell: Cell) -> Recipe:
    base = () if cell.recipe else find_study(name).base
    return load_recipe(cell.recipe or BASE, (*base, *cell.overrides))


@pytest.mark.parametrize(("name", "cell"), EVERY, ids=lambda value: value if isinstance(value, str) else value.name)
def test_every_row_is_a_valid_recipe_at_every_scale(name: str, cell: Cell) -> None:
    recipe, study = recipe_of(name, cell), find_study(name)
    for scale in study.scales.values():
        cut = load_recipe(recipe, capped(recipe, scale, 0.1, 0.2))
        assert sum(phase.epochs for phase in cut.phases) <= max(scale.epochs, len(recipe.phases))
        assert all(phase.batch_size <= (scale.batch or 10**6) for phase in cut.phases)
        assert load_recipe(cut, from_scratch(cut)).network.weights == "none"
        allowed(cut.augment)


@pytest.mark.parametrize("name", SYSTEMS)
def test_names_are_single_and_fit_for_files(name: str) -> None:
    study = find_study(name)
    assert study.name == name
    assert study.systems
    names = [cell.name for cell in study.cells]
    assert len({cell.title for cell in study.cells}) == len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in names)
    assert study.reference in names
    assert all(set(cell.of) <= set(names) for cell in study.cells)
    assert OURS in study.cells or name == "transfer"


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_two_rows_are_the_same_training(name: str) -> None:
    cells = find_study(name).cells
    assert len({(cell.recipe, cell.overrides, cell.of, cell.how) for cell in cells}) == len(cells)


def test_all_forty_five_systems_of_the_teams_are_rows() -> None:
    assert len(RECIPES) == 45
    assert set(RECIPES) <= set(shipped_recipes())
    assert not set(STUDIES) & set(SYSTEMS)
    with pytest.raises(DataError, match="Did you mean 'formidable'"):
        find_study("formidabel")


def test_every_method_study_runs_without_a_download() -> None:
    for name in SYSTEMS:
        stand_ins = [cell for cell in find_study(name).cells if cell.section != "As reported" and cell is not OURS]
        for cell in stand_ins:
            weights = recipe_of(name, cell).network.weights
            assert weights in ("none", "mobilenet_v2_imagenet.pth") or cell.name.startswith("b0-"), (name, cell.name)


class TestFindings:
    def test_names_are_single(self) -> None:
        assert len({finding.name for finding in FINDINGS}) == len(FINDINGS) >= 40

    @pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
    def test_it_is_about_rows_and_a_figure_that_there_are(self, finding: object) -> None:
        one = next(each for each in FINDINGS if each is finding)
        names = {cell.name for cell in find_study(one.study).cells}
        for pair in one.pairs:
            assert {name for name in pair if name} <= names
            assert pair[1] or one.figure in READ_AS
        assert one.figure in (*SYSTEM_FIGURES, *READ_AS)
        assert one.text.endswith(".")

    def test_every_team_has_some(self) -> None:
        assert {one.team for one in FINDINGS} == {"formidable", "ai_pacapa", "m2g", "november", "rookie", "ours"}


class TestBudget:
    @pytest.mark.parametrize(
        ("planned", "allowed_epochs", "shared"),
        [
            ([10, 20], 6, [2, 4]),
            ([10, 20], 60, [10, 20]),
            ([1, 1, 1], 2, [1, 1, 1]),
            ([30, 1], 4, [3, 1]),
            ([20, 30], 10, [4, 6]),
        ],
    )
    def test_phases_share_the_epochs_in_their_proportion(
        self, planned: list[int], allowed_epochs: int, shared: list[int]
    ) -> None:
        assert shared_out(planned, allowed_epochs) == shared

    def test_large_networks_get_fewer_epochs_but_never_too_few(self) -> None:
        assert SMALL.work
        assert epochs_allowed(SMALL, SMALL.work) == SMALL.epochs
        assert FEWEST <= epochs_allowed(SMALL, 1.3 * SMALL.work) < SMALL.epochs
        assert epochs_allowed(SMALL, 1000.0) == FEWEST

    def test_what_belongs_to_a_phase_shrinks_with_it(self) -> None:
        phase = "phases=[{epochs=40, batch_size=512, warmup_epochs=4, trainable={start_share=0.1, grow_epochs=20}}]"
        recipe = load_recipe("quick", [phase, 'balance={kind="synthetic", per_class=2500}'])
        cut = load_recipe(recipe, capped(recipe, SMALL, 0.0, 0.2))
        share = SMALL.epochs / 40
        assert cut.phases[0].warmup_epochs == pytest.approx(4 * share)
        assert cut.phases[0].trainable.grow_epochs == round(20 * share)
        assert (cut.phases[0].batch_size, cut.balance.per_class) == (64, 500)

    def test_the_full_scale_leaves_a_recipe_as_it_stands(self) -> None:
        recipe = load_recipe("formidable/mobilenetv3-light")
        assert load_recipe(recipe, capped(recipe, SYSTEM_SCALES["full"], 100.0)) == recipe

    def test_from_scratch_everything_learns_from_the_start(self) -> None:
        recipe = load_recipe("m2g/final")
        assert recipe.phases[0].trainable.share == 0
        scratch = load_recipe(recipe, from_scratch(recipe))
        assert all(phase.trainable.share == 1 and not phase.trainable.freeze_norms for phase in scratch.phases)

    def test_no_epochs_are_added(self) -> None:
        recipe = load_recipe("quick", ["phases.0.epochs=4", "phases.0.warmup_epochs=1"])
        assert load_recipe(recipe, capped(recipe, replace(SMALL, epochs=99), 0.0)).phases[0].epochs == 4
