"""Choosing the arithmetic of the training step by measuring it on the network at hand."""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F

from smearlab.training.devices import keep_memory

if TYPE_CHECKING:
    from torch import nn

Precision = Literal["float32", "bfloat16", "float16"]
WORTH = 1.15
"""bfloat16 must be this many times as fast to be chosen: below it, timing noise would decide, and rounding costs."""

_STEPS = 3


def choose_precision(network: nn.Module, size: int, batch_size: int, device: torch.device) -> Precision:
    """Time a few training steps in float32 and bfloat16 autocast and return the one to use.

    bfloat16 helps some architectures (dense convolutions) and slows others many times over (depthwise ones on CPUs
    without a kernel for them), so it is measured, not guessed. The network itself is not changed.

    Args:
        network: takes ``float32 (n, 3, size, size)``.
        size: height and width of the pictures in pixels.
        batch_size: pictures per step; at most 64 are used for timing.
        device: where training will run.
    """
    keep_memory()  # as in training: without it float32, which moves more memory, would look slower than it is
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "float16"
    if device.type not in ("cpu", "cuda"):
        return "float32"
    pictures = torch.rand(min(batch_size, 64), 3, size, size, device=device)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    seconds = {half: _time_steps(network, pictures, half=half) for half in (False, True)}
    return "bfloat16" if seconds[True] * WORTH < seconds[False] else "float32"


def _time_steps(network: nn.Module, pictures: torch.Tensor, *, half: bool) -> float:
    """Return the fastest of a few steps in seconds; infinite where the arithmetic does not work for this network."""
    trial = copy.deepcopy(network).to(pictures.device).to(memory_format=torch.channels_last).train()
    best = math.inf
    for _ in range(_STEPS + 1):
        start = time.perf_counter()
        try:
            with torch.autocast(pictures.device.type, torch.bfloat16, enabled=half):
                logits = trial(pictures)
            loss = F.cross_entropy(logits.float(), torch.zeros(len(pictures), dtype=torch.long, device=pictures.device))
            torch.autograd.backward(loss)
            finite = math.isfinite(loss.item())  # waits for the device as well
        except RuntimeError:
            return math.inf
        best = min(best, time.perf_counter() - start) if finite else math.inf
    return best
