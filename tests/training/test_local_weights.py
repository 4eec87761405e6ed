"""A recipe names a file of weights; where it lies is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from smearlab.errors import RecipeError
from smearlab.networks.at_hand import VARIABLE
from smearlab.training.local_weights import locate_weights
from smearlab.training.recipe import Recipe


def recipe(weights: str) -> Recipe:
    return Recipe.model_validate({"name": "r", "network": {"weights": weights}})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize("weights", ["none", "pretrained", "/somewhere/else.pth"])
def test_what_needs_no_search_is_left_alone(weights: str) -> None:
    assert locate_weights(recipe(weights), "demo") == recipe(weights)


def test_beside_the_data(tmp_path: Path) -> None:
    (tmp_path / "w.pth").touch()
    (tmp_path / "cells.npz").touch()
    assert locate_weights(recipe("w.pth"), tmp_path / "cells.npz").network.weights == str(tmp_path / "w.pth")


def test_in_the_named_folder_before_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("data", "named"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w.pth").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    found = locate_weights(recipe("w.pth"), tmp_path / "data" / "w.pth")
    assert found.network.weights == str(tmp_path / "named" / "w.pth")


def test_in_the_current_folder_the_recipe_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "here" / "w.pth").touch()
    assert locate_weights(recipe("w.pth"), "demo").network.weights == "w.pth"


def test_nowhere_is_said_with_what_to_do() -> None:
    with pytest.raises(
        RecipeError, match=rf"starts from w.pth.*--set network.weights=PATH or {VARIABLE}.*'pretrained'"
    ):
        locate_weights(recipe("w.pth"), "demo")
