"""Trying every recipe of the teams."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from smearlab.__main__ import main
from smearlab.errors import DataError, RecipeError
from smearlab.evaluation import recipe_check
from smearlab.evaluation.recipe_check import Checked, FewPictures, check_recipe, check_recipes, summary
from smearlab.training.recipe_io import load_recipe

TINY = """
name = "tiny"
[framing]
size = 24
crop = "none"
[network]
backbone = "{backbone}"
options = {{ channels = [8, 8, 8, 8] }}
weights = "{weights}"
[[phases]]
trainable = {{ share = 0.0 }}
[[phases]]
epochs = 7
learning_rate = {rate}
trainable = {{ share = 1.0, start_share = 0.1, grow_epochs = 3 }}
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> FewPictures:
    return FewPictures(str(write_cells(tmp_path_factory.mktemp("cells"), per_class=3)))


def write_cells(folder: Path, per_class: int) -> Path:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), per_class)
    images = rng.integers(0, 256, (len(labels), 24, 24, 3), dtype=np.uint8)
    np.savez(folder / "cells.npz", images=images, labels=labels)
    return folder / "cells.npz"


def tiny_recipe(folder: Path, backbone: str = "resnet18", weights: str = "none", rate: str = "1e-3") -> str:
    file = folder / "tiny.toml"
    file.write_text(TINY.format(backbone=backbone, weights=weights, rate=rate), encoding="utf-8")
    return str(file)


class TestOneRecipe:
    def test_it_takes_its_steps(self, pictures: FewPictures, tmp_path: Path) -> None:
        found = check_recipe(tiny_recipe(tmp_path), pictures)
        assert (found.outcome, found.weights, found.note) == ("trained", "from scratch", "")
        assert found.loss is not None
        assert 0 < found.loss < 20
        assert found.parameters > 1000

    def test_weights_that_are_not_at_hand_are_left_random(
        self, pictures: FewPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        found = check_recipe(tiny_recipe(tmp_path, weights="nowhere.pth"), pictures)
        assert (found.outcome, found.weights) == ("trained", "random")

    def test_a_faulty_one_fails_and_says_why(self, pictures: FewPictures, tmp_path: Path) -> None:
        found = check_recipe(tiny_recipe(tmp_path, backbone="resnet1"), pictures)
        assert found.outcome == "failed"
        assert "resnet1" in found.note

    def test_a_loss_that_is_no_number_fails(self, pictures: FewPictures, tmp_path: Path) -> None:
        assert check_recipe(tiny_recipe(tmp_path, rate="1e36"), pictures).outcome == "failed"

    def test_one_too_large_is_built_only(
        self, pictures: FewPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recipe_check, "memory_at_hand", lambda: 1000.0)
        found = check_recipe(tiny_recipe(tmp_path), pictures)
        assert (found.outcome, found.loss) == ("built", None)
        assert found.parameters > 1000
        assert "GiB" in found.note


class TestPictures:
    def test_one_of_each_class_is_trained_on_and_another_validates(self, pictures: FewPictures) -> None:
        recipe = load_recipe("formidable/basic", ["framing.size=24"])
        data = pictures.data(recipe)
        assert data.labels[data.train].tolist() == list(range(8))
        assert data.labels[data.validation].tolist() == list(range(8))
        assert not set(data.train) & set(data.validation)
        assert data.images.shape == (16, 24, 24, 3)

    def test_a_class_of_one_picture_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="fewer than two pictures of basophil"):
            FewPictures(str(write_cells(tmp_path, per_class=1)))


class TestAll:
    def checked(self, monkeypatch: pytest.MonkeyPatch, failing: str = "") -> None:
        def check(name: str, _: FewPictures) -> Checked:
            return Checked(name, "failed" if name == failing else "trained", "from scratch", 10, 1.0, 0.1)

        monkeypatch.setattr(recipe_check, "check_recipe", check)

    def test_45_of_45_are_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        self.checked(monkeypatch)
        assert main(["recipes", str(write_cells(tmp_path, 2)), "--check"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 46
        assert lines[-1] == "45 of 45 recipes work: all took a training step."

    def test_a_failure_is_status_1(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        self.checked(monkeypatch, failing="m2g/final")
        with pytest.raises(SystemExit) as ended:
            main(["recipes", str(write_cells(tmp_path, 2)), "--check"])
        assert ended.value.code == 1
        assert capsys.readouterr().out.splitlines()[-1].startswith("44 of 45 recipes work")

    def test_as_json(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.checked(monkeypatch)
        told: list[str] = []
        assert check_recipes(str(write_cells(tmp_path, 2)), team="november", as_json=True, tell=told.append)
        assert [row["outcome"] for row in json.loads("".join(told))] == ["trained"] * 7

    def test_an_unknown_team_is_told_before_anything_is_read(self) -> None:
        with pytest.raises(RecipeError, match="no team"):
            check_recipes("there is no such file", team="nobody")


def test_the_summary_tells_what_is_missing() -> None:
    rows = [
        Checked("a/1", "trained", "random"),
        Checked("a/2", "built", "random", note="takes about 9 GiB"),
        Checked("a/3", "failed", note="RecipeError: no"),
    ]
    assert summary(rows).splitlines() == [
        "a/2: takes about 9 GiB",
        "a/3: RecipeError: no",
        "2 started from random weights, because those they want are not at hand.",
        "2 of 3 recipes work: 1 took a training step, 1 was built only.",
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # networks of up to 350 million weights, on whatever cores there are
def test_all_45_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--check"]) == 0
    assert "45 of 45 recipes work" in capsys.readouterr().out
