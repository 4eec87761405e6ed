"""What a figure was measured on: processor, cores, load and versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


def use_cores(threads: int) -> None:
    """Bind this process and its children to as many cores as it has threads, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)


def processor() -> str:
    """Return the processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Return the processes that ran or waited in the last minute; NaN where the system does not count them."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def versions(libraries: Sequence[str]) -> str:
    """Name the installed versions of some distributions, and Python's."""
    found = []
    for name in libraries:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([f"Python {platform.python_version()}", *found])


def describe_machine(libraries: Sequence[str]) -> str:
    """Say in one line what was measured on."""
    return (
        f"{processor()} ({platform.machine()}), {os.cpu_count()} cores, {cores()} used, load {load():.1f} · "
        f"{platform.system()} · {versions(libraries)}"
    )


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Write the median and, in brackets, the least and the greatest value."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"
