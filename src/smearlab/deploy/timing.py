"""How long a network takes for a picture, and how many it names in a second."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 64
CORES = (1, 2)
_WARM_UP, _LEAST = 2, 5  # calls


@dataclass(frozen=True)
class Speed:
    """The speed of one network with some cores.

    Attributes:
        cores: how many threads computed.
        latency_ms: median time of a call with one picture, in milliseconds.
        pictures_per_second: in calls with `BATCH` pictures, by their median time.
    """

    cores: int
    latency_ms: float
    pictures_per_second: float


def cores_at_hand() -> list[int]:
    """Return those of `CORES` that this process has."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [cores for cores in CORES if cores <= count]


def speed_of(cores: int, one: Callable[[], object], batch: Callable[[], object], seconds: float = 1.0) -> Speed:
    """Time a network.

    Args:
        cores: threads that it was set to.
        one: names one picture.
        batch: names `BATCH` pictures.
        seconds: about how long to measure each, after a warm-up.
    """
    return Speed(cores, 1000 * median_seconds(one, seconds), BATCH / median_seconds(batch, seconds))


def median_seconds(call: Callable[[], object], seconds: float) -> float:
    """Return the median time of a call, in seconds, repeated for about so long and at least five times."""
    for _ in range(_WARM_UP):
        call()
    times: list[float] = []
    while len(times) < _LEAST or sum(times) < seconds:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
