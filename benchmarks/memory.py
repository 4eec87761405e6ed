"""How much memory and time the main job takes: `smearlab run DATA` as a child, measured by the system.

    python -m benchmarks.memory path/to/pbc96.parquet [--recipe R] [--set phases.0.epochs=1] [--out RUN]

Peak memory is the largest resident set of the process or of any one of its helpers, as the kernel counts it: pages of
the memory-mapped picture cache are in it, although the system can take them back.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import describe_machine, use_cores
from benchmarks.results import markdown_table, write_section

LIBRARIES = ("smearlab", "torch", "timm", "onnxruntime", "numpy")
TARGET = 3.0
_GIB = 2**30


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Attributes:
        peak: largest resident memory in GiB.
        seconds: wall time.
        processor: processor time in seconds, helpers included.
        status: the command's exit status.
    """

    peak: float
    seconds: float
    processor: float
    status: int


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    use_cores(options.threads)
    with tempfile.TemporaryDirectory(prefix="smearlab-memory-") as temporary:
        if options.cold:
            os.environ["SMEARLAB_CACHE"] = str(Path(temporary) / "cache")
        out = options.out or Path(temporary) / "run"
        cost = measure(["run", options.data, *_recipe(options), "--out", str(out)])
    if cost.status:
        sys.exit(f"smearlab run failed with status {cost.status}")
    body = report(Path(options.data).stem, options, cost)
    print(f"{describe_machine(LIBRARIES)}\n\n{body}")
    if options.write:
        write_section("Memory and time of the main job", body, LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "data", nargs="?", default=os.environ.get("PBC", "demo"), help="cells in any form (PBC, else demo)"
    )
    parser.add_argument("--recipe", help="a recipe's name or file")
    parser.add_argument(
        "--set", dest="values", nargs="+", default=[], metavar="KEY=VALUE", help="as smearlab run takes it"
    )
    parser.add_argument("--out", type=Path, help="keep the run here; otherwise it is removed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cold", action="store_true", help="decode the pictures anew, into a cache of its own")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def _recipe(options: argparse.Namespace) -> list[str]:
    named = ["--recipe", options.recipe] if options.recipe else []
    return [*named, *(word for value in options.values for word in ("--set", value))]


def measure(arguments: Sequence[str]) -> Cost:
    """Run smearlab in a child and return what it cost; what it says goes to standard error."""
    begun = time.monotonic()
    status = subprocess.run([sys.executable, "-m", "smearlab", *arguments], stdout=sys.stderr, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(
        peak=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _GIB,  # macOS counts bytes, Linux KiB
        seconds=time.monotonic() - begun,
        processor=used.ru_utime + used.ru_stime,
        status=status,
    )


def report(data: str, options: argparse.Namespace, cost: Cost) -> str:
    """Lay out one run's cost."""
    recipe = " ".join([options.recipe or "its default recipe", *options.values])
    row = [data, recipe, f"{cost.peak:.2f}", f"{cost.seconds / 60:.1f}", f"{cost.processor / 60:.1f}"]
    header = ["data", "recipe", f"peak GiB (to reach: ≤ {TARGET:.0f})", "minutes", "processor minutes"]
    return markdown_table(header, [row], words=2)


if __name__ == "__main__":
    main()
