"""Spaces to search: what they may say, what a recipe takes, and what stands for a value in a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.tiny_training import BASE, tiny_recipe

from smearlab.errors import RecipeError
from smearlab.training.recipe_io import load_recipe, shipped_recipes
from smearlab.training.search_space import (
    Dimension,
    check_space,
    load_space,
    make_space,
    shipped_spaces,
    toml_text,
    value_at,
)

RATE = {"phases.0.learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True}}


def complaint(content: dict[str, Any]) -> str:
    with pytest.raises(RecipeError) as caught:
        check_space(make_space("my.toml", content), BASE)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
@pytest.mark.parametrize("recipe", ["quick", "standard"])
def test_shipped_spaces_fit_the_usual_recipes_and_hold_them(name: str, recipe: str) -> None:
    space, base = load_space(name), load_recipe(recipe)
    assert check_space(space, base) == []
    labels = space.labels_of(base)
    assert labels is not None
    assert load_recipe(base, space.overrides(labels)) == base


def test_spaces_are_not_taken_for_recipes() -> None:
    assert not [name for name in shipped_recipes() if "spaces" in name]
    assert set(shipped_spaces()) == {"usual", "augmentation"}


@pytest.mark.parametrize("text", ['["loss.gamma"]\n', "[loss.gamma]\n"])
def test_keys_are_written_with_quotation_marks_or_without(text: str, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f'{text}type = "float"\nlow = 0\nhigh = 3\n')
    assert list(load_space(path).dimensions) == ["loss.gamma"]
    assert load_space(path).name == "s.toml"


class TestFaults:
    @pytest.mark.parametrize(
        ("table", "told"),
        [
            ({"type": "float", "low": 3, "high": 1}, "low is 3, which is not below high, 1"),
            ({"type": "float", "low": 0}, "needs low and high"),
            ({"type": "float", "low": 0, "high": 1, "log": True}, "log needs a low above 0"),
            ({"type": "float", "low": 1, "high": 2, "log": True, "step": 0.1}, "log and step exclude each other"),
            ({"type": "int", "low": 1, "high": 2.5}, "must be whole numbers"),
            ({"type": "int", "low": 1, "high": 2, "choices": [1]}, "choices belong to the type 'categorical'"),
            ({"type": "categorical", "choices": ["a"]}, "two different values or more"),
            ({"type": "categorical", "choices": ["a", "a", "b"]}, "two different values or more"),
            ({"type": "categorical", "low": 1}, "do not belong to the type 'categorical'"),
            ({"type": "number", "low": 1}, "must be 'float', 'int' or 'categorical'"),
            ({"type": "float", "hihg": 1}, "Did you mean 'high'?"),
            ({"low": 1, "high": 2}, "type"),
            (3, "must be a table"),
        ],
    )
    def test_a_table_that_is_no_range_is_told(self, table: object, told: str) -> None:
        message = complaint({"loss.gamma": table})
        assert message.startswith("my.toml is not a valid space to search:\n  loss.gamma")
        assert told in message

    def test_all_faults_come_in_one_message(self) -> None:
        message = complaint({"a": {"type": "float", "low": 3, "high": 1}, "b": 4})
        assert message.count("\n") == 2

    def test_an_empty_space_is_no_space(self) -> None:
        assert "names no key" in complaint({})

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"loss.gama": {"type": "float", "low": 0, "high": 1}}, "Did you mean 'gamma'?"),
            ({"loss.label_smoothing": {"type": "float", "low": 0, "high": 2}}, "less than 1"),
            ({"phases.0.epochs": {"type": "float", "low": 2, "high": 9}}, "whole number"),
            ({"phases.3.epochs": {"type": "int", "low": 2, "high": 9}}, "from 0 to 0"),
            ({"phases.0.optimiser": {"type": "categorical", "choices": ["adamw", "adamm"]}}, "Did you mean 'adam"),
            ({"seed": {"type": "int", "low": 0, "high": 9}}, "trials would differ by chance"),
            ({"split.train": {"type": "float", "low": 0.1, "high": 0.5}}, "measured on other pictures"),
            ({"selection.metric": {"type": "categorical", "choices": ["loss", "accuracy"]}}, "measured in different"),
        ],
    )
    def test_what_the_recipe_refuses_is_told_before_anything_runs(self, content: dict[str, Any], told: str) -> None:
        message = complaint(content)
        assert told in message
        assert "my.toml" in message
        assert "--set" not in message

    def test_no_such_file(self) -> None:
        with pytest.raises(RecipeError, match="Did you mean 'usual'"):
            load_space("usaul")

    def test_no_toml(self, tmp_path: Path) -> None:
        (tmp_path / "s.toml").write_text("[a\n")
        with pytest.raises(RecipeError, match=r"s\.toml is not valid TOML"):
            load_space(tmp_path / "s.toml")

    def test_values_that_do_not_go_together_are_announced(self) -> None:
        space = make_space(
            "my.toml",
            {
                "phases.0.epochs": {"type": "int", "low": 2, "high": 8},
                "phases.0.warmup_epochs": {"type": "categorical", "choices": [0, 2]},
                "loss.jsd": {"type": "categorical", "choices": [0, 12]},
                "augment.mixup": {"type": "categorical", "choices": [0, 0.2]},
            },
        )
        (remark,) = check_space(space, BASE)
        assert "will fail" in remark
        assert "loss.jsd" in remark


class TestValues:
    def test_draws_stay_within_and_on_the_steps(self) -> None:
        rng = np.random.default_rng(0)
        steps = Dimension(type="float", low=0, high=0.2, step=0.05)
        assert set(steps.draw(rng, 200)) <= {0.0, 0.05, 0.1, 0.15, 0.2}
        logs = Dimension(type="float", low=1e-4, high=1e-1, log=True).draw(rng, 400)
        assert 1e-4 <= min(logs) <= max(logs) <= 1e-1
        assert 0.2 < np.mean(np.array(logs) < 1e-3) < 0.5
        assert {type(value) for value in Dimension(type="int", low=1, high=9).draw(rng, 9)} == {int}

    @pytest.mark.parametrize(
        ("table", "value", "inside"),
        [
            ({"type": "float", "low": 0, "high": 0.2, "step": 0.05}, 0.15, True),
            ({"type": "float", "low": 0, "high": 0.2, "step": 0.05}, 0.12, False),
            ({"type": "float", "low": 0, "high": 0.2}, 0.3, False),
            ({"type": "int", "low": 2, "high": 8, "step": 2}, 4, True),
            ({"type": "int", "low": 2, "high": 8, "step": 2}, 5, False),
            ({"type": "categorical", "choices": ["a", "b"]}, "b", True),
            ({"type": "categorical", "choices": [[], [64]]}, [64], True),
            ({"type": "categorical", "choices": [[], [64]]}, [32], False),
            ({"type": "float", "low": 0, "high": 1}, [0.5], False),
        ],
    )
    def test_whether_a_recipe_lies_inside(self, table: dict[str, Any], value: object, inside: bool) -> None:
        assert (Dimension.model_validate(table).label_of(value) is not None) == inside

    def test_lists_and_tables_come_back_as_they_were(self) -> None:
        choices = [{"channels": [8, 8, 8, 8], "layers": [1, 1, 1, 1]}, {"channels": [16, 16, 16, 16]}]
        space = make_space("my.toml", {"network.options": {"type": "categorical", "choices": choices}})
        labels = space.labels_of(BASE)
        assert labels == {"network.options": "{ channels = [8, 8, 8, 8], layers = [1, 1, 1, 1] }"}
        wide = {"network.options": "{ channels = [16, 16, 16, 16] }"}
        assert load_recipe(BASE, space.overrides(wide)).network.options == choices[1]

    def test_sums_of_steps_leave_no_digits_behind(self) -> None:
        space = make_space("my.toml", {"loss.label_smoothing": {"type": "float", "low": 0, "high": 0.2, "step": 0.05}})
        assert space.overrides({"loss.label_smoothing": 0.15000000000000002}) == ["loss.label_smoothing=0.15"]

    def test_a_recipe_outside_has_no_labels(self) -> None:
        assert make_space("s", RATE).labels_of(tiny_recipe("phases.0.learning_rate=0.5")) is None

    def test_values_are_found_at_dotted_keys(self) -> None:
        assert value_at(BASE, "phases.0.batch_size") == 16
        assert value_at(BASE, "network.options.channels") == [8, 8, 8, 8]
        assert value_at(BASE, "phases.1.batch_size") is None
        assert value_at(BASE, "seed.more") is None

    def test_toml_on_one_line(self) -> None:
        assert toml_text({"a": [1, 0.5, True, "x"]}) == '{ a = [1, 0.5, true, "x"] }'
