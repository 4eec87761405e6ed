"""Several processes under ``accelerate launch`` must share one split and end where one process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.training.folders import write_class_folders

from smearlab.errors import TrainingError
from smearlab.training.devices import processes

# A network without batch statistics: then sharing a batch out must not change the gradient, augmentation or not.
EXACT = """
name = "two"
[framing]
size = 32
[split]
train = 0.6
validation = 0.2
test = 0.2
[data]
near_duplicates = false
[augment]
policy = "light"
[network]
backbone = "convnext_atto"
options = { depths = [1, 1, 1, 1], dims = [8, 8, 16, 16] }
[ema]
decay = 0.9
[precision]
mode = "float32"
[[phases]]
epochs = 2
batch_size = 8
learning_rate = 1e-3
optimiser = "sgd"
"""
# The second epoch frees layers that the first did not train; copies are made once, by one process.
GROWING = f"""{EXACT}[phases.trainable]
start_share = 0.2
grow_epochs = 1
[balance]
kind = "synthetic"
per_class = 26
"""
# As the shipped recipes: batch normalisation, which on CPUs sees each process's share alone.
USUAL = """
name = "two"
[framing]
size = 32
[split]
train = 0.6
validation = 0.2
test = 0.2
[augment]
policy = "light"
[network]
options = { channels = [8, 8, 16, 16] }
[ema]
decay = 0.9
[[phases]]
epochs = 8
batch_size = 16
warmup_epochs = 1
"""
TWO = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH = [*TWO, "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("cells"), per_class=40, size=32)


def run(launcher: list[str], data: Path, out: Path, recipe: str) -> subprocess.CompletedProcess[str]:
    path = out.parent / "two.toml"
    path.write_text(recipe)
    command = [*launcher, "-m", "smearlab", "train", str(data), "--recipe", str(path), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def figures(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return content


def both(data: Path, folder: Path, recipe: str) -> tuple[Path, Path]:
    for name, launcher in (("one", [sys.executable]), ("two", LAUNCH)):
        done = run(launcher, data, folder / name, recipe)
        assert done.returncode == 0, done.stderr[-3000:]
    one, two = folder / "one", folder / "two"
    assert (figures(one)["processes"], figures(two)["processes"]) == (1, 2)
    assert (one / "split.json").read_text() == (two / "split.json").read_text()
    return one, two


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [EXACT, GROWING], ids=["plain", "growing"])
def test_two_processes_take_the_steps_of_one(data: Path, tmp_path: Path, recipe: str) -> None:
    one, two = both(data, tmp_path, recipe)

    histories = [(out / "history.jsonl").read_text().splitlines() for out in (one, two)]
    assert len(histories[0]) == len(histories[1]) == 2
    for left, right in zip(*histories, strict=True):
        for figure in ("train_loss", "train_accuracy", "validation_loss", "validation_balanced_accuracy"):
            assert json.loads(left)[figure] == pytest.approx(json.loads(right)[figure], rel=1e-3)

    weights = [load_file(out / "model" / "weights.safetensors") for out in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(weights[1][name], tensor, atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_with_batch_normalisation_two_end_about_where_one_does(data: Path, tmp_path: Path) -> None:
    one, two = (figures(out)["accuracy"]["value"] for out in both(data, tmp_path, USUAL))

    assert one > 0.8
    assert two == pytest.approx(one, abs=0.15)


@pytest.mark.slow
def test_a_mistake_is_told_once(data: Path, tmp_path: Path) -> None:
    done = run(LAUNCH, data, tmp_path / "out", EXACT.replace("convnext_atto", "convnext_atom"))

    assert done.returncode != 0
    assert done.stderr.count("is not a model that timm knows") == 1
    assert not (tmp_path / "out").exists()


def test_processes_that_do_not_find_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take itself for the only one, train alone, and write over the others."""
    assert processes().num_processes == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="2 processes were launched, but this one sees 1"):
        processes()
