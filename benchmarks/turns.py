"""Contenders take turns: each lives in a process of its own, and measures one epoch when it is told to.

A process of its own keeps what one contender sets (deterministic algorithms, threads, precision) away from the others,
and lets a peer live in another virtual environment. This module needs the standard library only, so that it can.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Self

_MARK = "RESULT "


@dataclass(frozen=True)
class Job:
    """One thing to measure.

    Attributes:
        data: folder of ``images.npy`` (``uint8 (N, size, size, 3)``) and ``labels.npy`` (``int64 (N,)``).
        network: timm's name; peers take their own counterpart.
        policy: ``flips`` or ``geometry``.
        precision: ``float32`` or ``bfloat16``.
        steps: in one turn.
        batch_size: pictures per step.
        threads: of the arithmetic.
        workers: processes that prepare pictures beside it.
        clip: clip the gradient, where a contender leaves that open.
    """

    data: str
    network: str
    policy: str
    precision: str
    steps: int
    batch_size: int = 64
    threads: int = 2
    workers: int = 0
    clip: bool = False

    @property
    def pictures(self) -> int:
        """How many pictures one turn trains on."""
        return self.steps * self.batch_size


@dataclass(frozen=True)
class Turn:
    """One turn's measurement.

    Attributes:
        rate: pictures per second of wall time.
        processor: seconds of processor time per thousand pictures, which other work on the machine changes little; 0
            where it was not measured.
    """

    rate: float
    processor: float = 0.0


class Stopwatch:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def turn(self, pictures: int) -> Turn:
        """Return the measurement of this many pictures."""
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        return Turn(pictures / wall, 1000 * processor / pictures)


def jobs() -> Iterator[Job]:
    """Yield the jobs that the other side sends, one per turn, until it closes the pipe."""
    for line in sys.stdin:
        yield Job(**json.loads(line))


def answer(turn: Turn) -> None:
    """Send one turn's measurement back."""
    print(_MARK + json.dumps(asdict(turn)), flush=True)


def serve(make: Callable[[Job], Callable[[], Turn]]) -> None:
    """Answer all jobs, making each kind's contender once; its first turn is thrown away as a warm-up."""
    made: dict[Job, Callable[[], Turn]] = {}
    for job in jobs():
        if job not in made:
            made[job] = make(job)
            made[job]()
        answer(made[job]())


class Contender:
    """The other side of `serve`: a process that measures what it is sent."""

    def __init__(self, module: str, python: str = sys.executable) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [python, "-m", f"benchmarks.{module}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def measure(self, job: Job) -> Turn:
        """Have one turn measured.

        Raises:
            RuntimeError: the process ended; its last words are in the message.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asdict(job)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self._last_words()) from None
        for line in self._process.stdout:
            if line.startswith(_MARK):
                return Turn(**json.loads(line.removeprefix(_MARK)))
        raise RuntimeError(self._last_words())

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-2000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
