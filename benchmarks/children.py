"""What a command cost: time, processor time and peak memory of one child, whatever other children there were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.memory import Cost

# Linux counts what the parent held at the moment of the fork as the child's peak, so a small process has to be the
# parent. It sends what its child says to standard error.
_LAUNCHER = """
import json, resource, subprocess, sys, time
begun = time.monotonic()
status = subprocess.call(sys.argv[2:], stdout=sys.stderr)
seconds, used = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30  # macOS counts bytes, Linux KiB
cost = {"peak": peak, "seconds": seconds, "processor": used.ru_utime + used.ru_stime, "status": status}
with open(sys.argv[1], "w") as file:
    json.dump(cost, file)
"""


def run_measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command and return what it cost; what it says goes to standard error.

    Args:
        command: program and arguments.
        environment: variables that are set besides this process's own.

    Raises:
        CalledProcessError: there is no such program, or the system (Windows) does not say what a child cost.
    """
    with tempfile.TemporaryDirectory(prefix="smearlab-cost-") as temporary:
        table = Path(temporary) / "cost.json"
        launch = [sys.executable, "-c", _LAUNCHER, str(table), *command]
        subprocess.run(launch, env={**os.environ, **(environment or {})}, check=True)
        return Cost(**json.loads(table.read_text(encoding="utf-8")))
