"""Killing a run at any moment and resuming it must end with the very same weights."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.training.folders import write_class_folders
from tests.training.kill_child import ROBUST_RECIPE, TINY_RECIPE

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")

CHILD = Path(__file__).with_name("kill_child.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("cells"), per_class=24, size=24)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path


@pytest.fixture(scope="module")
def uninterrupted(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("whole") / "run"
    assert train(data, out, "--recipe", str(recipe)).returncode == 0
    return weights_hash(out)


def train(
    data: Path, out: Path, *options: str, moment: str = "never", number: int = 0
) -> subprocess.CompletedProcess[str]:
    with start(data, out, *options, moment=moment, number=number) as process:
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def start(data: Path, out: Path, *options: str, moment: str = "never", number: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), moment, str(number), "train", str(data), "--out", str(out), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def weights_hash(out: Path) -> str:
    return hashlib.sha256((out / "model" / "weights.safetensors").read_bytes()).hexdigest()


def resume_and_hash(data: Path, out: Path, recipe: Path) -> str:
    started = (out / "recipe.toml").exists()
    options = ["--resume"] if started else ["--recipe", str(recipe)]
    finished = train(data, out, *options)
    assert finished.returncode == 0, finished.stderr
    assert not list(out.rglob("*tmp*")), "a half-written file was left behind"
    return weights_hash(out)


def kill_and_resume(moment: str, number: int, data: Path, recipe: Path, out: Path) -> str:
    killed = train(data, out, "--recipe", str(recipe), moment=moment, number=number)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "report.html").exists() or moment == "report"
    return resume_and_hash(data, out, recipe)


@pytest.mark.parametrize(("moment", "number"), [("step", 9), pytest.param("write", 5, marks=pytest.mark.slow)])
def test_a_killed_run_resumes_to_the_same_weights(
    moment: str, number: int, data: Path, recipe: Path, uninterrupted: str, tmp_path: Path
) -> None:
    assert kill_and_resume(moment, number, data, recipe, tmp_path / "run") == uninterrupted


TRAINING = [("step", 2), ("step", 23), ("validation", 2), ("validation", 3), ("write", 1), ("write", 8), ("saved", 4)]
AROUND = [("recipe", 1), ("export", 1), ("model", 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "number"), TRAINING + AROUND)
def test_killing_at_other_planned_moments(
    moment: str, number: int, data: Path, recipe: Path, uninterrupted: str, tmp_path: Path
) -> None:
    assert kill_and_resume(moment, number, data, recipe, tmp_path / "run") == uninterrupted


@pytest.mark.slow
def test_killing_one_run_ten_times_at_random_moments(
    data: Path, recipe: Path, uninterrupted: str, tmp_path: Path
) -> None:
    out, clock = tmp_path / "run", random.Random(5)
    for _ in range(10):
        options = ["--resume"] if (out / "recipe.toml").exists() else ["--recipe", str(recipe)]
        process = start(data, out, *options)
        wait_for_training(process, out)
        time.sleep(clock.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the run was over before the tenth kill; make it longer"

    assert resume_and_hash(data, out, recipe) == uninterrupted


def wait_for_training(process: subprocess.Popen[str], out: Path) -> None:
    """Wait until this process has saved a state of its own, so that kills fall into training, not into imports."""
    last = out / "checkpoints" / "last.pt"
    before = last.stat().st_mtime_ns if last.exists() else 0
    while process.poll() is None:
        if last.exists() and last.stat().st_mtime_ns != before:
            return
        time.sleep(0.005)


@pytest.fixture(scope="module")
def robust(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of views, averages, altered validation pictures, sizes and a teacher."""
    folder = tmp_path_factory.mktemp("robust")
    assert train(data, folder / "teacher", "--recipe", str(recipe)).returncode == 0
    path = folder / "robust.toml"
    path.write_text(ROBUST_RECIPE.replace("{teacher}", str(folder / "teacher")))
    return path


@pytest.fixture(scope="module")
def robust_uninterrupted(data: Path, robust: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("whole") / "run"
    done = train(data, out, "--recipe", str(robust))
    assert done.returncode == 0, done.stderr
    return weights_hash(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "number"), [("step", 7), ("average", 14), ("validation", 5), ("write", 12), ("statistics", 2)]
)
def test_a_robust_run_resumes_to_the_same_weights(
    moment: str, number: int, data: Path, robust: Path, robust_uninterrupted: str, tmp_path: Path
) -> None:
    assert kill_and_resume(moment, number, data, robust, tmp_path / "run") == robust_uninterrupted
