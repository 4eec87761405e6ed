"""What a command cost: time, processor time and peak memory of one child, whatever other children there were."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks.memory import Cost

_GIB = 2**30


def run_measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command and return what it cost; what it says goes to standard error.

    Args:
        command: program and arguments.
        environment: variables that are set besides this process's own.

    Raises:
        OSError: there is no such program, or the system (Windows) cannot say what a single child cost.
    """
    if not hasattr(os, "wait4"):
        raise OSError("This system does not say what a single child cost; measure on Linux or macOS.")
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=sys.stderr, env={**os.environ, **(environment or {})})
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        peak=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _GIB,  # macOS counts bytes, Linux KiB
        seconds=time.monotonic() - begun,
        processor=used.ru_utime + used.ru_stime,
        status=child.returncode,
    )
