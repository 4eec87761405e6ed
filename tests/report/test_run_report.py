from __future__ import annotations

import csv
import html as html_module
import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smearlab.report import DataFacts, Machine, ModelFacts, PartResult, RunReport, write_run_report
from smearlab.report.run_report import lead, run_page

from .conftest import EVIL, picture
from .html_reader import read_html


@pytest.fixture
def html(report: RunReport, tmp_path: Path) -> str:
    write_run_report(tmp_path / "report.html", report)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_is_well_formed(html: str) -> None:
    reader = read_html(html)
    assert not reader.mismatched
    assert not reader.unclosed
    ids = [element.attributes["id"] for element in reader.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_outside(html: str) -> None:
    reader = read_html(html)
    assert not reader.all("script", "iframe", "object", "embed", "base")
    for element in reader.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            target = element.attributes.get(name, "#")
            assert target.startswith(("#", "data:")), f"<{element.tag} {name}={target[:60]}>"
    assert not re.search(r"url\((?!#)", html)


def test_inner_links_lead_somewhere(html: str) -> None:
    reader = read_html(html)
    ids = {element.attributes["id"] for element in reader.elements if "id" in element.attributes}
    targets = {
        element.attributes["href"][1:] for element in reader.elements if element.attributes.get("href", "")[:1] == "#"
    }
    assert targets <= ids
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= ids


def test_accessible(html: str) -> None:
    reader = read_html(html)
    assert all(element.attributes.get("alt") for element in reader.all("img"))
    assert len(reader.all("h1")) == len(reader.all("main")) == 1
    assert len(reader.all("caption")) == len(reader.all("table"))
    levels = [int(element.tag[1]) for element in reader.all("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    scrolled = [element for element in reader.all("div") if element.attributes.get("class") == "scroll"]
    assert all(element.attributes["tabindex"] == "0" and element.attributes["aria-label"] for element in scrolled)
    assert reader.all("html")[0].attributes["lang"] == "en"


def test_no_absolute_path_is_shown(html: str) -> None:
    assert "secret" not in html
    assert "/home" not in html
    for kept in ("broken.png", "cells.npz", "cell_3.png", "--model cells-quick"):
        assert kept in html


def test_shows_what_was_asked_for(html: str) -> None:
    for text in (
        "Balanced accuracy on test pictures", "94.0–96.0", "Macro AUC", "Calibration error", "1 min 2", "1.53",
        "What is taken for what", "Train: 73 pictures", "labelled basophil, named eosinophil", "98.7", "of 5 mistakes",
        "Same pixels", "No duplicate crosses a border.", "1 picture could not be read", "Learning rate", "head",
        "float32", "seed = 0", "numpy 2.0", "smearlab predict", "One thing to know.", "immature granulocyte",
    ):  # fmt: skip
        assert text in html.replace("\u202f", " "), text


def test_names_that_are_code_stay_text(make_report: Callable[..., RunReport], tmp_path: Path) -> None:
    names = (EVIL, "$\\frac{x", 'a"b<c>&d', "好的细胞")
    report = make_report(names, EVIL)
    example = replace(picture(9), source=f"{EVIL}.png")
    data = replace(report.data, examples={EVIL: [example]}, split=EVIL, leakage=EVIL, leakage_ok=False)
    machine = replace(report.machine, versions={EVIL: EVIL})
    write_run_report(tmp_path / "r.html", replace(report, data=data, machine=machine, name=EVIL, recipe_toml=EVIL))
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    reader = read_html(html)
    assert not reader.all("script")
    assert "<script" not in html
    assert not reader.mismatched
    assert "好的细胞" in html


def test_size_stays_small(make_report: Callable[..., RunReport], tmp_path: Path) -> None:
    report = make_report()
    many = [picture(seed, 300) for seed in range(40)]
    data = replace(report.data, examples=dict.fromkeys(report.data.class_names, many))
    write_run_report(tmp_path / "r.html", replace(report, data=data, mistakes=list(report.mistakes) * 500))
    # Noise is the worst case: real pictures take a sixth of it.
    assert (tmp_path / "r.html").stat().st_size < 9_000_000
    images = read_html((tmp_path / "r.html").read_text(encoding="utf-8")).all("img")
    assert len(images) <= 240 + 36 + 2


def test_same_report_gives_the_same_page(report: RunReport) -> None:
    assert run_page(report).html() == run_page(report).html()


def test_bare_report_without_results_or_history() -> None:
    data = DataFacts("cells", ("a", "b"), {"train": [3, 4]})
    html = run_page(RunReport("r", data, {}, ModelFacts("cnn", 10, ("a", "b"), "none"), Machine("cpu", 1))).html()
    reader = read_html(html)
    assert [element.text for element in reader.all("h2")] == ["Data", "Model", "Use it", "To repeat it"]


def test_without_test_part_validation_is_the_headline(report: RunReport) -> None:
    results = {"validation": report.results["validation"]}
    html = run_page(replace(report, results=results)).html()
    assert "Balanced accuracy on validation pictures" in html
    assert "it had never seen" not in html


def test_unknown_figures_are_dashes_and_empty_classes_do_no_harm(report: RunReport) -> None:
    nothing = {"value": math.nan, "low": math.nan, "high": math.nan}
    metrics = dict(report.results["test"].metrics)
    metrics["macro_auc"] = None
    metrics["per_class"] = {"basophil": {"precision": nothing, "recall": nothing, "f1": nothing, "support": 0}}
    confusion = np.zeros((8, 8), np.int64)
    html = run_page(replace(report, results={"test": PartResult(metrics, confusion)})).html()
    assert "Macro AUC" not in html
    assert "nan" not in html.lower().replace("finance", "")


def test_no_mistake_is_said(report: RunReport) -> None:
    praise = "Every one of the test pictures was named rightly."
    assert praise in run_page(replace(report, mistakes=(), mistake_count=0)).html()
    assert praise not in run_page(replace(report, mistakes=(), mistake_count=None)).html()


def test_leak_is_said_at_the_top(report: RunReport) -> None:
    data = replace(report.data, leakage="3 pairs cross.", leakage_ok=False)
    page = run_page(replace(report, data=data))
    assert any("3 pairs cross." in getattr(block, "text", "") for block in page.remarks)
    assert "Copies stay in the same part" not in page.html()


def test_lead_counts_the_parts(report: RunReport) -> None:
    assert lead(report, "test") == (
        "mobilenetv3_small learned 8 cell types from 576 pictures in 5 epochs by the recipe “quick”. "
        "64 others chose the weights to keep, and it was measured on 160 that it had never seen."
    )
    assert "64 others were watched meanwhile, and it was measured on" in lead(replace(report, chosen=False), "test")


def test_csv_files_hold_the_figures(report: RunReport, tmp_path: Path) -> None:
    write_run_report(tmp_path / "report.html", report)

    def rows(name: str) -> list[list[str]]:
        return list(csv.reader((tmp_path / name).read_text(encoding="utf-8").splitlines()))

    figures = rows("figures.csv")
    assert figures[0] == ["part", "metric", "value", "low", "high"]
    assert ["test", "balanced_accuracy", "0.950000", "0.940000", "0.960000"] in figures
    per_class = rows("per_class.csv")
    assert len(per_class) == 1 + 3 * 8
    assert per_class[0][:6] == ["part", "class", "support", "precision", "precision_low", "precision_high"]
    confusion = rows("confusion_test.csv")
    assert confusion[0] == ["true", *report.data.class_names]
    assert confusion[1][:3] == ["basophil", "9", "1"]
    assert {path.name for path in tmp_path.glob("confusion_*")} == {f"confusion_{p}.csv" for p in report.results}


def code_of(report: RunReport) -> str:
    return html_module.unescape(run_page(report).html())


def test_commands_name_the_run_as_the_user_gave_it(report: RunReport) -> None:
    shown = code_of(replace(report, name="runs/pbc96"))
    for text in (
        "--model runs/pbc96 --out",
        "evaluate runs/pbc96 DATA",
        'Predictor.load("runs/pbc96")',
        "holds runs/pbc96",
    ):
        assert text in shown
    assert "--model '../my runs/a' --out" in code_of(replace(report, name="../my runs/a"))
    absolute = code_of(replace(report, name="/home/ann/runs/pbc96"))
    assert 'Predictor.load("pbc96")' in absolute
    assert "in the folder that holds pbc96" in absolute
    default = code_of(replace(report, name="default"))
    assert 'Predictor.load("default")' in default
    assert "in the folder that holds" not in default
