"""What the benchmarks share: the results file, and taking turns with other processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.machine import spread
from benchmarks.results import markdown_table, replaced, write_section
from benchmarks.turns import Contender, Job, Stopwatch


def test_a_section_is_replaced_and_the_others_stay() -> None:
    document = replaced(replaced("# Results\n", "Reading", "old"), "Start-up", "other")
    assert replaced(document, "Reading", r"new \1") == "# Results\n\n## Reading\n\nnew \\1\n\n## Start-up\n\nother\n"


def test_writing_twice_leaves_one_section(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    for body in ("first", "second"):
        write_section("Reading", body, ["numpy"], path)
    text = path.read_text(encoding="utf-8")
    assert text.count("## Reading") == 1
    assert "first" not in text
    assert "second" in text
    assert "numpy 2" in text or "numpy 1" in text


def test_figures_are_set_to_the_right() -> None:
    assert markdown_table(["what", "s"], [["a", "1"]]) == "| what | s |\n| :-- | --: |\n| a | 1 |"


def test_spread_is_median_least_and_greatest() -> None:
    assert spread([3.0, 1.0, 8.0], 1) == "3.0 (1.0–8.0)"


def test_a_stopwatch_counts_pictures_per_second() -> None:
    watch = Stopwatch()
    watch.wall -= 2
    assert watch.turn(100).rate == pytest.approx(50, rel=0.05)


def test_a_contender_that_cannot_start_says_why() -> None:
    with Contender("no_such_contender") as contender, pytest.raises(RuntimeError, match="no_such_contender"):
        contender.measure(Job("", "resnet18", "flips", "float32", 1))
