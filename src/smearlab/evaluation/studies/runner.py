"""Doing the tasks of a study: one after another or in several processes, and going on after a kill."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from smearlab.data.progress import progress
from smearlab.errors import TrainingInterrupted
from smearlab.evaluation.studies.material import Material
from smearlab.evaluation.studies.trained import do_task
from smearlab.report.text import duration
from smearlab.training.workers import in_processes, threads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from smearlab.evaluation.studies.folder import StudyFolder
    from smearlab.evaluation.studies.plan import Task


@dataclass(frozen=True)
class Work:
    """What a worker needs for a task; travels to its process.

    Attributes:
        folder: of the study.
        task: what to do.
        keep_model: whether other cells rest on its network.
        threads: of the arithmetic.
    """

    folder: StudyFolder
    task: Task
    keep_model: bool
    threads: int


def do_tasks(folder: StudyFolder, tasks: Sequence[Task], jobs: int) -> None:
    """Do every task that is not done yet.

    Args:
        folder: of the study.
        tasks: all of them; those of cells that use the networks of others are done last.
        jobs: processes.

    Raises:
        TrainingInterrupted: the user stopped it; what is done stays done.
        TrainingError: a training failed.
    """
    kept = {name for task in tasks for name in task.cell.of}
    threads = threads_of(jobs)
    pending = [
        Work(folder, task, task.cell.name in kept, threads)
        for task in tasks
        if not folder.is_done(task, keep_model=task.cell.name in kept)
    ]
    tell = _teller(len(pending), len(tasks))
    try:
        with progress("Cells", len(pending), lines=False) as advance:
            for resting in (False, True):  # cells that rest on others begin when all of these are done
                wave = [work for work in pending if bool(work.task.cell.of) == resting]
                with closing(_done(wave, jobs)) as finished:
                    for task in finished:
                        advance(1)
                        tell(folder.read_facts(task) or {"failed": folder.read_failure(task)}, task)
    except (KeyboardInterrupt, TrainingInterrupted):
        done = sum(folder.is_done(task) for task in tasks)
        raise TrainingInterrupted(
            f"Stopped with {done} of {len(tasks)} cells done. To go on, give the same command again."
        ) from None


def _done(wave: Sequence[Work], jobs: int) -> Generator[Task, None, None]:
    """Do one task after the other, here or in processes, and yield each as it is done."""
    if jobs > 1 and len(wave) > 1:
        yield from in_processes(_do, wave, jobs)
    else:
        yield from map(_do, wave)


_OPENED: dict[Path, Material] = {}


def _do(work: Work) -> Task:
    torch.set_num_threads(work.threads)
    place = work.folder.material
    material = _OPENED.setdefault(place, Material.load(place))
    do_task(work.folder, material, work.task, keep_model=work.keep_model)
    return work.task


def _teller(pending: int, total: int) -> Callable[[dict[str, Any], Task], None]:
    """Return a function that says in a line how far the study is, on standard error."""
    begun, done = time.monotonic(), 0

    def tell(facts: dict[str, Any], task: Task) -> None:
        nonlocal done
        done += 1
        left = (time.monotonic() - begun) / done * (pending - done)
        figures = f"failed: {facts['failed']}" if "failed" in facts else _figures(facts)
        where = f"{total - pending + done}/{total} {task.cell.name}, seed {task.seed}"
        print(f"{where}: {figures}; {duration(left)} left", file=sys.stderr, flush=True)

    return tell


def _figures(facts: dict[str, Any]) -> str:
    return f"clean {facts['clean']:.3f}, altered {facts['altered']:.3f}, {duration(facts['seconds'])}"
