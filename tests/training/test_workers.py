"""Trainings side by side: results as they come, nothing begun too early, nothing left over."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from smearlab.training.workers import in_processes


def test_results_come_as_they_are_done() -> None:
    assert sorted(in_processes(abs, [-1, -2, -3], jobs=2)) == [1, 2, 3]


def test_nothing_begins_that_is_not_wanted(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in "abc"]
    with closing(in_processes(os.mkdir, wanted, jobs=1)) as made:
        next(made)
    assert [place.name for place in tmp_path.iterdir()] == ["a"]


def test_what_is_under_way_ends_with_a_stop() -> None:
    before = set(multiprocessing.active_children())
    with closing(in_processes(time.sleep, [0, 60, 60], jobs=2)) as slept:
        next(slept)
        assert set(multiprocessing.active_children()) > before
    assert set(multiprocessing.active_children()) <= before


def test_an_error_comes_through_and_ends_the_others() -> None:
    before = set(multiprocessing.active_children())
    with pytest.raises(ValueError, match="non-negative"):
        list(in_processes(time.sleep, [60, -1], jobs=2))
    assert set(multiprocessing.active_children()) <= before
