"""The web service under load: `smearlab serve` as a child, at its capacity, and over many requests.

    python -m benchmarks.serving [DATA] [--seconds 60] [--clients 32] [--requests 20000] [--model default]

To reach: no error but 429 with 32 clients for 60 s; p99 at most 5 times p50; memory flat over 20,000 requests, of
which every tenth is malformed. The clients run in this process and share the machine with the server.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.load_client import Answers, prepared, send_all, send_for
from benchmarks.machine import describe_machine
from benchmarks.results import markdown_table, write_section
from smearlab.data.read import read

LIBRARIES = ("smearlab", "onnxruntime", "fastapi", "uvicorn", "pillow", "numpy")
PICTURES = 64
MOST_SPREAD = 5.0
MOST_GROWTH = 0.02
"""Memory after all requests over that after the first half: what the allocator keeps varies by about this much."""
_MIB = 2**20


@dataclass(frozen=True)
class Server:
    """A running server."""

    host: str
    port: int

    def memory(self) -> float:
        """Return its resident memory in MiB, as it counts it itself."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/metrics") as answer:
            text = answer.read().decode()
        found = re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)
        return float(found[1]) / _MIB if found else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    pictures = encoded(options.data)
    with running(options.model, options.threads) as server:
        singles = [prepared(server.host, server.port, [picture]) for picture in pictures]
        send_for(server.host, server.port, singles, options.clients, min(3.0, options.seconds))  # warms up
        loads = [
            (1, send_for(server.host, server.port, singles, 1, options.seconds / 4)),
            (options.clients, send_for(server.host, server.port, singles, options.clients, options.seconds)),
        ]
    with running(options.model, options.threads) as server:
        growth = memory_over(server, pictures, options.requests)
    body = f"{load_table(loads)}\n\n{memory_table(growth, options.requests)}"
    print(f"{describe_machine(LIBRARIES)}\n\n{body}")
    if options.write:
        write_section("The web service", body, LIBRARIES)
    if any(answers.faults for _, answers in loads):
        sys.exit("some requests failed")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("PBC", "demo"), help="cells in any form")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2, help="of the network")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    return parser.parse_args(arguments)


def encoded(data: str) -> list[bytes]:
    """Return some pictures as JPEG and PNG files."""
    images = read(data, labelled=False).images
    chosen = np.linspace(0, len(images) - 1, PICTURES).astype(int).tolist()
    files = []
    for place, form in zip(chosen, ("JPEG", "PNG") * PICTURES, strict=False):
        file = io.BytesIO()
        Image.fromarray(np.asarray(images[place])).save(file, form)
        files.append(file.getvalue())
    return files


@contextmanager
def running(model: str, threads: int) -> Iterator[Server]:
    """Run a server as a child for the block."""
    command = [sys.executable, "-m", "smearlab", "serve", "--model", model, "--port", "0", "--threads", str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        place = re.search(r"http://([\d.]+):(\d+)", said)
        if place is None:
            sys.exit(f"the server did not start: {said}")
        yield Server(place[1], int(place[2]))
        process.terminate()


def memory_over(server: Server, pictures: Sequence[bytes], number: int) -> list[tuple[int, float]]:
    """Send requests, every tenth of them malformed, and return the server's memory along the way."""
    rng = np.random.default_rng(0)
    found = []
    for start in range(0, number, step := max(1, number // 20)):
        requests = []
        for place in range(start, min(number, start + step)):
            picture = pictures[place % len(pictures)]
            if place % 10 == 0:
                kept = int(rng.integers(20, len(picture)))
                picture = picture[:kept] + rng.bytes(40)
            requests.append(prepared(server.host, server.port, [picture]))
        send_all(server.host, server.port, requests, clients=8)
        found.append((start + len(requests), server.memory()))
    return found


def load_table(loads: Sequence[tuple[int, Answers]]) -> str:
    """Lay out how fast requests of one picture were answered."""
    rows = []
    for clients, answers in loads:
        p50, p99 = np.quantile(answers.seconds, [0.5, 0.99])
        rows.append(
            [
                str(clients),
                f"{answers.wall:.0f}",
                f"{len(answers.seconds) / answers.wall:.0f}",
                f"{1000 * p50:.1f}",
                f"{1000 * p99:.1f}",
                f"{p99 / p50:.1f}",
                str(answers.statuses[429]),
                str(answers.faults),
            ]
        )
    spread = f"p99 / p50 (to reach: ≤ {MOST_SPREAD:g})"
    header = [
        "clients",
        "seconds",
        "pictures/s",
        "p50 ms",
        "p99 ms",
        spread,
        "told to come again",
        "failed (to reach: 0)",
    ]
    return f"Requests of one picture each.\n\n{markdown_table(header, rows)}"


def memory_table(growth: Sequence[tuple[int, float]], number: int) -> str:
    """Lay out the server's memory along the way."""
    half = [memory for sent, memory in growth if sent <= number // 2]
    middle = statistics.median(half[len(half) // 2 :])
    last = statistics.median([memory for _, memory in growth[-max(1, len(growth) // 4) :]])
    grown = last / middle - 1
    flat = "yes" if grown <= MOST_GROWTH else "no"
    row = [f"{number:,}", f"{growth[0][1]:.0f}", f"{middle:.0f}", f"{last:.0f}", f"{max(m for _, m in growth):.0f}"]
    header = ["requests", "MiB after 5 %", "in the second quarter", "in the last quarter", "most", "grown", "flat"]
    return f"Every tenth request was malformed.\n\n{markdown_table(header, [[*row, f'{100 * grown:+.1f} %', flat]])}"


if __name__ == "__main__":
    main()
