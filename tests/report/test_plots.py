from __future__ import annotations

import builtins
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from smearlab.errors import MissingExtraError
from smearlab.report import plots
from smearlab.report.curves import phases, training_curves
from smearlab.report.drawing import LIGHT, PLACEHOLDERS
from smearlab.report.estimates import Estimate

from .conftest import history

NAMES = ("basophil", "my_class")


def every_plot() -> list[plots.Plot]:
    confidence = np.linspace(0, 1, 50)
    return [
        plots.class_distribution(NAMES, {"train": [7, 5], "test": [2, 0]}),
        plots.per_class_intervals(NAMES, {"recall": [Estimate(0.9, 0.8, 0.95), Estimate(1.0)]}),
        plots.reliability(confidence, confidence > 0.5),
        plots.confusion_plot(np.array([[5, 1], [0, 1234]]), NAMES),
        plots.heat_map(("blur", "noise"), ("1", "2", "3"), np.array([[0.9, 0.5, np.nan], [0.8, 0.1, 0.0]])),
        *training_curves(history(), best_epoch=4),
    ]


@pytest.mark.parametrize("plot", every_plot(), ids=lambda plot: f"{plot.title}")
def test_svg_takes_colours_and_fonts_from_the_page(plot: plots.Plot) -> None:
    svg = str(plot.block().svg)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib
    assert "width" not in root.attrib
    assert "var(--" in svg
    assert "DejaVu" not in svg
    assert not any(colour in svg for colour in vars(PLACEHOLDERS).values())
    # Colours of its own would be wrong in one of the two themes.
    assert not set(re.findall(r"#[0-9a-f]{6}\b", svg)) - {"#ffffff", "#000000"}
    assert "<text" in svg or "text" in {element.tag.split("}")[-1] for element in root.iter()}
    assert plot.alt


def test_ids_of_two_plots_differ() -> None:
    ids = [set(re.findall(r'\bid="([^"]+)"', str(plot.block().svg))) for plot in every_plot()[:3]]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]


def test_distribution_names_classes_and_counts() -> None:
    plot = plots.class_distribution(NAMES, {"train": [7000, 5], "test": [2, 0]})
    svg = str(plot.block().svg)
    assert "7,002" in svg
    assert "my class" in svg
    assert plot.alt == "Pictures per class: basophil 7,002, my class 5"


def test_one_part_needs_no_legend() -> None:
    assert "pictures</text>" not in str(plots.class_distribution(NAMES, {"pictures": [7, 5]}).block().svg)


@pytest.mark.parametrize(("low", "starts_at_0"), [(0.0, True), (0.02, True), (0.31, False), (0.95, False)])
def test_an_axis_that_does_not_start_at_0_says_so(low: float, starts_at_0: bool) -> None:
    values = [Estimate(0.97, low, 1.0), Estimate(0.96, 0.95, 0.99)]
    plot = plots.per_class_intervals(NAMES, {"recall": values})
    assert ("0 %" in re.findall(r">([\d.]+ %)<", str(plot.block().svg))) == starts_at_0
    assert ("does not start at 0" in plot.caption) == (not starts_at_0)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_save_writes_a_light_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"heat{suffix}"
    plots.heat_map(("blur",), ("1", "2"), np.array([[0.9, 0.5]])).save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    if suffix == ".png":
        assert Image.open(path).convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    if suffix == ".svg":
        assert LIGHT.first in path.read_text(encoding="utf-8")


def test_wilson_interval_against_the_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263.
    low, high = plots.wilson(np.array([81 / 263]), np.array([263]))
    assert low[0] == pytest.approx(0.2553, abs=1e-4)
    assert high[0] == pytest.approx(0.3662, abs=1e-4)


def test_wilson_stays_between_0_and_1() -> None:
    low, high = plots.wilson(np.array([0.0, 1.0]), np.array([1, 3]))
    assert (low >= -1e-12).all()
    assert (high <= 1 + 1e-12).all()


def test_phases_are_found_and_named() -> None:
    assert phases(history()) == [("head", 1), ("all", 3)]
    loss = str(training_curves(history())[0].block().svg)
    assert ">head<" in loss
    assert ">all<" in loss


def test_history_with_holes_draws_what_is_there() -> None:
    rows: list[dict[str, Any]] = [{"epoch": 1, "train_loss": 1.0, "validation_loss": float("nan")}, {"epoch": 2}]
    drawn = training_curves(rows)
    assert [plot.title for plot in drawn] == ["Loss"]
    assert "validation" not in drawn[0].alt
    assert training_curves([]) == []


def test_one_epoch_is_drawn_as_a_point() -> None:
    assert all(plot.block().svg for plot in training_curves(history()[:1]))


def test_global_settings_and_pyplot_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda plot: str(plot.block().svg), every_plot()[:4] * 2))
    assert drawn[:4] == drawn[4:]
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def refuse(name: str, *args: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"smearlab\[train\]"):
        plots.class_distribution(NAMES, {"train": [1, 2]}).block()
