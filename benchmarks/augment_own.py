"""smearlab's augmentation engine, through `smearlab.augment.policy.draw` and `apply`, as the training loop calls it.

A job's policy is ``alterations`` (the thirteen that all contenders do), a policy of smearlab's own, or
``operation:NAME``, one operation alone on every picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.alterations import SOMETIMES, SOMETIMES_SHARE
from benchmarks.turns import Job, Stopwatch, Turn, serve
from smearlab.augment.config import AugmentConfig
from smearlab.augment.draws import fixed
from smearlab.augment.operations import ENGINE, FAMILY_SHARES, INDEX
from smearlab.augment.policy import apply, draw
from smearlab.corruptions.families import OPERATIONS
from smearlab.training.devices import keep_memory

ALTERATIONS = (
    *("flip", "rotate", "zoom", "translate", "shear", "brightness", "contrast", "saturation", "hue"),
    *SOMETIMES.values(),
)


def make(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    keep_memory()
    images = torch.from_numpy(np.load(f"{job.data}/images.npy"))
    device = torch.device("cuda" if job.precision == "cuda" else "cpu")
    batches = [images[at : at + job.batch_size].to(device) for at in range(0, len(images), job.batch_size)]
    generator = torch.Generator().manual_seed(0)
    change = operation(job.policy.removeprefix("operation:")) if ":" in job.policy else policy(job.policy)

    def turn() -> Turn:
        watch, done = Stopwatch(), 0
        for step in range(job.steps):
            done += len(change(batches[step % len(batches)], generator))
        if device.type == "cuda":
            torch.cuda.synchronize()
        return watch.turn(done)

    return turn


def policy(name: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return what a policy does to a batch, draws included."""
    config = alterations() if name == "alterations" else AugmentConfig.model_validate({"policy": name})

    def change(batch: Tensor, generator: torch.Generator) -> Tensor:
        return apply(batch, draw(config, len(batch), batch.shape[1], batch.shape[2], generator))

    return change


def alterations() -> AugmentConfig:
    """Return our policy with the thirteen alterations alone, each on the share of pictures that the peers use."""
    wanted = {OPERATIONS[name]: SOMETIMES_SHARE if name in SOMETIMES.values() else 1.0 for name in ALTERATIONS}
    factors = {family: share / FAMILY_SHARES[family] for family, share in wanted.items()}
    return AugmentConfig(policy="ours", only=ALTERATIONS, shares=factors)


def operation(name: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return what one operation does to every picture of a batch, at amounts up to full."""
    full = ENGINE[INDEX[name]].full

    def change(batch: Tensor, generator: torch.Generator) -> Tensor:
        return apply(batch, fixed(name, full * torch.rand(len(batch), generator=generator), generator))

    return change


if __name__ == "__main__":
    serve(make)
