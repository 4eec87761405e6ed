"""How the cost of an audit grows with the number of pictures.

    python -m benchmarks.audit_scaling [--parts neighbours copies quick] [--sizes 1000 10000 100000] [--largest 1000000]

Three parts are measured, each in a process of its own, so that peak memory is its own too:

- ``neighbours``: the 8 nearest neighbours of every row of synthetic features (256 dimensions, of which 24 carry most);
- ``copies``: exact and near copies among synthetic pictures of 48×48 in a memory-mapped file, 2 % of them copies;
- ``quick``: the whole of ``smearlab audit --quick`` on such pictures.

Neighbours alone are measured at ``--largest`` too. ``--peer`` adds hnswlib, where it is installed. Processor seconds
are what counts on a machine that does other work as well: growth no worse than n·log n shows as a last column that does
not rise. Each part has a section of its own in RESULTS.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.machine import describe_machine, use_cores
from benchmarks.results import markdown_table, write_section
from smearlab.data.distances import Neighbours
from smearlab.data.index import NearestNeighbours

if TYPE_CHECKING:
    from smearlab.data.cells import UInt8Array
    from smearlab.data.distances import Float32Array

LIBRARIES = ("numpy", "pillow", "faiss-cpu", "hnswlib", "onnxruntime")
TITLE = "Growth of the cost of {}"
NEIGHBOURS = ("neighbours", "hnswlib")
SIDE, NEAREST, CARRYING = 48, 8, 24
COPIED = 50  # one picture in so many is a copy
_GIB = 1024**3
_MARK = "RESULT "
_CHUNK = 10_000


@dataclass(frozen=True)
class Cost:
    """What one measurement took.

    Attributes:
        seconds: of wall time.
        processor: seconds of all threads together.
        peak: largest resident memory in GiB, with what was searched.
        found: in words.
    """

    seconds: float
    processor: float
    peak: float
    found: str


def features(count: int, dimensions: int, seed: int = 0) -> Float32Array:
    """Draw clustered features of which few directions carry most: ``float32 (count, dimensions)``."""
    rng = np.random.default_rng(seed)
    carrying = min(CARRYING, dimensions)
    centres = 1.5 * rng.normal(size=(64, carrying))
    basis = rng.normal(size=(carrying, dimensions)) / math.sqrt(carrying)
    drawn = np.empty((count, dimensions), dtype=np.float32)
    for start in range(0, count, _CHUNK):
        rows = drawn[start : start + _CHUNK]
        inner = centres[rng.integers(0, 64, len(rows))] + rng.normal(size=(len(rows), carrying))
        rows[:] = inner @ basis + 0.1 * rng.normal(size=rows.shape)
    return drawn


def pictures(count: int, seed: int = 0) -> Iterator[UInt8Array]:
    """Draw round purple cells with grain of their own: ``uint8 (48, 48, 3)``; some are copies."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    rng = np.random.default_rng(seed)
    picture = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    for number in range(count):
        if number % (2 * COPIED) == COPIED:
            yield np.flip(picture, axis=1)
            continue
        if number % (2 * COPIED) == 2 * COPIED - 1:
            yield picture
            continue
        grain = Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8)).resize((SIDE, SIDE))
        distance = np.hypot(rows - rng.uniform(20, 28), columns - rng.uniform(20, 28))
        inside = np.clip(rng.uniform(10, 18) - distance, 0, 1)[..., None]
        stained = np.array([120, 70, 150]) + 0.6 * (np.asarray(grain)[..., None] - 128.0)
        picture = (inside * stained + (1 - inside) * np.array([245, 225, 205])).astype(np.uint8)
        yield picture


def measure_neighbours(count: int, dimensions: int) -> Cost:
    """Find the neighbours of every row."""
    drawn = features(count, dimensions)
    watch = _Watch()
    index = NearestNeighbours(drawn)
    cost = watch.cost(index.of_each_other(NEAREST), drawn)
    return Cost(
        cost.seconds, cost.processor, cost.peak, f"{'all compared' if index.exact else 'clusters'}, {cost.found}"
    )


def measure_hnswlib(count: int, dimensions: int) -> Cost:
    """Do the same by a graph (Malkov & Yashunin 2018), for comparison."""
    import hnswlib

    drawn = features(count, dimensions)
    watch = _Watch()
    graph = hnswlib.Index("l2", dimensions)
    graph.init_index(count, M=16, ef_construction=60)
    graph.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    graph.add_items(drawn)
    graph.set_ef(32)
    positions, squares = graph.knn_query(drawn, NEAREST + 1)
    cost = watch.cost(Neighbours(positions[:, 1:].astype(np.int64), np.sqrt(squares[:, 1:])), drawn)
    return Cost(cost.seconds, cost.processor, cost.peak, f"hnswlib, {cost.found}")


def measure_copies(count: int, dimensions: int) -> Cost:
    """Find the copies among pictures in a memory-mapped file."""
    from benchmarks.near_copies import unlabelled
    from smearlab.audit.duplicates import find_copies

    with tempfile.TemporaryDirectory(prefix="smearlab-scaling-") as folder:
        cells = unlabelled(_stored(Path(folder) / "pictures.npy", count))
        watch = _Watch()
        found = find_copies(cells)
        cost = watch.cost(None, None)
    planted = 2 * len(range(COPIED, count, 2 * COPIED)) + 2 * len(range(2 * COPIED - 1, count, 2 * COPIED))
    return Cost(cost.seconds, cost.processor, cost.peak, f"{len(found):,} of {planted:,} copies")


def measure_quick(count: int, dimensions: int) -> Cost:
    """Run the command in a process of its own, and let the system count what it takes."""
    with tempfile.TemporaryDirectory(prefix="smearlab-scaling-") as folder:
        data = Path(folder) / "pictures.npz"
        stored = _stored(Path(folder) / "pictures.npy", count)
        np.savez(data, images=stored, labels=np.arange(count) % 8)
        os.environ["SMEARLAB_CACHE"] = str(Path(folder) / "cache")
        command = ["-m", "smearlab", "audit", str(data), "--out", str(Path(folder) / "audit"), "--quick"]
        begun = time.perf_counter()
        subprocess.run([sys.executable, *command], stdout=sys.stderr, check=True)
        seconds = time.perf_counter() - begun
        with (Path(folder) / "audit" / "findings.csv").open(encoding="utf-8") as file:
            lines = sum(1 for _ in file) - 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, used.ru_utime + used.ru_stime, _gibibytes(used.ru_maxrss), f"{lines:,} findings")


PARTS: dict[str, Callable[[int, int], Cost]] = {
    "neighbours": measure_neighbours,
    "copies": measure_copies,
    "quick": measure_quick,
    "hnswlib": measure_hnswlib,
}


class _Watch:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def cost(self, found: Neighbours | None, drawn: Float32Array | None) -> Cost:
        """Stop, and say which share of a few rows' true neighbours was found."""
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        peak = _gibibytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        words = "" if found is None or drawn is None else f"recall {_recall(found, drawn):.3f}"
        return Cost(wall, processor, peak, words)


def _recall(found: Neighbours, drawn: Float32Array, probes: int = 200) -> float:
    rows = np.random.default_rng(1).choice(len(drawn), min(probes, len(drawn)), replace=False)
    true = NearestNeighbours(drawn, exact=True).nearest(drawn[rows], NEAREST + 1).positions
    hits = [
        len(set(found.positions[row].tolist()) & set(all_of_it.tolist()) - {row})
        for row, all_of_it in zip(rows.tolist(), true, strict=True)
    ]
    return float(np.mean(hits)) / NEAREST


def _stored(path: Path, count: int) -> UInt8Array:
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, SIDE, SIDE, 3))
    for number, picture in enumerate(pictures(count)):
        stored[number] = picture
    stored.flush()
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _gibibytes(resident: int) -> float:
    return resident * (1 if sys.platform == "darwin" else 1024) / _GIB  # macOS counts bytes, Linux KiB


def in_process(part: str, count: int, dimensions: int) -> Cost:
    """Measure in a child process.

    Raises:
        RuntimeError: it failed; its last words are in the message.
    """
    command = [sys.executable, "-m", "benchmarks.audit_scaling", "--child", part, str(count), str(dimensions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            return Cost(**json.loads(line.removeprefix(_MARK)))
    raise RuntimeError(f"{part} at {count} failed: {done.stderr[-1000:]}")


def report(costs: dict[str, dict[int, Cost]]) -> str:
    """Lay out one table of all parts and sizes."""
    head = ["part", "what was found", "rows", "seconds", "processor s", "peak GiB", "µs of processor per n·log₂ n"]
    rows = [
        [
            part,
            cost.found,
            f"{count:,}",
            f"{cost.seconds:,.2f}",
            f"{cost.processor:,.2f}",
            f"{cost.peak:.2f}",
            f"{1e6 * cost.processor / (count * math.log2(count)):.2f}",
        ]
        for part, sizes in costs.items()
        for count, cost in sizes.items()
    ]
    return markdown_table(head, rows, words=2)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.child:
        part, count, dimensions = options.child
        print(_MARK + json.dumps(asdict(PARTS[part](int(count), int(dimensions)))))
        return
    use_cores(options.threads)
    costs: dict[str, dict[int, Cost]] = {}
    for part in [*options.parts, *(["hnswlib"] if options.peer else [])]:
        sizes = [*options.sizes, *([options.largest] if options.largest and part == "neighbours" else [])]
        costs[part] = {}
        for count in sizes:
            costs[part][count] = in_process(part, count, options.dimensions)
            print(part, count, costs[part][count], flush=True)
    _end(options, costs)


def _end(options: argparse.Namespace, costs: dict[str, dict[int, Cost]]) -> None:
    """Print the tables, one of neighbours and one for each of the other parts, and write them."""
    print(f"\n{describe_machine(LIBRARIES)}")
    for title, parts in {"neighbours": NEIGHBOURS, "copies": ("copies",), "audit --quick": ("quick",)}.items():
        measured = {part: costs[part] for part in parts if part in costs}
        if not measured:
            continue
        print(f"\n{report(measured)}")
        if options.write:
            write_section(TITLE.format(title), report(measured), LIBRARIES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit_scaling", description=(__doc__ or "").split("\n")[0]
    )
    known = [part for part in PARTS if part != "hnswlib"]
    parser.add_argument("--parts", nargs="+", choices=known, default=known)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--largest", type=int, default=1_000_000, help="rows of the neighbours alone; 0: none")
    parser.add_argument("--dimensions", type=int, default=256, help="of the features")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", action="store_true", help="measure hnswlib too")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    parser.add_argument("--child", nargs=3, metavar=("PART", "ROWS", "DIMENSIONS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peer and importlib.util.find_spec("hnswlib") is None:
        parser.error("hnswlib is not installed: pip install hnswlib (it needs a C++ compiler)")
    return options


if __name__ == "__main__":
    main()
