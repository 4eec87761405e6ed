"""kornia's batched augmentation, a draw for every picture (``same_on_batch=False``, its default), float32 in torch."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch

from benchmarks import alterations as amounts
from benchmarks.turns import Job, Stopwatch, Turn, serve


def make(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    images = torch.from_numpy(np.load(f"{job.data}/images.npy"))
    device = torch.device("cuda" if job.precision == "cuda" else "cpu")
    batches = [images[at : at + job.batch_size].to(device) for at in range(0, len(images), job.batch_size)]
    change = alterations()

    def turn() -> Turn:
        watch, done = Stopwatch(), 0
        with torch.inference_mode():
            for step in range(job.steps):
                batch = batches[step % len(batches)].permute(0, 3, 1, 2).float().div_(255)
                done += len(change(batch))
        if device.type == "cuda":
            torch.cuda.synchronize()
        return watch.turn(done)

    return turn


def alterations() -> torch.nn.Module:
    """Return the thirteen alterations in sequence."""
    from kornia import augmentation as kornia

    share, light = amounts.SOMETIMES_SHARE, (1 - amounts.LIGHT, 1 + amounts.LIGHT)
    return torch.nn.Sequential(
        kornia.RandomHorizontalFlip(p=0.5),
        kornia.RandomAffine(
            degrees=amounts.ROTATION,
            translate=(amounts.SHIFT, amounts.SHIFT),
            scale=(1 / amounts.ZOOM, amounts.ZOOM),
            shear=amounts.SHEAR,
            p=1.0,
        ),
        kornia.ColorJitter(light, light, light, amounts.HUE, p=1.0),
        kornia.RandomGaussianBlur((amounts.KERNEL, amounts.KERNEL), amounts.SIGMA, p=share),
        kornia.RandomSharpness(3.0, p=share),
        kornia.RandomGaussianNoise(std=amounts.NOISE, p=share),
        kornia.RandomErasing(amounts.ERASED, p=share),
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        import kornia

        print(f"kornia {kornia.__version__}")
    else:
        serve(make)
