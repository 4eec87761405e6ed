"""How fast pictures are read: a Parquet file and a folder of JPEGs, beside torchvision's ImageFolder, in one run.

    python benchmarks/reading.py [cells.parquet] [--threads 2] [--rounds 3]

The Parquet file may also be named by the environment variable PBC. Its pictures are written to a temporary folder as
they are, so both readers decode the same JPEG bytes with the same number of cores. Every reader ends with all pixels at
hand as uint8; the readers take turns, and the best round of each counts, because other work on the machine only ever
makes a round slower. The files are in the page cache from the second round on, for both alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import PILToTensor

import smearlab
from smearlab.data.forms.opening import open_form
from smearlab.data.read import read


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    _use_cores(options.threads)
    with tempfile.TemporaryDirectory(prefix="smearlab-reading-") as temporary:
        jpegs, cache = Path(temporary) / "jpegs", Path(temporary) / "cache"
        os.environ["SMEARLAB_CACHE"] = str(cache)
        count = _write_jpegs(options.parquet, jpegs)
        readers: dict[str, Callable[[], int]] = {
            "smearlab: Parquet, cold": lambda: _all_pixels(options.parquet),
            "smearlab: Parquet, cached": lambda: len(read(options.parquet)),
            "smearlab: JPEG folder, cold": lambda: _all_pixels(jpegs),
            "smearlab: JPEG folder, cached": lambda: len(read(jpegs)),
            "torchvision: ImageFolder, plain loop": lambda: _plain_loop(jpegs),
            f"torchvision: ImageFolder, {options.threads} workers": lambda: _data_loader(jpegs, options.threads),
        }
        seconds = _best(readers, options.rounds, count, cache)
    _print_table(seconds, count, options.threads)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare how fast pictures are read.")
    parser.add_argument("parquet", nargs="?", default=os.environ.get("PBC"), help="Parquet file of JPEG pictures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if options.parquet is None or not Path(options.parquet).is_file():
        parser.error("name a Parquet file of pictures, as an argument or in the environment variable PBC")
    return options


def _use_cores(threads: int) -> None:
    """Bind this process and its workers to as many cores as it has threads, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    torch.set_num_threads(threads)


def _write_jpegs(parquet: str, folder: Path) -> int:
    form = open_form(parquet)
    names = form.labelling().declared
    count = 0
    for entry in form.entries():
        label = entry.label if names is None or not isinstance(entry.label, int) else names[entry.label]
        path = folder / str(label) / f"{entry.row:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry.content, bytes):
            count += path.write_bytes(entry.content) > 0
    return count


def _all_pixels(data: str | Path) -> int:
    """Read, and look at every pixel once, so that no work is left for later."""
    cells = read(data)
    np.asarray(cells.images).max()
    return len(cells)


def _plain_loop(folder: Path) -> int:
    return len([np.asarray(picture) for picture, _ in ImageFolder(str(folder))])


def _data_loader(folder: Path, workers: int) -> int:
    pictures = ImageFolder(str(folder), transform=PILToTensor())
    loader = DataLoader(pictures, batch_size=256, num_workers=workers)
    return len(torch.cat([batch for batch, _ in loader]))


def _best(readers: dict[str, Callable[[], int]], rounds: int, count: int, cache: Path) -> dict[str, float]:
    best = dict.fromkeys(readers, float("inf"))
    for _ in range(rounds):
        for name, reader in readers.items():
            if name.endswith("cold"):
                shutil.rmtree(cache, ignore_errors=True)
            start = time.perf_counter()
            found = reader()
            best[name] = min(best[name], time.perf_counter() - start)
            if found != count:
                sys.exit(f"{name} read {found} pictures instead of {count}")
    return best


def _print_table(seconds: dict[str, float], count: int, threads: int) -> None:
    peer = min(value for name, value in seconds.items() if name.startswith("torchvision"))
    table = Table(title=f"Reading {count:,} pictures on {threads} cores")
    for column in ("reader", "seconds", "pictures/s", "ratio to torchvision's best"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.3f}", f"{count / value:,.0f}", f"{peer / value:.2f}")
    console = Console(width=max(100, Console().width))
    console.print(table)
    versions = {
        **{"smearlab": smearlab.__version__, "Pillow": PIL.__version__, "NumPy": np.__version__},
        **{"torch": torch.__version__, "torchvision": torchvision.__version__, "Python": platform.python_version()},
    }
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(", ".join(f"{name} {version}" for name, version in versions.items()))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores in the machine, {threads} used by each reader; {load}")


if __name__ == "__main__":
    main()
