"""Two processes under ``accelerate launch`` must see the same split and end where one process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from smearlab.celltypes import CLASS_NAMES

# No batch statistics, no random augmentation and no dropout: then halving the batch must not change the gradient.
RECIPE = """
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
policy = "none"
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(0)
    for label, name in enumerate(CLASS_NAMES[:3]):
        (folder / name).mkdir()
        for number in range(20):
            picture = rng.normal(60 + 60 * label, 30, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


def run(launcher: list[str], data: Path, out: Path) -> None:
    recipe = out.parent / "two.toml"
    recipe.write_text(RECIPE)
    command = [*launcher, "-m", "smearlab", "train", str(data), "--recipe", str(recipe), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_two_processes_agree_with_one(data: Path, tmp_path: Path) -> None:
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    run([sys.executable], data, tmp_path / "one")
    run([*launch, "--mixed_precision", "no", "--dynamo_backend", "no"], data, tmp_path / "two")

    one, two = (json.loads((tmp_path / name / "split.json").read_text()) for name in ("one", "two"))
    assert one == two

    histories = [(tmp_path / name / "history.jsonl").read_text().splitlines() for name in ("one", "two")]
    assert len(histories[0]) == len(histories[1]) == 2
    for left, right in zip(*histories, strict=True):
        for figure in ("train_loss", "train_accuracy", "validation_loss", "validation_balanced_accuracy"):
            assert json.loads(left)[figure] == pytest.approx(json.loads(right)[figure], rel=1e-3)

    weights = [load_file(tmp_path / name / "model" / "weights.safetensors") for name in ("one", "two")]
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(weights[1][name], tensor, atol=1e-4, err_msg=name)
