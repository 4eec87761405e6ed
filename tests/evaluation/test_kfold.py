"""A cross-validation from pictures to page: what it writes, whether its figures are right, that it can go on."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.report.html_reader import read_html
from tests.training.folders import write_class_folders
from tests.training.tiny_training import BASE

from smearlab.data.cells import Cells
from smearlab.data.split import Split
from smearlab.errors import SplitError, TrainingError, TrainingInterrupted
from smearlab.evaluation import kfold
from smearlab.evaluation.compare import compare
from smearlab.evaluation.kfold import CrossValidation, cross_validate, printed
from smearlab.networks.build import CellNetwork
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.run_folder import Run
from smearlab.training.train import Trained, train_model

SHORT = ("split.train=0.6", "split.validation=0.1", "phases.0.epochs=2", "data.near_duplicates=false")
RECIPE = load_recipe(BASE, [*SHORT, "robustness.pictures=0", "phases.0.learning_rate=0.02"])


def run(
    data: Path, out: Path, *, recipe: Recipe | None = RECIPE, resume: bool = False, keep_models: bool = True
) -> CrossValidation:
    found = cross_validate(data, out, recipe=recipe, folds=3, resume=resume, keep_models=keep_models)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("cells"), per_class=12, size=24)


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    return run(data, tmp_path_factory.mktemp("kfold") / "cv")


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_fold_is_a_whole_run(done: CrossValidation) -> None:
    for number in (1, 2, 3):
        run = Run(done.folder / f"fold-{number}")
        assert run.is_finished()
        assert not run.checkpoints.exists()
        assert load_recipe(run.recipe).split.fold == number - 1
    own = {"recipe.toml", "predictions.csv", "kfold.json", "report.html", "figures.csv", "per_class.csv"}
    assert own <= {path.name for path in done.folder.iterdir()}


def test_each_picture_is_answered_by_the_fold_that_did_not_learn_it(done: CrossValidation) -> None:
    lines = lines_of(done.folder / "predictions.csv")
    assert [int(line["row"]) for line in lines] == list(range(36))
    assert list(lines[0])[:6] == ["row", "source", "split", "true_label", "label", "confidence"]
    assert list(lines[0])[6:] == ["p_basophil", "p_eosinophil", "p_erythroblast", "fold"]
    for number in (1, 2, 3):
        of_fold = {line["row"]: line for line in lines_of(done.folder / f"fold-{number}" / "predictions.csv")}
        mine = [line for line in lines if line["fold"] == str(number)]
        assert len(mine) == 12
        for line in mine:
            theirs = of_fold[line["row"]]
            assert theirs["split"] == line["split"] == "test"
            assert all(line[name] == value for name, value in theirs.items())


def test_figures_are_means_over_the_folds(done: CrossValidation) -> None:
    content = json.loads((done.folder / "kfold.json").read_text(encoding="utf-8"))
    folds = [json.loads((done.folder / f"fold-{n}" / "metrics.json").read_text())["parts"]["test"] for n in (1, 2, 3)]
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "ece"):
        values = [fold[name]["value"] for fold in folds]
        figure = content["figures"][name]
        assert figure["folds"] == values
        assert figure["mean"] == pytest.approx(np.mean(values))
        assert figure["sd"] == pytest.approx(np.std(values, ddof=1))
    recalls = [fold["per_class"]["eosinophil"]["recall"]["value"] for fold in folds]
    assert content["per_class"]["eosinophil"]["recall"]["mean"] == pytest.approx(np.mean(recalls))
    assert content["pictures"] == {"tested": 36, "not_tested": 0}
    assert [one["folder"] for one in content["runs"]] == ["fold-1", "fold-2", "fold-3"]


def test_all_answers_together_are_measured_too(done: CrossValidation) -> None:
    lines = lines_of(done.folder / "predictions.csv")
    right = np.mean([line["label"] == line["true_label"] for line in lines])
    assert done.together["accuracy"]["value"] == pytest.approx(right)
    assert np.sum(done.together["confusion"]) == 36


def test_the_page_shows_all_folds(done: CrossValidation) -> None:
    html = (done.folder / "report.html").read_text(encoding="utf-8")
    page = read_html(html)
    assert not page.mismatched
    titles = [element.text for element in page.all("h2")]
    assert titles[:5] == ["Figures", "What is taken for what", "Class by class", "Fold by fold", "Training"]
    assert html.count("A thin line for each fold") == 2
    assert len(page.all("svg")) >= 6


def test_the_printed_table_names_every_figure(done: CrossValidation) -> None:
    text = printed(done)
    assert text.startswith("3 folds, 36 pictures tested once:")
    assert "balanced_accuracy" in text
    assert "±" in text


def test_two_cross_validations_can_be_compared(done: CrossValidation, tmp_path: Path) -> None:
    shutil.copytree(done.folder, tmp_path / "other")
    found = compare([done.folder, tmp_path / "other"])
    assert found.pictures == 36
    assert found.rows[1]["difference"]["value"] == 0


def test_finished_folds_are_not_done_again(
    done: CrossValidation, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "cv"
    shutil.copytree(done.folder, out)
    shutil.rmtree(out / "fold-2")
    (out / "report.html").unlink()
    begun: list[str] = []

    def noted(network: CellNetwork, cells: Cells, split: Split, recipe: Recipe, run: Run) -> Trained | None:
        begun.append(run.path.name)
        return train_model(network, cells, split, recipe, run)

    monkeypatch.setattr(kfold, "train_model", noted)
    again = run(data, out, recipe=None, resume=True, keep_models=False)
    assert begun == ["fold-2"]
    assert again.figures == done.figures
    assert (out / "predictions.csv").read_bytes() == (done.folder / "predictions.csv").read_bytes()
    assert not list(out.glob("*/model"))


@pytest.mark.slow
def test_a_stopped_fold_goes_on_from_its_checkpoint(
    done: CrossValidation, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, epochs = tmp_path / "cv", []

    class Stopped(Exception):
        pass

    def stop_in_the_second_fold(self: Run, rows: list[dict[str, object]]) -> None:
        epochs.append((self.path.name, len(rows)))
        if self.path.name == "fold-2" and len(rows) == 1:
            raise TrainingInterrupted("Stopped.") if len(epochs) == 3 else Stopped

    monkeypatch.setattr(Run, "write_history", stop_in_the_second_fold)
    with pytest.raises(TrainingInterrupted, match="Fold 2 of 3: Stopped"):
        run(data, out)
    assert (out / "fold-2" / "checkpoints" / "last.pt").is_file()
    monkeypatch.undo()
    again = run(data, out, recipe=None, resume=True)
    assert again.figures == done.figures


class TestMistakes:
    def test_a_finished_one_is_not_written_over(self, done: CrossValidation, data: Path) -> None:
        with pytest.raises(TrainingError, match="Add --resume"):
            run(data, done.folder)

    def test_another_recipe_is_not_resumed(self, done: CrossValidation, data: Path) -> None:
        with pytest.raises(TrainingError, match="differs in: seed"):
            run(data, done.folder, recipe=load_recipe(RECIPE, ["seed=4"]), resume=True)

    def test_another_number_of_folds_is_not_resumed(self, done: CrossValidation, data: Path) -> None:
        with pytest.raises(TrainingError, match="differs in: split"):
            cross_validate(data, done.folder, folds=4, resume=True)

    def test_one_fold_is_none(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(SplitError, match="--folds 1"):
            cross_validate(data, tmp_path / "cv", folds=1)

    def test_other_data_are_told(self, done: CrossValidation, tmp_path: Path) -> None:
        (tmp_path / done.cells.name).mkdir()
        other = write_class_folders(tmp_path / done.cells.name, per_class=11, size=24)
        with pytest.raises(TrainingError, match="36 pictures"):
            run(other, done.folder, recipe=None, resume=True)
