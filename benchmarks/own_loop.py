"""smearlab's own training loop, through `smearlab.training.loop.fit`, epoch by epoch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.turns import Job, Stopwatch, Turn, answer, jobs
from smearlab.augment.config import AugmentConfig
from smearlab.celltypes import CLASS_NAMES
from smearlab.networks.config import NetworkConfig
from smearlab.training.display import Display
from smearlab.training.job import TrainingData
from smearlab.training.loop import fit
from smearlab.training.recipe import PhaseConfig, PrecisionConfig, Recipe
from smearlab.training.train import initial_network

CLASSES = len(CLASS_NAMES)


def recipe_of(job: Job) -> Recipe:
    """Return the recipe of a job: the defaults, but without end, since the last turn ends it."""
    return Recipe(
        augment=AugmentConfig.model_validate({"policy": job.policy}),
        network=NetworkConfig(backbone=job.network),
        precision=PrecisionConfig.model_validate({"mode": job.precision}),
        phases=(PhaseConfig(epochs=10_000, batch_size=job.batch_size, learning_rate=1e-3, schedule="constant"),),
    )


class StepWatch(Display):
    """Shows nothing, and measures the processor time between the first and the last step of an epoch."""

    def __init__(self) -> None:
        super().__init__(1, shown=False)
        self.steps = 0
        self.last = self.first = Stopwatch()

    def step(self, epochs_done: float, loss: float, pictures_per_second: float) -> None:
        """Note the time: the loop calls this once a step."""
        self.last = Stopwatch()
        self.first = self.first if self.steps else self.last
        self.steps += 1

    def processor_seconds(self) -> float:
        """Return the processor time of a step of the epoch that has just ended."""
        seconds = (self.last.processor - self.first.processor) / max(1, self.steps - 1)
        self.steps = 0
        return seconds


def train(job: Job, rest: Iterator[Job]) -> None:
    """Train without end; each epoch after the first answers one job, and waits for the next."""
    torch.set_num_threads(job.threads)
    images = np.load(f"{job.data}/images.npy", mmap_mode="r")
    labels = np.load(f"{job.data}/labels.npy")
    positions = np.arange(job.pictures) % len(images)
    data = TrainingData(images, labels, positions, positions[:0], CLASS_NAMES, "benchmark")
    recipe, watch = recipe_of(job), StepWatch()

    def finish_turn(rows: list[dict[str, Any]]) -> None:
        seconds = watch.processor_seconds()
        if len(rows) > 1:  # the first epoch warms up
            answer(Turn(rows[-1]["pictures_per_second"], 1000 * seconds / job.batch_size))
            if next(rest, None) is None:
                raise SystemExit

    with tempfile.TemporaryDirectory() as folder:
        fit(initial_network(recipe, CLASSES), data, recipe, Path(folder), watch, finish_turn)


if __name__ == "__main__":
    sent = jobs()
    train(next(sent), sent)
