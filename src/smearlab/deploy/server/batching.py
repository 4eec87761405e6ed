"""Micro-batching: the pictures of all requests go through one `Predictor`, several at a time, in one worker thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from smearlab.data.cells import UInt8Array
from smearlab.deploy.server.refusal import busy
from smearlab.inference.predictor import Predictions, Predictor, joined

SHARE = 16
"""Most pictures of one request in a batch while others wait, so that a large request holds up no small one."""


class _Job:
    """The pictures of one request, of which some may have been through the network."""

    def __init__(self, pictures: list[UInt8Array]) -> None:
        self.left = deque(pictures)
        self.parts: list[Predictions] = []
        self.done: asyncio.Future[Predictions] = asyncio.get_running_loop().create_future()

    def take(self, number: int) -> list[UInt8Array]:
        return [self.left.popleft() for _ in range(min(number, len(self.left)))]

    def give(self, part: Predictions) -> None:
        self.parts.append(part)
        if not self.left and not self.done.done():
            self.done.set_result(joined(self.parts))

    def fail(self, error: Exception) -> None:
        self.left.clear()
        if not self.done.done():
            self.done.set_exception(error)


class Batcher:
    """Gathers pictures while the network is at work, and gives it all that have come in as the next batch.

    Nobody waits for others to come: on an idle server a picture goes through alone at once.

    Attributes:
        predictor: the loaded model; only the worker thread runs it.
        waiting: pictures that have not yet been taken into a batch.
    """

    def __init__(
        self, predictor: Predictor, batch_size: int, most_waiting: int, observe: Callable[[int], None] = lambda _: None
    ) -> None:
        self.predictor = predictor
        self.waiting = 0
        self._batch_size = batch_size
        self._most_waiting = most_waiting
        self._observe = observe
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop working; what still waits is given up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for job in self._jobs:
            job.done.cancel()
        self._thread.shutdown()

    async def predict(self, pictures: list[UInt8Array]) -> Predictions:
        """Classify framed pictures, each ``uint8 (size, size, 3)``; their order is kept.

        Raises:
            Refusal: 429, too many pictures wait already.
            ModelError: the network gives values that are not finite.
        """
        if not pictures:
            size = self.predictor.framing.size
            return self.predictor.predict_framed(np.zeros((0, size, size, 3), np.uint8))
        if self.waiting and self.waiting + len(pictures) > self._most_waiting:
            raise busy(f"{self.waiting} pictures already wait for the network.")
        job = _Job(pictures)
        self._jobs.append(job)
        self.waiting += len(pictures)
        self._wake.set()
        return await job.done

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            taken = self._next_batch()
            batch = np.stack([picture for _, pictures in taken for picture in pictures])
            self._observe(len(batch))
            try:
                predictions = await loop.run_in_executor(self._thread, self.predictor.predict_framed, batch)
            except Exception as error:  # whatever happened to this batch, the next must be served
                for job, _ in taken:
                    self._forget(job)
                    job.fail(error)
                continue
            start = 0
            for job, pictures in taken:
                job.give(predictions.take(np.arange(start, start + len(pictures))))
                start += len(pictures)

    def _next_batch(self) -> list[tuple[_Job, list[UInt8Array]]]:
        """Take pictures of each waiting request in turn; what is left of one queues up again behind the others."""
        taken: list[tuple[_Job, list[UInt8Array]]] = []
        room, unfinished = self._batch_size, []
        while self._jobs and room:
            job = self._jobs.popleft()
            pictures = job.take(min(room, SHARE if self._jobs or taken else room))
            taken.append((job, pictures))
            room -= len(pictures)
            if job.left:
                unfinished.append(job)
        self._jobs.extend(unfinished)
        self.waiting -= sum(len(pictures) for _, pictures in taken)
        if not self._jobs:
            self._wake.clear()
        return taken

    def _forget(self, job: _Job) -> None:
        """Take a request whose batch failed out of the queue."""
        if job in self._jobs:
            self._jobs.remove(job)
            self.waiting -= len(job.left)
        if not self._jobs:
            self._wake.clear()
