from __future__ import annotations

import math

import pytest

from smearlab.report import text
from smearlab.report.blocks import Figure
from smearlab.report.estimates import Estimate, class_metric, estimate, known_metrics, support


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (9.96, "10.0 s"), (59.6, "1 min 0 s"), (3599.8, "1 h 0 min"), (90061, "25 h 1 min")],
)
def test_duration(seconds: float, words: str) -> None:
    assert text.duration(seconds).replace(text.THIN, " ") == words


@pytest.mark.parametrize(("size", "words"), [(12, "12 B"), (999_999, "1000.0 kB"), (2.5e9, "2.5 GB")])
def test_file_size(size: int, words: str) -> None:
    assert text.file_size(size).replace(text.THIN, " ") == words


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("no such file: /home/ann/x y/cells.npz", "no such file: x y/cells.npz"),
        ('out = "/home/ann/x y/"', 'out = "x y"'),
        ("'C:\\Users\\Ann\\cells.csv' is empty", "'cells.csv' is empty"),
        ("file:///data/cells/a.png", "a.png"),
        ("~/cells/run/", "run"),
        ("412 pictures/s, 1/2, and/or, a/b/c.png", "412 pictures/s, 1/2, and/or, a/b/c.png"),
        ("</script></b>", "</script></b>"),
        ("(/data/set/a.png)", "(a.png)"),
    ],
)
def test_hide_paths(given: str, shown: str) -> None:
    assert text.hide_paths(given) == shown


def test_estimate_reads_dicts_numbers_and_nothing() -> None:
    assert estimate({"value": 0.5, "low": 0.4, "high": 0.6}) == Estimate(0.5, 0.4, 0.6)
    assert estimate(3).value == 3
    assert not estimate(None).known
    assert not estimate({"value": None}).known


def test_estimate_in_words() -> None:
    assert Estimate(0.976, 0.969, 0.983).interval() == f"96.9–98.3{text.THIN}%"
    assert Estimate(0.976, 0.969, 0.983).interval(unit=False) == "96.9–98.3"
    assert Estimate(0.9987, 0.9979, 0.9993).interval(as_percent=False) == "0.998–0.999"
    assert Estimate(0.5).interval() == ""
    assert Estimate(math.nan).text() == "–"


def test_metrics_that_are_missing_are_unknown() -> None:
    assert known_metrics({"accuracy": 0.5, "ece": None}) == ["accuracy"]
    assert not class_metric({}, "basophil", "recall").known
    assert support({"per_class": {"basophil": {"support": {"value": 12}}}}, "basophil") == 12
    assert support({}, "basophil") == 0


@pytest.mark.parametrize(
    ("share", "start", "track"),
    [
        (Estimate(0.98, 0.97, 0.99), "90", "--low:70.00%;--value:80.00%;--high:90.00%"),
        (Estimate(0.8, 0.7, 0.9), "50", "--low:40.00%;--value:60.00%;--high:80.00%"),
        (Estimate(0.2, 0.1, 0.3), "0", "--low:10.00%;--value:20.00%;--high:30.00%"),
        (Estimate(0.25), "0", "--low:25.00%;--value:25.00%;--high:25.00%"),
    ],
)
def test_track_of_the_headline(share: Estimate, start: str, track: str) -> None:
    figure = Figure("x", "y", share=share)
    assert figure.track == track
    assert figure.track_start == f"{start}{text.THIN}%"
