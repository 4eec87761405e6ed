"""The same network in the plain loop of PyTorch's and torchvision's documentation, in its fastest documented form.

uint8 tensors through transforms.v2 in the Dataset (where random transforms draw for each picture; given a whole batch,
they would draw once for all of it), scaling and normalisation on the whole batch, persistent DataLoader workers,
channels_last, fused AdamW, autocast where the job asks for bfloat16. No clipping, no averaging, no schedule, and
nothing is recorded: it does less than smearlab's loop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import timm
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2

from benchmarks.turns import Job, Stopwatch, Turn, serve
from smearlab.augment.config import AugmentConfig
from smearlab.celltypes import CLASS_NAMES
from smearlab.networks.build import SCALINGS


class Pictures(Dataset[tuple[Tensor, int]]):
    """Pictures in memory, each changed by its own random draw."""

    def __init__(self, job: Job) -> None:
        images = np.load(f"{job.data}/images.npy")
        positions = np.arange(job.pictures) % len(images)
        self.images = torch.from_numpy(images[positions]).permute(0, 3, 1, 2).contiguous()
        self.labels = np.load(f"{job.data}/labels.npy")[positions].tolist()
        self.transform = transforms(job.policy)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        return self.transform(self.images[position]), self.labels[position]


def transforms(policy: str) -> v2.Compose:
    """Return the counterpart of smearlab's policy of this name, quarter turns left out."""
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    if policy == "flips":
        return v2.Compose(flips)
    config = AugmentConfig()
    moved = v2.RandomAffine(
        degrees=config.rotation,
        translate=(config.shift, config.shift),
        scale=(1 / (1 + config.zoom), 1 + config.zoom),
        interpolation=InterpolationMode.BILINEAR,
    )
    return v2.Compose([flips[0], moved])


def make(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    loader = DataLoader(
        Pictures(job),
        batch_size=job.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=job.workers,
        persistent_workers=job.workers > 0,
    )
    network = timm.create_model(job.network, num_classes=len(CLASS_NAMES)).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    mean, std = SCALINGS["imagenet"]
    scale = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std, inplace=True)])
    half = job.precision == "bfloat16"

    def turn() -> Turn:
        watch = Stopwatch()
        for pictures, labels in loader:
            batch = scale(pictures.contiguous(memory_format=torch.channels_last))
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = torch.nn.functional.cross_entropy(network(batch), labels)
            torch.autograd.backward(loss)
            optimiser.step()
        return watch.turn(job.pictures)

    return turn


if __name__ == "__main__":
    serve(make)
