"""torchvision's transforms.v2, in the form its documentation recommends: in the Dataset, uint8 first, a DataLoader.

Given a whole batch, v2 draws once for all of it; a draw for every picture means a call for every picture. A job's
policy is ``alterations``, ``randaugment``, ``augmix`` or ``trivialaugment``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2

from benchmarks import alterations as amounts
from benchmarks.turns import Job, Stopwatch, Turn, serve


class Pictures(Dataset[Tensor]):
    """Pictures in memory, each changed by its own random draw."""

    def __init__(self, job: Job) -> None:
        images = np.load(f"{job.data}/images.npy")
        self.images = torch.from_numpy(images[np.arange(job.pictures) % len(images)]).permute(0, 3, 1, 2).contiguous()
        self.transform = transforms(job.policy)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Tensor:
        changed: Tensor = self.transform(self.images[position])
        return changed


def transforms(policy: str) -> v2.Compose:
    """Return the transforms of a policy, ending in float32 0–1."""
    to_unit = v2.ToDtype(torch.float32, scale=True)
    named = {"randaugment": v2.RandAugment, "augmix": v2.AugMix, "trivialaugment": v2.TrivialAugmentWide}
    if policy in named:
        return v2.Compose([named[policy](), to_unit])
    moved = v2.RandomAffine(
        degrees=amounts.ROTATION,
        translate=(amounts.SHIFT, amounts.SHIFT),
        scale=(1 / amounts.ZOOM, amounts.ZOOM),
        shear=amounts.SHEAR,
        interpolation=InterpolationMode.BILINEAR,
    )
    lit = v2.ColorJitter(amounts.LIGHT, amounts.LIGHT, amounts.LIGHT, amounts.HUE)
    share = amounts.SOMETIMES_SHARE
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            moved,
            lit,
            v2.RandomApply([v2.GaussianBlur(amounts.KERNEL, amounts.SIGMA)], share),
            v2.RandomAdjustSharpness(3.0, share),
            to_unit,
            v2.RandomApply([v2.GaussianNoise(sigma=amounts.NOISE)], share),
            v2.RandomErasing(share, amounts.ERASED),
        ]
    )


def make(job: Job) -> Callable[[], Turn]:
    loader = DataLoader(
        Pictures(job), batch_size=job.batch_size, num_workers=job.workers, persistent_workers=job.workers > 0
    )

    def turn() -> Turn:
        torch.set_num_threads(job.threads)  # another job of this process may have chosen another number
        watch, done = Stopwatch(), 0
        for batch in loader:
            done += len(batch)
        turn = watch.turn(done)
        # The workers' time is not in this process, so no processor time is claimed for them.
        return Turn(turn.rate, 0.0 if job.workers else turn.processor)

    return turn


if __name__ == "__main__":
    serve(make)
