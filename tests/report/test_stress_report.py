from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.report import Machine, ModelFacts
from smearlab.report.estimates import Estimate
from smearlab.report.stress_contents import Confusions, CorruptionPictures, Flip, StressReport, SuiteFacts
from smearlab.report.stress_plots import axis_start, magnification_curve, severity_curves
from smearlab.report.stress_report import stress_page, write_stress_report

from .conftest import EVIL, picture
from .html_reader import read_html

SEVERITIES = (1, 3, 5)


def figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def both(value: float) -> dict[str, Any]:
    return {"accuracy": figure(value + 0.01), "balanced_accuracy": figure(value)}


def corruption(value: float, family: str, group: str, *, seen: bool | None) -> dict[str, Any]:
    return {**both(value), "loss": both(0.98 - value), "family": family, "group": group, "seen": seen}


def suite(corruptions: dict[str, Any], *, divided: bool = True) -> dict[str, Any]:
    seen = {"seen": both(0.91), "unseen": both(0.61), "unseen_groups": None, "seen_minus_unseen": both(0.3)}
    return {
        "description": "Blurs and bubbles.",
        "mean": both(0.76),
        "loss": both(0.22),
        "worst_corruption": min(corruptions, key=lambda name: corruptions[name]["accuracy"]["value"]),
        "seen_and_unseen": seen if divided else None,
        "corruptions": corruptions,
    }


def summary() -> dict[str, Any]:
    blood = {
        "motion_blur": corruption(0.91, "blur", "degradation", seen=True),
        "bubble": corruption(0.61, "debris", "occlusion", seen=False),
    }
    scale = {"magnify_x0.5": corruption(0.7, "scale", "geometry", seen=None)}
    training = {"known": True, "seen_families": ["blur"], "unseen_families": ["debris"]}
    return {
        "n": 1200,
        "options": ["--suite", "bloodmnist-c"],
        "clean": both(0.98),
        "training": training,
        "suites": {"bloodmnist-c": suite(blood), "scale": suite(scale, divided=False)},
        "scale": {"factors": {"0.5": both(0.7), "1": both(0.98)}, "largest_loss": both(0.28), "at": 0.5},
    }


def pictures(name: str, flips: int) -> CorruptionPictures:
    seen = [("as it is", picture(0).image), *((f"severity {n}", picture(n).image) for n in SEVERITIES)]
    flipped = [
        Flip(picture(row), picture(row + 50).image, 3, CLASS_NAMES[row % 8], 0.97, CLASS_NAMES[(row + 1) % 8], 0.9)
        for row in range(flips)
    ]
    return CorruptionPictures(name, "family; group", seen, flipped, 10 * flips)


def report(**changes: Any) -> StressReport:
    accuracy = np.array([[0.97, 0.92, 0.85], [0.8, np.nan, 0.42]])
    blood = SuiteFacts("bloodmnist-c", accuracy, SEVERITIES, [pictures("motion_blur", 2), pictures("bubble", 0)])
    scale = SuiteFacts("scale", np.array([[0.7]]), (4,), [pictures("magnify_x0.5", 1)])
    confusion = np.eye(8, dtype=np.int64) * 5
    made = StressReport(
        name="/home/ann/runs/robust",
        data="cells",
        class_names=CLASS_NAMES,
        summary=summary(),
        suites=[blood, scale],
        confusions=Confusions(confusion, "bubble", confusion),
        model=ModelFacts("resnet18", 1000, CLASS_NAMES, "whole"),
        machine=Machine("cpu", 2, 0, seconds={"read": 1.0}),
        notes=[f"A note {EVIL}."],
    )
    return replace(made, **changes)


@pytest.fixture(scope="module")
def html() -> str:
    return stress_page(report()).html()


def test_the_page_is_whole(tmp_path: Path) -> None:
    write_stress_report(tmp_path / "report.html", report())
    reader = read_html((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert not reader.mismatched
    titles = [element.text for element in reader.all("h2")]
    assert titles == [
        *("In short", "bloodmnist-c", "scale", "What is taken for what", "Flipped by bloodmnist-c"),
        *("Flipped by scale", "Model", "To repeat it"),
    ]


def test_it_is_self_contained_and_tells_no_folders(html: str) -> None:
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<script" not in html
    assert "/home/ann" not in html
    assert "smearlab stress robust DATA --suite bloodmnist-c --out OUT" in html


def test_the_headline_holds_the_figures(html: str) -> None:
    for text in (
        *("Balanced accuracy under bloodmnist-c", "As they are", "families trained on", "families not seen"),
        *("Lost at × 0.5", "28.0 points", "1,200"),
    ):
        assert text in html, text
    assert "76.0" in html


def test_the_heat_map_has_a_row_per_corruption_and_a_gap_for_what_was_not_tried(html: str) -> None:
    cells = [element.text for element in read_html(html).all("td")]
    start = cells.index("97.0")
    assert [text for text in cells[start:] if text][:7] == ["97.0", "92.0", "85.0", "80.0", "–", "42.0", "debris"]


def test_flips_stand_side_by_side(html: str) -> None:
    assert "Motion blur: 20 pictures flipped; the 2 most confident wrong answers" in html
    assert "Bubble:" not in html
    assert "→ eosinophil" in html
    assert html.count('class="pair"') == 3


def test_seen_and_unseen_are_told_apart(html: str) -> None:
    assert "Families seen: blur. Not seen: debris." in html
    assert "30.0 (28.0 to 32.0)" in html
    assert "Unseen groups" not in html  # nothing would stand in that column


def test_where_all_is_seen_its_figure_stands_once() -> None:
    content = summary()
    parts = dict.fromkeys(content["suites"]["bloodmnist-c"]["seen_and_unseen"]) | {"seen": both(0.76)}
    content["suites"]["bloodmnist-c"]["seen_and_unseen"] = parts
    page = stress_page(report(summary=content)).html()
    assert "families trained on" not in page
    assert "Seen families" in page
    assert "Unseen families" not in page


def test_suites_that_mix_families_are_not_said_to_have_none() -> None:
    content = summary() | {"training": {"known": True, "seen_families": [], "unseen_families": []}}
    page = stress_page(report(summary=content)).html()
    assert "Each alteration mixes several families" in page
    assert "Families seen" not in page


def test_a_model_that_does_not_tell_gets_a_note_instead() -> None:
    content = summary() | {"training": {"known": False}}
    content["suites"]["bloodmnist-c"]["seen_and_unseen"] = None
    page = stress_page(report(summary=content)).html()
    assert "does not say what it was trained on" in page
    assert "families trained on" not in page


def test_figures_of_medmnist_c_say_that_they_are_indicative() -> None:
    one = {name: figure(0.5) for name in ("balanced_error", "corruption_error", "relative_corruption_error")}
    means = ("mean_corruption_error", "relative_mean_corruption_error", "balanced_error")
    figures: dict[str, Any] = {name: figure(0.7) for name in means}
    figures |= {"corruptions": {"bubble": one | {"alexnet_balanced_error": 0.129}}, "indicative": True}
    page = stress_page(report(summary=summary() | {"medmnist_c": figures})).html()
    assert "only indicative" in page
    assert "Corruption error (AlexNet 1)" in page
    assert "0.129" in page


def test_nothing_flipped_is_good_news() -> None:
    whole = replace(report().suites[0], corruptions=[pictures("bubble", 0), pictures("motion_blur", 0)])
    assert "No picture that is named rightly" in stress_page(report(suites=[whole])).html()


def test_hostile_words_are_escaped(html: str) -> None:
    assert EVIL not in html
    assert "&lt;script&gt;" in html


def test_curves_begin_where_they_can_be_compared() -> None:
    assert axis_start([0.99, 0.93]) == pytest.approx(0.9)
    assert axis_start([0.99, float("nan"), 0.3]) == 0
    plot = severity_curves({"blur": [0.9, float("nan"), 0.8], "noise": [0.9, 0.9, 0.9]}, SEVERITIES, 0.97, "Title", 0.5)
    assert "does not start at 0" in plot.caption
    assert "blur" in plot.block().svg
    curve = magnification_curve({0.5: Estimate(0.8, 0.7, 0.9), 1.0: Estimate(0.97, 0.96, 0.98)})
    assert "× 0.5: 80.0" in curve.alt.replace("\u202f", " ")
    assert curve.block().svg
