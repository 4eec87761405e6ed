"""How long smearlab takes to answer: `import smearlab` and `smearlab --help`, each in a fresh process.

    python -m benchmarks.startup [--rounds 9]

The figures are medians of wall time, the start of the interpreter included and also told apart, since it is not
smearlab's to shorten. Neither may load PyTorch.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.machine import describe_machine, spread
from benchmarks.results import markdown_table, write_section

LIBRARIES = ("smearlab", "cyclopts", "rich", "numpy", "pillow")
_HEAVY = ("torch", "torchvision", "timm", "accelerate", "onnxruntime", "matplotlib")


@dataclass(frozen=True)
class Start:
    """A thing to start, and how long it may take.

    Attributes:
        name: for the table.
        code: what Python runs.
        limit: seconds; 0 for none.
    """

    name: str
    code: str
    limit: float = 0.0


STARTS = (
    Start("Python alone", "pass"),
    Start("import smearlab", "import smearlab", 0.3),
    Start("smearlab --help", "from smearlab.__main__ import main; main(['--help'])", 0.5),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    options = parser.parse_args(arguments)
    seconds = take_turns(options.rounds)
    rows = [[start.name, *_figures(start, seconds[start.name])] for start in STARTS]
    header = ["what", "seconds (least–greatest)", "may take", "reached", "heavy libraries loaded"]
    body = f"Median wall time of {options.rounds} fresh processes.\n\n{markdown_table(header, rows)}"
    print(f"{describe_machine(LIBRARIES)}\n\n{body}")
    if options.write:
        write_section("Start-up", body, LIBRARIES)


def take_turns(rounds: int) -> dict[str, list[float]]:
    """Time every start once, then all again; a first, untimed round fills the file cache."""
    seconds: dict[str, list[float]] = {start.name: [] for start in STARTS}
    for number in range(rounds + 1):
        for start in STARTS:
            begun = time.perf_counter()
            _python(start.code)
            if number:
                seconds[start.name].append(time.perf_counter() - begun)
    return seconds


def heavy_libraries(code: str) -> list[str]:
    """Name the large libraries that are loaded once this code has run."""
    run = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
    ask = f"{run}print('\\n', *sorted(set({_HEAVY!r}) & set(sys.modules)))"
    return _python(ask).splitlines()[-1].split()


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def _figures(start: Start, seconds: Sequence[float]) -> list[str]:
    loaded = ", ".join(heavy_libraries(start.code)) or "none"
    if not start.limit:
        return [spread(seconds, 3), "–", "–", loaded]
    reached = "yes" if statistics.median(seconds) <= start.limit and loaded == "none" else "no"
    return [spread(seconds, 3), f"{start.limit:.1f}", reached, loaded]


if __name__ == "__main__":
    main()
