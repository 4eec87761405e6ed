"""Trainings side by side: how many processes, how they are started, and that they end with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, TypeVar

import torch

from smearlab.data.loading import threads_at_hand
from smearlab.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

Work = TypeVar("Work")
Result = TypeVar("Result")
_DEFAULT_JOBS = 4


def choose_jobs(asked: int | None) -> int:
    """Return how many processes to use: as asked, else one per core up to four, and one alone where a GPU works.

    Small networks gain little from a second thread, so a process for each core is faster than a thread.

    Raises:
        TrainingError: fewer than one was asked for.
    """
    if asked is not None and asked < 1:
        raise TrainingError(f"--jobs {asked}: give at least 1.")
    if asked is not None:
        return asked
    return 1 if torch.cuda.is_available() else min(_DEFAULT_JOBS, threads_at_hand())


def threads_of(jobs: int) -> int:
    """Return how many threads each of several processes may use, where one alone would use torch's number."""
    return max(1, torch.get_num_threads() // jobs)


def in_processes(do: Callable[[Work], Result], works: Sequence[Work], jobs: int) -> Generator[Result, None, None]:
    """Do several works in processes of their own and yield their results as they come.

    Args:
        do: a function of a module, which the processes can import.
        works: what each takes; travels to its process.
        jobs: processes at once.

    Raises:
        TrainingError: a process was killed.
        Exception: whatever a work raised; those that have not begun are given up, those under way are told to stop.
    """
    others = set(multiprocessing.active_children())
    # Forked processes would share torch's thread pool and hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(works)), context, initializer=_start_worker)
    begun: set[Future[Result]] = set()
    try:
        # No more than work at once: what a pool has queued cannot be taken back, and would begin after a stop.
        waiting = iter(works)
        while begun := begun | {pool.submit(do, work) for work in islice(waiting, jobs - len(begun))}:
            finished, begun = wait(begun, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    except BrokenProcessPool as error:
        raise TrainingError(
            "A process was killed, perhaps for want of memory. Give the same command again, with fewer --jobs, to go "
            "on."
        ) from error
    finally:
        if begun:  # stopped, failed, or nobody wants the rest
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()  # the training loop then saves its state; all else is written whole or not at all
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the training loop, which saves its state, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
