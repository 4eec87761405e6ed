"""What made a result: the revision of the code and the device."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import torch

import smearlab
from smearlab.training.devices import processes


@cache
def revision() -> str:
    """Return the checkout's commit, with a plus sign where its code was changed since; else the package's version."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    if not commit:
        return smearlab.__version__
    return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no", "--", ".") else "")


def _git(*arguments: str) -> str:
    place = Path(smearlab.__file__).parent
    try:
        done = subprocess.run(["git", "-C", str(place), *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def device_name() -> str:
    """Return the name of the GPU, or ``cpu`` with its threads."""
    device = processes().device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else device.type
