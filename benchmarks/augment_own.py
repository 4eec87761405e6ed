"""smearlab's augmentation engine, through `smearlab.augment.policy.draw` and `apply`, as the training loop calls it.

A job's policy is ``alterations`` (the thirteen that all contenders do), a policy of smearlab's own, or
``operation:NAME``, one operation alone on every picture. With workers, whole batches are changed in a DataLoader's
processes, as a training loop of one's own would; without, in the process that waits for them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

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


class Batches(Dataset[Tensor]):
    """Batches of pictures in memory, each changed with a generator of its own."""

    def __init__(self, job: Job) -> None:
        self.images, self.job = torch.from_numpy(np.load(f"{job.data}/images.npy")), job
        self.change = operation(job.policy.removeprefix("operation:")) if ":" in job.policy else policy(job.policy)

    def __len__(self) -> int:
        return self.job.steps

    def __getitem__(self, step: int) -> Tensor:
        return self.change(self.batch(step), torch.Generator().manual_seed(step))

    def batch(self, step: int) -> Tensor:
        """Return the raw pictures of a step, beginning anew where they end."""
        at = step * self.job.batch_size % max(1, len(self.images) - self.job.batch_size + 1)
        return self.images[at : at + self.job.batch_size]


def make(job: Job) -> Callable[[], Turn]:
    keep_memory()
    return _by_workers(job) if job.workers else _in_process(job)


def _in_process(job: Job) -> Callable[[], Turn]:
    source = Batches(job)
    device = torch.device("cuda" if job.precision == "cuda" else "cpu")
    batches = [source.batch(step).to(device) for step in range(job.steps)]
    generator = torch.Generator().manual_seed(0)

    def turn() -> Turn:
        torch.set_num_threads(job.threads)  # another job of this process may have chosen another number
        watch, done = Stopwatch(), 0
        for batch in batches:
            done += len(source.change(batch, generator))
        if device.type == "cuda":
            torch.cuda.synchronize()
        return watch.turn(done)

    return turn


def _by_workers(job: Job) -> Callable[[], Turn]:
    loader = DataLoader(
        Batches(job),
        batch_size=None,
        num_workers=job.workers,
        persistent_workers=True,
        worker_init_fn=_begin_worker,
    )

    def turn() -> Turn:
        watch, done = Stopwatch(), 0
        for batch in loader:
            done += len(batch)
        # The workers' time is not in this process, so no processor time is claimed for them.
        return Turn(watch.turn(done).rate)

    return turn


def _begin_worker(number: int) -> None:
    keep_memory()


def policy(name: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return what a policy does to a batch, draws included."""
    config = alterations() if name == "alterations" else _config(name)

    def change(batch: Tensor, generator: torch.Generator) -> Tensor:
        return apply(batch, draw(config, len(batch), batch.shape[1], batch.shape[2], generator))

    return change


def _config(name: str) -> AugmentConfig:
    policy, _, density = name.partition(", density ")
    return AugmentConfig.model_validate({"policy": policy} | ({"density": float(density)} if density else {}))


def alterations() -> AugmentConfig:
    """Return our policy with the thirteen alterations alone, each on the share of pictures that the peers use."""
    wanted = {OPERATIONS[name]: SOMETIMES_SHARE if name in SOMETIMES.values() else 1.0 for name in ALTERATIONS}
    factors = {family: share / FAMILY_SHARES[family] for family, share in wanted.items()}
    return AugmentConfig(policy="ours", density=1.0, only=ALTERATIONS, shares=factors)


def operation(name: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return what one operation does to every picture of a batch, at amounts up to full."""
    full = ENGINE[INDEX[name]].full

    def change(batch: Tensor, generator: torch.Generator) -> Tensor:
        return apply(batch, fixed(name, full * torch.rand(len(batch), generator=generator), generator))

    return change


if __name__ == "__main__":
    serve(make)
