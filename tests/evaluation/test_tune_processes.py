"""Searches in processes of their own: two commands on one folder, and one that is killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.evaluation.test_tune import RECIPE, SPACE
from tests.training.folders import write_class_folders

from smearlab.training.recipe_io import load_recipe, save_recipe
from smearlab.training.search_space import toml_text

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cells, a recipe of some seconds, and a space."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "cells").mkdir()
    write_class_folders(folder / "cells", per_class=14, size=24)
    save_recipe(load_recipe(RECIPE, ["phases.0.epochs=12", "phases.0.min_steps_per_epoch=8"]), folder / "recipe.toml")
    tables = [f'"{key}" = {toml_text(table)}\n' for key, table in SPACE.content().items()]
    (folder / "space.toml").write_text("".join(tables), encoding="utf-8")
    return folder


def start(place: Path, out: str, trials: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "smearlab", "tune", "cells", "--recipe", "recipe.toml", "--space", "space.toml"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole = [*command, "--out", out, "--trials", str(trials), "--pruner", "none", *options]
    return subprocess.Popen(
        whole, cwd=place, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors
    return output


def trials_of(place: Path, out: str) -> list[list[str]]:
    with (place / out / "trials.csv").open(newline="", encoding="utf-8") as file:
        return [[value for name, value in line.items() if name != "seconds"] for line in csv.DictReader(file)]


def test_a_killed_search_ends_with_the_same_trials(place: Path) -> None:
    ended(start(place, "whole", 4))
    killed = start(place, "parts", 4)
    history = place / "parts" / "trials" / "0002" / "history.jsonl"
    while killed.poll() is None and not history.is_file():
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL, "the search was over before the kill"
    ended(start(place, "parts", 4))
    assert trials_of(place, "parts") == trials_of(place, "whole")
    assert (place / "parts" / "best.toml").read_bytes() == (place / "whole" / "best.toml").read_bytes()


def test_the_same_command_twice_at_once_shares_the_trials(place: Path) -> None:
    outputs = [ended(process) for process in [start(place, "both", 6), start(place, "both", 6)]]
    lines = trials_of(place, "both")
    assert [line[0] for line in lines] == [str(number) for number in range(6)]
    assert {line[1] for line in lines} == {"complete"}
    assert any("Report: " in output for output in outputs)
    assert (place / "both" / "report.html").is_file()
