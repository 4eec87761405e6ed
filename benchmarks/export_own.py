"""Contenders of exporting.py in this environment: ONNX Runtime, PyTorch eager, and timm's own network of equal size.

The job's network is an ONNX file, a model folder, or timm's name; its policy is the form: ``onnx``, ``torch``, ``torch
channels_last`` or ``timm``. The pictures are ``{policy's side}.npy``: framed for a network alone, as they are for a
file with framing inside.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.turns import Job, Stopwatch, Turn, serve


def make(job: Job) -> Callable[[], Turn]:
    images = np.load(f"{job.data}/{'pictures' if job.precision == 'pictures' else 'framed'}.npy")
    run = {"onnx": in_onnx_runtime, "torch": in_torch, "timm": in_timm}[job.policy.split()[0]](job)
    batches = [images[at : at + job.batch_size] for at in range(0, len(images) - job.batch_size + 1, job.batch_size)]

    def turn() -> Turn:
        watch = Stopwatch()
        for step in range(job.steps):
            run(batches[step % len(batches)])
        return watch.turn(job.pictures)

    return turn


def in_onnx_runtime(job: Job) -> Callable[[Any], Any]:
    from pathlib import Path

    from smearlab.inference.session import open_session

    session = open_session(Path(job.network).read_bytes(), job.network, job.threads)
    return lambda batch: session.run(["logits"], {"images": batch})


def in_torch(job: Job) -> Callable[[Any], Any]:
    import torch

    from smearlab.evaluation.rebuilding import rebuild_network
    from smearlab.inference.predictor import Predictor
    from smearlab.networks.onnx import DeployedNetwork

    torch.set_num_threads(job.threads)
    network = DeployedNetwork(rebuild_network(Predictor.load(job.network), job.network, "the benchmark")).eval()
    if "channels_last" in job.policy:
        network.to(memory_format=torch.channels_last)

    def run(batch: Any) -> Any:  # noqa: ANN401 - an array in, tensors out
        with torch.inference_mode():
            return network(torch.from_numpy(batch))

    return run


def in_timm(job: Job) -> Callable[[Any], Any]:
    import timm
    import torch

    torch.set_num_threads(job.threads)
    network = timm.create_model(job.network, pretrained=False, num_classes=8).eval()

    def run(batch: Any) -> Any:  # noqa: ANN401 - an array in, tensors out
        with torch.inference_mode():
            return network(torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1)

    return run


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is to be downloaded
    serve(make)
