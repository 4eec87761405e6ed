"""The whole way on a small folder of class folders."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smearlab.errors import RecipeError, SmearlabError, TrainingError
from smearlab.inference.model_folder import read_model_folder
from smearlab.inference.predictor import Predictor
from smearlab.pipeline import default_folder, run
from smearlab.training.choosing import choose_recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run

RECIPE = """
name = "small"
description = "Three colours."
[framing]
size = 24
[split]
train = 0.6
validation = 0.2
test = 0.2
[augment]
policy = "geometry"
[network]
backbone = "resnet18"
options = { channels = [8, 8, 8, 8], layers = [1, 1, 1, 1] }
[precision]
mode = "float32"
[[phases]]
epochs = 4
batch_size = 12
min_steps_per_epoch = 8
learning_rate = 0.01
"""
COLOURS = {"Basophils": (150, 60, 60), "IG": (60, 150, 60), "monocyte": (60, 60, 150)}
PER_CLASS = 15


def write_cells(folder: Path) -> Path:
    """Write 45 noisy pictures, a copy of one, and one that cannot be read."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(PER_CLASS):
            picture = np.clip(rng.normal(colour, 40, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number:02}.png")
    (folder / "IG" / "99.png").write_bytes((folder / "IG" / "03.png").read_bytes())
    (folder / "monocyte" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pipeline")
    write_cells(root / "cells")
    (root / "small.toml").write_text(RECIPE, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def finished(root: Path) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return run("cells", recipe="small.toml", overrides=["seed=5"])


def metrics(folder: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(folder.metrics.read_text())
    return content


class TestRun:
    def test_the_run_folder_is_whole(self, finished: Run) -> None:
        assert finished.path == Path("runs", "cells")

    def test_its_files_are_those_of_the_design(self, root: Path, finished: Run) -> None:
        here = root / finished.path
        names = {path.name for path in here.iterdir()}
        assert {"recipe.toml", "split.json", "history.jsonl", "model", "predictions.csv", "metrics.json"} <= names
        assert {"report.html", "figures.csv", "per_class.csv"} <= names
        assert "checkpoints" not in names
        model = {path.name for path in (here / "model").iterdir()}
        assert model == {"model.onnx", "weights.safetensors", "trust.safetensors", "model.json"}
        assert not [path for path in here.rglob("*") if "tmp" in path.name]

    def test_the_recipe_is_the_one_that_was_used(self, root: Path, finished: Run) -> None:
        kept = load_recipe(root / finished.recipe)
        assert kept == load_recipe(root / "small.toml", ["seed=5", "data.source=cells"])

    def test_the_figures_are_all_there(self, root: Path, finished: Run) -> None:
        content = metrics(Run(root / finished.path))
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "ece", "macro_precision", "macro_recall"):
            assert set(content[name]) >= {"value", "low", "high"}
        assert set(content["per_class"]) == {"basophil", "immature_granulocyte", "monocyte"}
        assert set(content["parts"]) == {"train", "validation", "test"}
        assert content["part"] == "test"
        assert content["accuracy"] == content["parts"]["test"]["accuracy"]
        assert content["pictures"]["dropped"] == 1
        assert sum(content["pictures"].values()) == 3 * PER_CLASS + 1
        assert (content["unreadable"], content["seed"], content["precision"]) == (1, 5, "float32")
        assert content["parts"]["train"]["balanced_accuracy"]["value"] > 0.6
        robustness = content["robustness"]
        assert robustness["clean"]["accuracy"]["value"] == pytest.approx(content["accuracy"]["value"])
        assert {row["seen"] for row in robustness["conditions"]} == {True, False}

    def test_the_model_tells_its_own_figures(self, root: Path, finished: Run) -> None:
        figures = read_model_folder(root / finished.model).info.provenance.figures
        content = metrics(Run(root / finished.path))["parts"]["test"]
        assert len(figures) == 12
        for name in ("balanced_accuracy", "accuracy", "macro_f1", "ece"):
            told = [figures[f"test_{name}{end}"] for end in ("", "_low", "_high")]
            assert told == [content[name][key] for key in ("value", "low", "high")]

    def test_every_readable_picture_has_its_line(self, root: Path, finished: Run) -> None:
        with (root / finished.predictions).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 3 * PER_CLASS + 1
        assert [row["split"] for row in rows if row["source"] == "IG/99.png"] == ["dropped"]
        assert {row["split"] for row in rows} == {"train", "validation", "test", "dropped"}
        numbers = [int(row["row"]) for row in rows]
        assert numbers == sorted(set(numbers))
        test = [row for row in rows if row["split"] == "test"]
        right = sum(row["label"] == row["true_label"] for row in test) / len(test)
        assert right == pytest.approx(metrics(Run(root / finished.path))["accuracy"]["value"])

    def test_the_model_works_alone(self, root: Path, finished: Run) -> None:
        predictor = Predictor.load(root / finished.path)
        picture = np.asarray(Image.open(root / "cells" / "IG" / "00.png"))
        assert predictor.predict(picture).class_names == ("basophil", "immature_granulocyte", "monocyte")

    def test_the_report_tells_of_the_copy_and_the_unreadable_picture(self, root: Path, finished: Run) -> None:
        page = (root / finished.report).read_text(encoding="utf-8")
        assert "bad.png" in page
        assert "1 exact copies were left out" in page
        assert "http://" not in page.replace("http://www.w3.org", "")

    def test_resuming_a_finished_run_does_nothing(
        self, root: Path, finished: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(root)
        monkeypatch.setattr("smearlab.pipeline.read", pytest.fail)
        before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}
        assert run("cells", resume=True) == finished
        assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")} == before
        assert "finished already" in capsys.readouterr().err

    def test_a_finished_run_is_not_overwritten(self, root: Path, finished: Run) -> None:
        with pytest.raises(TrainingError, match="already exists and is not empty"):
            run(root / "cells", recipe=root / "small.toml", out=root / finished.path)


class TestMistakes:
    def test_a_bad_recipe_leaves_no_folder(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError):
            run(root / "cells", recipe=root / "small.toml", out=tmp_path / "out", overrides=["sede=1"])
        assert not (tmp_path / "out").exists()

    def test_nothing_to_resume_is_told(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="holds no run to resume"):
            run(root / "cells", out=tmp_path / "out", resume=True)

    def test_missing_data_can_be_tried_again_with_the_same_out(self, root: Path, tmp_path: Path) -> None:
        for _ in range(2):
            with pytest.raises(SmearlabError, match="nowhere"):
                run(tmp_path / "nowhere", recipe=root / "small.toml", out=tmp_path / "out")

    def test_a_wrong_network_leaves_nothing_behind(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="resnet99"):
            run(
                root / "cells",
                recipe=root / "small.toml",
                out=tmp_path / "out",
                overrides=["network.backbone=resnet99"],
            )
        assert not (tmp_path / "out").exists()

    def test_a_refused_resume_changes_nothing(self, root: Path, finished: Run) -> None:
        folder = Run(root / finished.path)
        before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
        with pytest.raises(TrainingError, match="data"):
            run("demo", out=folder.path, resume=True)
        with pytest.raises(TrainingError, match="seed"):
            run(root / "cells", out=folder.path, resume=True, overrides=["seed=6"])
        assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


class TestChoosing:
    @pytest.mark.parametrize(("data", "name"), [("demo", "quick"), ("cells.npz", "standard")])
    def test_the_recipe_made_for_this_kind_of_data(self, tmp_path: Path, data: str, name: str) -> None:
        chosen = choose_recipe(data, None, (), Run(tmp_path), resume=False)
        assert chosen == load_recipe(name, [f"data.source={data}"])

    def test_the_runs_own_recipe_when_resuming(self, root: Path, finished: Run) -> None:
        folder = Run(root / finished.path)
        assert choose_recipe("cells", None, (), folder, resume=True) == load_recipe(folder.recipe)
        assert choose_recipe("cells", "quick", ["seed=9"], folder, resume=True).seed == 9


class TestDefaultFolder:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            ("demo", "demo"),
            ("/some/where/cells.npz", "cells"),
            ("cells/", "cells"),
            ("bloodmnist:64", "bloodmnist-64"),
            (".", "cells"),
        ],
    )
    def test_named_after_the_data(self, data: str, name: str) -> None:
        assert default_folder(data, resume=False) == Path("runs", name)

    @pytest.mark.parametrize(
        ("taken", "new", "latest"),
        [
            (["pbc"], "pbc.run2", "pbc"),
            (["pbc", "pbc.run2"], "pbc.run3", "pbc.run2"),
            (["pbc", "pbc.run9", "pbc.run10"], "pbc.run11", "pbc.run10"),
            (["pbc.run4"], "pbc.run5", "pbc.run4"),
            (["pbc", "pbc96", "pbc-64", "pbc.run2.old", "pbc.runs"], "pbc.run2", "pbc"),
        ],
    )
    def test_numbered_where_it_is_taken(self, taken: list[str], new: str, latest: str) -> None:
        for name in taken:
            Path("runs", name).mkdir(parents=True)
        assert default_folder("pbc.parquet", resume=False) == Path("runs", new)
        assert default_folder("pbc.parquet", resume=True) == Path("runs", latest)

    def test_names_with_brackets_are_plain_names(self) -> None:
        Path("runs", "set[1]").mkdir(parents=True)
        assert default_folder("set[1].npz", resume=False) == Path("runs", "set[1].run2")

    def test_nothing_to_resume_is_told(self) -> None:
        Path("runs", "pbc96").mkdir(parents=True)
        with pytest.raises(TrainingError, match="no run of pbc under runs/"):
            default_folder("pbc.parquet", resume=True)
