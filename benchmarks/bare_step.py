"""The bare training step: forward, loss, backward, optimiser, again and again on one prepared batch.

Network, scaling, precision, memory format, loss and optimiser are those of smearlab's own loop; there is no
augmentation, no data, no averaging of weights, no record of loss or accuracy. Gradient clipping is a job's choice, and
done as the loop does it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.own_loop import CLASSES, recipe_of
from benchmarks.turns import Job, Stopwatch, Turn, serve
from smearlab.augment.policy import augment
from smearlab.networks.build import CellNetwork
from smearlab.training.devices import keep_memory
from smearlab.training.losses import classification_loss, soft_targets
from smearlab.training.optimisers import build_optimiser
from smearlab.training.recipe import Recipe
from smearlab.training.train import initial_network


def make(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    keep_memory()
    recipe = recipe_of(job)
    network = initial_network(recipe, CLASSES).to(memory_format=torch.channels_last).train()
    step = bare_step(network, recipe, *prepared_batch(job, recipe), clip=job.clip)

    def turn() -> Turn:
        watch = Stopwatch()
        for _ in range(job.steps):
            step()
        return watch.turn(job.pictures)

    return turn


def prepared_batch(job: Job, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Return one batch as the loop hands it to the network: ``float32 (n, 3, h, w)`` and ``int64 (n,)`` labels."""
    images = np.load(f"{job.data}/images.npy", mmap_mode="r")[: job.batch_size]
    labels = np.load(f"{job.data}/labels.npy")[: job.batch_size]
    pictures = augment(torch.from_numpy(images.copy()), recipe.augment, torch.Generator().manual_seed(0))
    return pictures.contiguous(memory_format=torch.channels_last), torch.from_numpy(labels)


def bare_step(
    network: CellNetwork, recipe: Recipe, pictures: Tensor, labels: Tensor, *, clip: bool
) -> Callable[[], None]:
    """Return one step of training, as a function to call."""
    phase, regularisation = recipe.phases[0], recipe.regularisation
    optimiser = build_optimiser(network, phase)
    targets, weights = soft_targets(labels, CLASSES, recipe.loss.label_smoothing), torch.ones(CLASSES)
    half = recipe.precision.mode == "bfloat16"

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(pictures)
        torch.autograd.backward(classification_loss(logits, targets, weights, recipe.loss))
        if clip:
            torch.nn.utils.clip_grad_norm_(network.parameters(), regularisation.clip_gradient)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return step


if __name__ == "__main__":
    serve(make)
