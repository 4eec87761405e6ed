"""The accelerator of a run: device, precision, processes."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list
from torch import nn

from smearlab.errors import SmearlabError, TrainingError

if TYPE_CHECKING:
    from smearlab.networks.build import CellNetwork
    from smearlab.training.recipe import Recipe

_PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
Result = TypeVar("Result")


def processes() -> PartialState:
    """Return the state of this process among those that were launched together, connecting them at the first call.

    Raises:
        TrainingError: several processes were launched but do not find each other; going on, each would train alone and
            write over the others.
    """
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    # Without this flag accelerate looks for GPUs only, and takes each of several CPU processes for a lone one.
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    state = PartialState(cpu=on_cpu or (launched > 1 and not torch.accelerator.is_available()))
    if launched != state.num_processes:
        raise TrainingError(
            f"{launched} processes were launched, but this one sees {state.num_processes}. "
            "Launch with: accelerate launch --multi_gpu --num_processes N -m smearlab …"
        )
    return state


def on_main(action: Callable[[], None]) -> None:
    """Do something on the main process only, while the others wait; its failure becomes theirs.

    Raises:
        SmearlabError: what `action` raised, on every process.
    """
    state = processes()
    failure: list[str | None] = [None]
    error: SmearlabError | None = None
    if state.is_main_process:
        try:
            action()
        except SmearlabError as raised:
            error, failure = raised, [str(raised)]
    if state.num_processes > 1:
        broadcast_object_list(failure)
    if error is not None:
        raise error
    if failure[0] is not None:
        raise SmearlabError(failure[0])


def agreed(value: Result) -> Result:
    """Return the main process's value on every process."""
    if processes().num_processes == 1:
        return value
    shared: list[Result] = broadcast_object_list([value])
    return shared[0]


def keep_memory() -> bool:
    """Let the C library keep freed memory instead of handing it back to the system after every step.

    A step allocates and frees the same hundreds of megabytes again and again; handed back, every page must be mapped
    and cleared anew. On two CPU cores that is a tenth of a MobileNetV3-small step, and most of what augmentation costs.

    Returns:
        Whether it could be done: glibc only.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    never_trim = mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    return bool(never_trim and mallopt(_MMAP_MAX, 0))


def make_accelerator(recipe: Recipe) -> Accelerator:
    """Make an accelerator with the recipe's precision; several runs in one process may each have their own."""
    state = processes()
    if state.device.type == "cpu":
        keep_memory()
    AcceleratorState._reset_state()
    # Same seed, same machine, same result, on a GPU too: its matrix library needs this, set before it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every new tensor with NaN, to expose reads before writes, is a debugging aid and a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Accelerator(mixed_precision=_PRECISIONS[recipe.precision.mode], cpu=state._cpu)


def synchronised(network: CellNetwork, accelerator: Accelerator) -> CellNetwork:
    """Let batch normalisation see the whole batch of all processes where torch can do that, which is on GPUs."""
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        converted: CellNetwork = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    return network


def any_process(accelerator: Accelerator, here: bool) -> bool:
    """Whether a thing is true on any process; all processes must ask at the same place."""
    if accelerator.num_processes == 1:
        return here
    wish = torch.tensor([float(here)], device=accelerator.device)
    return bool(accelerator.reduce(wish).item() > 0)
