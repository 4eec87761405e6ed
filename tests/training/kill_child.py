"""A training process that kills itself with SIGKILL at a chosen moment. Run by the kill-and-resume test."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import torch

from smearlab.data.atomic import atomic_path
from smearlab.evaluation import evaluate_run
from smearlab.inference import model_folder
from smearlab.training import averaging, finishing, loop, state, train, validation

TINY_RECIPE = """
name = "tiny"
seed = 3
[framing]
size = 24
[split]
train = 0.6
validation = 0.2
test = 0.2
[data]
near_duplicates = false
[augment]
policy = "light"
mixup = 0.2
cutmix = 1.0
[network]
backbone = "resnet18"
options = { channels = [8, 8, 16, 16], layers = [1, 1, 1, 1], drop_rate = 0.1 }
[head]
layers = [12]
dropout = 0.2
[ema]
decay = 0.9
[precision]
mode = "bfloat16"
[checkpoint]
every_minutes = 0.0005
[[phases]]
name = "head"
epochs = 1
batch_size = 8
warmup_epochs = 0
[phases.trainable]
share = 0.0
freeze_norms = true
[[phases]]
name = "all"
epochs = 6
batch_size = 8
schedule = "plateau"
plateau_patience = 1
"""


ROBUST_RECIPE = """
name = "robust"
seed = 4
[framing]
size = 24
[split]
train = 0.6
validation = 0.2
test = 0.2
[data]
near_duplicates = false
[augment]
policy = "light"
[network]
backbone = "resnet18"
options = { channels = [8, 8, 16, 16], layers = [1, 1, 1, 1] }
[loss]
jsd = 12.0
[ema]
decay = 0.9
[averaging]
swa_start = 0.4
swa_every = 3
swa_learning_rate = 1e-3
ema_batch_norm = true
[selection]
suite = "bloodmnist-c"
groups = ["degradation"]
pictures = 8
severities = [3]
[distillation]
teachers = ["{teacher}"]
weight = 0.5
[robustness]
pictures = 0
[precision]
mode = "float32"
[checkpoint]
every_minutes = 0.0005
[[phases]]
name = "small"
size = 16
epochs = 2
batch_size = 8
warmup_epochs = 0
[[phases]]
name = "full"
epochs = 3
batch_size = 8
"""
"""All that a robust recipe may hold; the teacher is another run."""


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_call(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that its n-th call kills the process in the middle: after its work, before its return."""
    calls = 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        result = function(*arguments, **options)
        if calls == number:
            die()
        return result

    return wrapped


def in_write(number: int) -> Callable[[Path], AbstractContextManager[Path]]:
    """Replace the atomic writer of checkpoints by one whose n-th write is cut off half-way."""
    original, writes = atomic_path, 0

    @contextmanager
    def cut(target: Path) -> Any:
        nonlocal writes
        writes += 1
        with original(target) as temporary:
            yield temporary
            if writes == number:
                os.truncate(temporary, temporary.stat().st_size // 2)
                die()

    return cut


def plant(moment: str, number: int) -> None:
    """Arrange for the process to die at a moment."""
    match moment:
        case "step":
            loop.Trainer._step = at_call(number, loop.Trainer._step)  # type: ignore[method-assign]
        case "validation":
            validation.predict_logits = at_call(number, validation.predict_logits)
        case "write":
            state.atomic_path = in_write(number)  # type: ignore[assignment, attr-defined]
        case "saved":
            state.save_checkpoint = at_call(number, state.save_checkpoint)
        case "average":
            averaging.Averages.update = at_call(number, averaging.Averages.update)  # type: ignore[method-assign]
        case "statistics":
            finishing.estimate_batch_norm = at_call(number, finishing.estimate_batch_norm)  # type: ignore[attr-defined]
        case "recipe":
            train.save_recipe = at_call(number, train.save_recipe)  # type: ignore[attr-defined]
        case "export":
            train.check_onnx = at_call(number, train.check_onnx)  # type: ignore[attr-defined]
        case "model":
            model_folder.read_model_folder = at_call(number, model_folder.read_model_folder)
        case "report":
            evaluate_run.write_run_report = at_call(number, evaluate_run.write_run_report)  # type: ignore[attr-defined]
        case "never":
            return
        case other:
            raise SystemExit(f"no such moment: {other}")


if __name__ == "__main__":
    from smearlab.__main__ import main

    torch.set_num_threads(1)
    plant(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
