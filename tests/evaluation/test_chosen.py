"""Whether a run's report may say that validation pictures chose what ships."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from smearlab.evaluation.evaluate_run import _chosen
from smearlab.training.recipe_io import load_recipe


def trained(*overrides: str, candidates: tuple[str, ...] = ()) -> Any:
    recipe = load_recipe("quick", ["selection.keep=last", *overrides])
    return cast("Any", SimpleNamespace(recipe=recipe, fitted=SimpleNamespace(candidates=list(candidates))))


def test_the_last_epoch_is_chosen_by_nothing() -> None:
    assert not _chosen(trained())


@pytest.mark.parametrize("override", ["selection.keep=best", "phases.0.early_stopping.patience=3"])
def test_an_epoch_is_chosen_and_so_is_the_time_to_stop(override: str) -> None:
    assert _chosen(trained(override))


def test_averages_of_weights_are_chosen_among() -> None:
    assert _chosen(trained(candidates=("ema", "swa")))
