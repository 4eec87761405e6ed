"""The accelerator of a run: device, precision, processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe

_PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


def make_accelerator(recipe: Recipe) -> Accelerator:
    """Make an accelerator with the recipe's precision; several runs in one process may each have their own."""
    AcceleratorState._reset_state()
    # Same seed, same machine, same result, on a GPU too: its matrix library needs this, set before it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every new tensor with NaN, to expose reads before writes, is a debugging aid and a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Accelerator(mixed_precision=_PRECISIONS[recipe.precision.mode])


def any_process(accelerator: Accelerator, here: bool) -> bool:
    """Whether a thing is true on any process; all processes must ask at the same place."""
    if accelerator.num_processes == 1:
        return here
    wish = torch.tensor([float(here)], device=accelerator.device)
    return bool(accelerator.reduce(wish).item() > 0)
