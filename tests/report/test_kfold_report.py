"""The page of a cross-validation: means with their spread, folds that lack a figure, and plots of all folds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.report.conftest import history, result
from tests.report.html_reader import read_html

from smearlab.report.blocks import Table
from smearlab.report.contents import DataFacts, Machine
from smearlab.report.estimates import Estimate
from smearlab.report.kfold_plots import fold_curves
from smearlab.report.kfold_report import FoldFacts, KFoldReport, OverFolds, kfold_page, write_kfold_report
from smearlab.report.text import THIN

NAMES = ("basophil", "monocyte", "platelet")


def over(value: float, sd: float = 0.02, folds: tuple[float, ...] = (0.88, 0.92)) -> OverFolds:
    return OverFolds(Estimate(value, value - 0.05, value + 0.05), sd, folds)


def report() -> KFoldReport:
    counts = {"train": 60, "validation": 10, "test": 30}
    folds = [
        FoldFacts(f"fold-{number}", counts, result(NAMES), history(), 2, "No picture crosses a border.", 65.0)
        for number in (1, 2)
    ]
    figures = {"balanced_accuracy": over(0.9), "accuracy": over(0.91), "macro_precision": over(0.9)}
    figures |= {"macro_f1": over(0.89), "macro_auc": over(0.95), "ece": over(0.03), "nll": over(0.4)}
    unknown = OverFolds(Estimate(math.nan), math.nan, (math.nan, math.nan))
    by_class = {name: dict.fromkeys(("precision", "recall", "f1"), over(0.9)) for name in NAMES[:2]}
    by_class["platelet"] = dict.fromkeys(("precision", "recall", "f1"), unknown)
    return KFoldReport(
        data=DataFacts("pbc96", NAMES, {"fold 1": [10, 10, 10], "fold 2": [10, 10, 10]}),
        network="resnet18",
        figures=figures,
        by_class=by_class,
        folds=folds,
        together=result(NAMES),
        untested=3,
        mistakes=(),
        mistake_count=0,
        machine=Machine("cpu", 2),
        recipe_name="quick",
        recipe_toml='name = "quick"',
        notes=("Two folds say little.",),
    )


@pytest.mark.parametrize(
    ("figure", "as_percent", "text"),
    [
        (over(0.9), True, f"90.0{THIN}±{THIN}2.0{THIN}%"),
        (over(0.4, 0.015), False, f"0.400{THIN}±{THIN}0.015"),
        (over(0.9, math.nan), True, f"90.0{THIN}%"),
        (OverFolds(Estimate(math.nan), math.nan, ()), True, "–"),
    ],
)
def test_means_stand_with_their_spread(figure: OverFolds, as_percent: bool, text: str) -> None:
    assert figure.text(as_percent=as_percent) == text


def test_the_page_shows_folds_and_notes(tmp_path: Path) -> None:
    write_kfold_report(tmp_path / "report.html", report())
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not read_html(html).mismatched
    for words in ("Two folds say little.", "3 pictures could not be tested", f"90.0{THIN}±{THIN}2.0", f"1{THIN}min"):
        assert words in html
    assert {path.name for path in tmp_path.iterdir()} >= {"figures.csv", "confusion_out_of_fold.csv"}


def test_folds_of_different_length_and_without_validation_are_drawn() -> None:
    plain = [{"epoch": number, "train_loss": 1.0, "validation_loss": None} for number in (1, 2, 3)]
    plots = fold_curves([history(), plain])
    assert [plot.title for plot in plots] == ["Loss", "Accuracy"]
    assert "of 2 folds" in plots[0].alt
    assert "<svg" in plots[0].block().svg
    assert fold_curves([[], []]) == []


def test_what_is_not_known_is_a_dash() -> None:
    classes = next(section for section in kfold_page(report()).sections if section.title == "Class by class")
    (table, *_) = classes.blocks
    assert isinstance(table, Table)
    assert table.rows[2][1] == "–"
