"""The list of recipes that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smearlab.__main__ import main
from smearlab.errors import RecipeError
from smearlab.training.recipe_io import load_recipe, shipped_recipes
from smearlab.training.recipe_list import HEADS, aligned, list_recipes, team_recipes


@pytest.fixture(autouse=True)
def _no_weights_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("SMEARLAB_CACHE", str(empty))
    monkeypatch.delenv("SMEARLAB_WEIGHTS", raising=False)
    monkeypatch.chdir(empty)


def test_it_has_every_recipe_once_ours_first() -> None:
    names = [row.name for row in list_recipes()]
    assert sorted(names) == sorted(shipped_recipes())
    assert [("/" in name) for name in names] == sorted("/" in name for name in names)


def test_a_team_has_its_own_alone() -> None:
    rows = list_recipes("november")
    assert [row.name for row in rows] == team_recipes("november")
    assert {row.team for row in rows} == {"november"}


def test_a_team_that_there_is_not_is_told() -> None:
    with pytest.raises(RecipeError, match=r"no team 'novembre'.*'november'.*formidable, "):
        list_recipes("novembre")


def test_a_row_says_what_was_reported() -> None:
    cells = {row.name: dict(zip(HEADS, row.cells(), strict=True)) for row in list_recipes("formidable")}
    assert cells["formidable/basic"] == {
        "recipe": "formidable/basic",
        "team": "formidable",
        "network": "plain_cnn",
        "parameters": "314,488",
        "reported": "314,000",
        "local": "0.8989 acc",
        "online": "0.32",
        "weights": "none needed",
    }
    assert cells["formidable/mobilenetv2"]["weights"] == "no mobilenet_v2_imagenet.pth here or beside the data"


def test_figures_that_a_team_did_not_report_are_left_open() -> None:
    cells = dict(
        zip(HEADS, next(row for row in list_recipes("rookie") if row.name == "rookie/densenet").cells(), strict=True)
    )
    assert (cells["reported"], cells["local"], cells["online"]) == ("–", "–", "–")


def test_the_first_of_macro_f1_and_validation_stands_for_local() -> None:
    local = {row.name: row.local() for row in [*list_recipes("m2g"), *list_recipes("rookie")]}
    assert local["m2g/head-256-128"] == ("macro_f1", 0.9875)
    assert local["rookie/vgg16"] == ("validation_accuracy", 0.9632)
    assert local["m2g/final"] is None


def test_joined_networks_are_all_named() -> None:
    row = next(row for row in list_recipes("m2g") if row.name == "m2g/ensemble-v2sml")
    assert row.network == "tf_efficientnetv2_s + tf_efficientnetv2_m + tf_efficientnetv2_l"


def test_lines_are_aligned() -> None:
    short, long = ["a"] * len(HEADS), ["a longer cell than any head"] * len(HEADS)
    head, first, second = aligned([short, long])
    assert head.index("team") == second.index(long[1], 5)
    assert first.index("a", 1) == second.index(long[1], 5)
    assert all(line == line.rstrip() for line in (head, first, second))


class TestPrinted:
    def test_as_lines_where_there_is_no_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["recipes", "--team", "ai_pacapa"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == list(HEADS)
        assert [line.split()[0] for line in lines[1:]] == team_recipes("ai_pacapa")

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["recipes", "--team", "m2g", "--json"]) == 0
        rows = {row["recipe"]: row for row in json.loads(capsys.readouterr().out)}
        final = rows["m2g/final"]
        assert final["parameters"] == final["reported_parameters"] == 53_150_388 + 163_968 + 1_032
        assert final["learnable"] < final["parameters"]
        assert final["reported"] == {"online": 0.85}
        assert final["weights_at_hand"] is False
        assert final["wanted_weights"] == "pretrained"

    def test_weights_that_lie_beside_the_data_are_at_hand(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "mobilenet_v2_imagenet.pth").touch()
        (tmp_path / "cells.npz").touch()
        assert main(["recipes", str(tmp_path / "cells.npz"), "--team", "formidable", "--json"]) == 0
        rows = {row["recipe"]: row for row in json.loads(capsys.readouterr().out)}
        assert rows["formidable/mobilenetv2"]["weights_at_hand"]


def test_counts_are_those_of_the_recipe_as_it_stands() -> None:
    from smearlab.training.parameter_counts import parameter_count

    kept = load_recipe("formidable/basic")
    wider = load_recipe("formidable/basic", ["head.layers=[49]"])
    more = 96 * 6 * 6 + 1 + 8  # one unit more: a weight for each feature, its bias, a weight to each class
    assert parameter_count(wider).total == parameter_count(kept).total + more


@pytest.mark.slow
def test_kept_counts_are_those_of_the_networks() -> None:
    from smearlab.training.parameter_counts import counts_file, counts_text

    assert counts_file().read_text(encoding="utf-8") == counts_text(anew=True)


def test_every_shipped_recipe_has_a_kept_count() -> None:
    from smearlab.training.parameter_counts import counts_file, counts_text

    told = "the kept counts are behind the recipes; run: make docs"
    assert counts_file().read_text(encoding="utf-8") == counts_text(), told
