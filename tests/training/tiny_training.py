"""A network of a few thousand weights on 24×24 pictures: an epoch takes a tenth of a second."""

from __future__ import annotations

import hashlib
import io
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from safetensors.torch import save

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells
from smearlab.training.display import Display
from smearlab.training.job import FitResult, TrainingData
from smearlab.training.loop import fit
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe
from smearlab.training.train import initial_network

if TYPE_CHECKING:
    from torch import Tensor

    from smearlab.training.writers import OnEpoch

BASE = Recipe.model_validate(
    {
        "name": "tiny",
        "framing": {"size": 24, "crop": "none"},
        "network": {"backbone": "resnet18", "options": {"channels": [8, 8, 8, 8], "layers": [1, 1, 1, 1]}},
        "precision": {"mode": "float32"},
        "phases": [{"epochs": 2, "batch_size": 16, "warmup_epochs": 0, "learning_rate": 0.01}],
    }
)
DEEPER = "network.options.layers=[2, 2, 2, 2]"
"""For tests of what is learnt: in so few steps the tiny network of half of ResNet-18's blocks learns little."""
EVERYTHING = (
    *("augment.policy=light", "augment.mixup=0.4", "augment.cutmix=1.0", "augment.mix_share=0.8"),
    *("ema.decay=0.9", "precision.mode=bfloat16", "balance.kind=oversample", "head.dropout=0.2"),
    *("phases.0.schedule=one_cycle", "phases.0.warmup_epochs=1", "loss.label_smoothing=0.1"),
)


def tiny_recipe(*overrides: str) -> Recipe:
    """Return the tiny recipe with ``section.key=value`` overrides."""
    return load_recipe(BASE, overrides)


def tiny_cells(per_class: int = 20, classes: int = 3) -> Cells:
    """Return pictures whose class is their brightness, with noise."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(classes), per_class).astype(np.int64)
    means = np.linspace(60, 195, classes)[labels][:, None, None, None]
    images = np.clip(rng.normal(means, 30, (len(labels), 24, 24, 3)), 0, 255).astype(np.uint8)
    sources = np.array([f"{row}.png" for row in range(len(labels))])
    return Cells(images, labels, sources, CLASS_NAMES[:classes], np.arange(len(labels)), name="tiny")


def tiny_data(train: int = 48, validation: int = 12) -> TrainingData:
    """Return the tiny cells split by position."""
    cells = tiny_cells(-(-(train + validation) // 3))
    positions = np.arange(train + validation)
    images = np.asarray(cells.images)
    return TrainingData(
        images, cells.known_labels, positions[:train], positions[train:], cells.class_names, f"{train}+{validation}"
    )


def quiet() -> Display:
    """Return a display that nobody sees."""
    return Display(1, Console(file=io.StringIO()))


class StopAt(Display):
    """Sends this process the signal of a Ctrl-C when a step is shown."""

    def __init__(self, step: int) -> None:
        super().__init__(1, Console(file=io.StringIO()))
        self.left = step

    def step(self, epochs_done: float, loss: float, pictures_per_second: float) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def train_tiny(
    folder: Path,
    recipe: Recipe,
    data: TrainingData | None = None,
    display: Display | None = None,
    on_epoch: OnEpoch = lambda rows: None,
) -> FitResult:
    """Train the tiny network into a folder, or go on with what is there."""
    data = data or tiny_data()
    network = initial_network(recipe, len(data.class_names))
    return fit(network, data, recipe, folder, display or quiet(), on_epoch)


def digest(weights: dict[str, Tensor]) -> str:
    """Return the SHA-256 of some weights."""
    return hashlib.sha256(save({name: tensor.contiguous() for name, tensor in weights.items()})).hexdigest()


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return history rows without what differs from run to run."""
    return [{key: row[key] for key in row if key not in ("seconds", "pictures_per_second")} for row in rows]
