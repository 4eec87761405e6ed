"""What a model's training showed it."""

from __future__ import annotations

from pathlib import Path

from tests.evaluation.colour_model import write_colour_folder

from smearlab.corruptions.families import OPERATIONS
from smearlab.evaluation.trained_on import trained_on, trained_operations
from smearlab.inference.info import Provenance
from smearlab.inference.predictor import Predictor
from smearlab.training.recipe import Recipe


def recipe(**augment: object) -> Recipe:
    return Recipe.model_validate({"augment": augment})


def test_a_recipe_tells_its_operations_by_the_names_of_the_table() -> None:
    assert trained_operations(recipe(policy="none")) == set()
    assert trained_operations(recipe(policy="flips")) == {"flip"}
    light = trained_operations(recipe(policy="light", mixup=0.4))
    assert {"flip", "rotate", "brightness", "contrast", "mixup"} <= light
    assert light <= set(OPERATIONS)
    assert not light & {"jpeg", "motion_blur", "erase"}


def test_one_operation_makes_its_family_and_group_seen(tmp_path: Path) -> None:
    model = write_colour_folder(tmp_path / "run" / "model")
    (tmp_path / "run" / "recipe.toml").write_text('[augment]\npolicy = "flips"\n')
    info = Predictor.load(model).info
    for given in (tmp_path / "run", model):
        found = trained_on(given, info)
        assert found is not None
        assert found.operations == {"flip"}
        assert found.families == {"orientation"}
        assert found.groups == {"geometry"}


def test_families_that_chose_the_epoch_are_told_apart(tmp_path: Path) -> None:
    model = write_colour_folder(tmp_path / "run" / "model")
    chosen = '[augment]\npolicy = "flips"\n[selection]\nsuite = "bloodmnist-c"\nfamilies = ["blur", "debris"]\n'
    (tmp_path / "run" / "recipe.toml").write_text(chosen)
    found = trained_on(model, Predictor.load(model).info)
    assert found is not None
    assert found.judged_by == {"blur", "debris"}
    assert found.families == {"orientation"}


def test_a_model_in_no_run_tells_by_itself_or_not_at_all(tmp_path: Path) -> None:
    model = write_colour_folder(tmp_path / "model")
    info = Predictor.load(model).info
    assert trained_on(model, info) is None
    told = info.model_copy(update={"provenance": Provenance(operations=("jpeg", "an operation of tomorrow"))})
    found = trained_on(model, told)
    assert found is not None
    assert found.operations == {"jpeg"}
    assert found.groups == {"degradation"}


def test_a_recipe_of_another_version_is_no_fault(tmp_path: Path) -> None:
    model = write_colour_folder(tmp_path / "run" / "model")
    (tmp_path / "run" / "recipe.toml").write_text("[tomorrow]\nkey = 1\n")
    assert trained_on(model, Predictor.load(model).info) is None
