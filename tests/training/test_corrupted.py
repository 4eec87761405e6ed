"""Altered validation pictures: which alterations, and that they are always the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.tiny_training import StopAt, digest, tiny_data, tiny_recipe, train_tiny, without_times

from smearlab.augment.config import AugmentConfig
from smearlab.corruptions.families import OPERATIONS
from smearlab.errors import RecipeError, TrainingInterrupted
from smearlab.training.corrupted import chosen_corruptions, corrupted_copy, seen_families
from smearlab.training.recipe_io import recipe_toml
from smearlab.training.sections import SelectionConfig

FLIPS = AugmentConfig(policy="flips")
LIGHT = AugmentConfig(policy="light")
ON = ("selection.suite=bloodmnist-c", "selection.pictures=6", "selection.severities=[5]")


def selection(**given: Any) -> SelectionConfig:
    return SelectionConfig.model_validate({"suite": "bloodmnist-c", **given})


class TestChoice:
    def test_by_default_no_family_that_the_policy_trains_on(self) -> None:
        names = {one.name for one in chosen_corruptions(selection(), LIGHT)}
        assert {"jpeg_compression", "defocus_blur", "bubble"} <= names
        assert not names & {"brightness_up", "brightness_down", "contrast_up", "saturate"}
        assert seen_families(LIGHT) >= {"brightness", "contrast", "saturation"}

    def test_what_was_left_out_of_training_may_choose(self) -> None:
        assert len(chosen_corruptions(selection(), FLIPS)) == 11

    def test_families_and_groups_narrow_it(self) -> None:
        assert {one.name for one in chosen_corruptions(selection(families=["blur"]), LIGHT)} == {
            "defocus_blur",
            "motion_blur",
        }
        occlusions = chosen_corruptions(selection(groups=["occlusion"]), LIGHT)
        assert {one.group for one in occlusions} == {"occlusion"}

    def test_seen_families_are_refused(self) -> None:
        with pytest.raises(RecipeError, match=r"trains on brightness.*leave some of them out with augment\.without"):
            chosen_corruptions(selection(families=["brightness"]), LIGHT)
        with pytest.raises(RecipeError, match=r"trains on brightness, so .*take of the others \(blur\)"):
            chosen_corruptions(selection(families=["brightness", "blur"]), LIGHT)
        allowed = chosen_corruptions(selection(families=["brightness"], allow_seen=True), LIGHT)
        assert {OPERATIONS[one.operation] for one in allowed} == {"brightness"}

    @pytest.mark.parametrize("suite", ["chain", "laboratories"])
    def test_a_suite_that_mixes_families_is_for_those_who_allow_seen_ones(self, suite: str) -> None:
        with pytest.raises(RecipeError, match=rf"{suite}: its alterations mix families.*allow_seen = true"):
            chosen_corruptions(selection(suite=suite), LIGHT)
        with pytest.raises(RecipeError, match=r"has no 'geometry'\. It mixes all of them; leave selection\.groups out"):
            chosen_corruptions(selection(suite=suite, groups=["geometry"]), LIGHT)
        assert len(chosen_corruptions(selection(suite=suite, allow_seen=True), LIGHT)) in (3, 10)

    def test_the_recipe_refuses_them(self) -> None:
        with pytest.raises(RecipeError, match=r"selection\.suite bloodmnist-c: the policy trains on"):
            tiny_recipe("selection.suite=bloodmnist-c", "selection.families=['contrast']", "augment.policy=light")

    def test_unknown_names_are_told(self) -> None:
        with pytest.raises(RecipeError, match=r"has no 'blurr'\. Did you mean 'blur'\?"):
            chosen_corruptions(selection(families=["blurr"]), LIGHT)
        with pytest.raises(RecipeError, match=r"selection\.groups: .* has no 'geometry'"):
            chosen_corruptions(selection(groups=["geometry"]), LIGHT)

    def test_a_corrupted_metric_needs_a_suite(self) -> None:
        with pytest.raises(RecipeError, match="needs a suite"):
            tiny_recipe("selection.metric=corrupted_balanced_accuracy")


class TestCopy:
    def test_every_condition_has_its_pictures(self) -> None:
        data, chosen = tiny_data(), selection(pictures=5, severities=[1, 5])
        corruptions = chosen_corruptions(chosen, LIGHT)
        copy = corrupted_copy(data.images, data.validation, chosen, corruptions, seed=3)
        again = corrupted_copy(data.images, data.validation, chosen, corruptions, seed=3)
        other = corrupted_copy(data.images, data.validation, chosen, corruptions, seed=4)
        assert copy.images.shape == (5 * 2 * len(corruptions), 24, 24, 3)
        assert set(copy.positions.tolist()) <= set(data.validation.tolist())
        assert all(len(set(block.tolist())) == 5 for block in copy.positions.reshape(-1, 5))
        np.testing.assert_array_equal(copy.images, again.images)
        assert not np.array_equal(copy.images, other.images)
        assert not np.array_equal(copy.images, data.images[copy.positions])

    def test_a_small_part_gives_all_it_has(self) -> None:
        data, chosen = tiny_data(), selection(pictures=500, severities=[2], families=["blur"])
        copy = corrupted_copy(data.images, data.validation, chosen, chosen_corruptions(chosen, LIGHT), seed=0)
        assert len(copy.positions) == 2 * len(data.validation)


class TestTraining:
    def test_both_figures_are_in_the_history(self, tmp_path: Path) -> None:
        row = train_tiny(tmp_path, tiny_recipe(*ON, "phases.0.epochs=1")).progress.history[0]
        assert 0 <= row["validation_corrupted_balanced_accuracy"] <= 1
        assert row["validation_corrupted_loss"] != row["validation_loss"]

    @pytest.mark.parametrize("weight", [0.0, 1.0])
    def test_the_weight_decides_which_epoch_is_kept(self, tmp_path: Path, weight: float) -> None:
        recipe = tiny_recipe(*ON, f"selection.weight={weight}", "phases.0.epochs=6", "selection.metric=loss")
        progress = train_tiny(tmp_path, recipe).progress
        key = "validation_corrupted_loss" if weight else "validation_loss"
        assert progress.best_epoch == min(progress.history, key=lambda row: row[key])["epoch"]

    def test_without_validation_pictures_there_is_nothing_to_alter(self, tmp_path: Path) -> None:
        assert train_tiny(tmp_path, tiny_recipe(*ON), tiny_data(validation=0)).progress.best_epoch == 2

    def test_a_resumed_run_sees_the_same_copy(self, tmp_path: Path) -> None:
        recipe = tiny_recipe(*ON, "selection.metric=corrupted_loss")
        whole = train_tiny(tmp_path / "whole", recipe)
        with pytest.raises(TrainingInterrupted):
            train_tiny(tmp_path / "stopped", recipe, display=StopAt(2))
        resumed = train_tiny(tmp_path / "stopped", recipe)
        assert digest(resumed.weights) == digest(whole.weights)
        assert without_times(resumed.progress.history) == without_times(whole.progress.history)

    def test_the_recipe_is_written_and_read_back(self) -> None:
        assert 'suite = "bloodmnist-c"' in recipe_toml(tiny_recipe(*ON))
