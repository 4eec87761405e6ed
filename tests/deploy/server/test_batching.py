"""The batcher: every picture's own answer, in order, however requests come together; and no failure is for good."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from tests.inference.tiny_model import CLASS_NAMES

from smearlab.data.cells import UInt8Array
from smearlab.deploy.server.batching import SHARE, Batcher
from smearlab.deploy.server.refusal import Refusal
from smearlab.errors import ModelError
from smearlab.inference.predictor import Predictions, Predictor


def flat(channel: int) -> UInt8Array:
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., channel] = 200
    return image


def run(predictor: Predictor, work: Callable[[Batcher], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    async def whole() -> Any:
        batcher = Batcher(
            predictor,
            options.get("batch_size", 8),
            options.get("waiting", 1_000),
            options.get("observe", lambda _: None),
        )
        batcher.start()
        try:
            return await asyncio.wait_for(work(batcher), 60)
        finally:
            await batcher.stop()

    return asyncio.run(whole())


class Gated:
    """A predictor that waits until it is let go."""

    def __init__(self, predictor: Predictor) -> None:
        self.framing = predictor.framing
        self.gate = threading.Event()
        self.batches: list[int] = []
        self.faults: list[Exception] = []
        self._predictor = predictor

    def predict_framed(self, batch: UInt8Array) -> Predictions:
        self.gate.wait(30)
        self.batches.append(len(batch))
        if self.faults:
            raise self.faults.pop()
        return self._predictor.predict_framed(batch)


def test_each_request_gets_its_own_answers(predictor: Predictor) -> None:
    rng = np.random.default_rng(0)
    wanted = [rng.integers(0, 3, size).tolist() for size in (1, 5, 40, 1, 17, 3)]

    async def work(batcher: Batcher) -> list[Predictions]:
        return list(await asyncio.gather(*(batcher.predict([flat(one) for one in some]) for some in wanted)))

    found = run(predictor, work)
    for some, predictions in zip(wanted, found, strict=True):
        assert predictions.labels.tolist() == [CLASS_NAMES[one] for one in some]


def test_pictures_gather_while_the_network_works(predictor: Predictor) -> None:
    gated = Gated(predictor)

    async def work(batcher: Batcher) -> None:
        tasks = [asyncio.create_task(batcher.predict([flat(0)])) for _ in range(13)]
        await asyncio.sleep(0.05)
        gated.gate.set()
        await asyncio.gather(*tasks)

    sizes: list[int] = []
    run(gated, work, batch_size=8, observe=sizes.append)  # type: ignore[arg-type]
    assert gated.batches == sizes == [8, 5]


def test_a_large_request_holds_up_no_small_one(predictor: Predictor) -> None:
    gated = Gated(predictor)
    ended: list[str] = []

    async def ask(batcher: Batcher, name: str, number: int) -> None:
        await batcher.predict([flat(1)] * number)
        ended.append(name)

    async def work(batcher: Batcher) -> None:
        large = asyncio.create_task(ask(batcher, "large", 10 * SHARE))
        await asyncio.sleep(0)
        small = asyncio.create_task(ask(batcher, "small", 1))
        await asyncio.sleep(0.05)
        gated.gate.set()
        await asyncio.gather(large, small)

    run(gated, work, batch_size=2 * SHARE)  # type: ignore[arg-type]
    assert ended == ["small", "large"]
    assert sum(gated.batches) == 10 * SHARE + 1


def test_nobody_waits_in_an_endless_queue(predictor: Predictor) -> None:
    gated = Gated(predictor)

    async def work(batcher: Batcher) -> int:
        tasks = [asyncio.create_task(batcher.predict([flat(0)] * 4)) for _ in range(6)]
        await asyncio.sleep(0.05)
        gated.gate.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert batcher.waiting == 0
        assert all(one.status == 429 for one in ended if isinstance(one, Refusal))
        return sum(isinstance(one, Refusal) for one in ended)

    assert 1 <= run(gated, work, batch_size=4, waiting=12) <= 3  # type: ignore[arg-type]


def test_a_request_larger_than_the_queue_is_served_when_nobody_waits(predictor: Predictor) -> None:
    found = run(predictor, lambda batcher: batcher.predict([flat(2)] * 50), waiting=10)
    assert len(found) == 50


@pytest.mark.parametrize("fault", [ModelError("not finite"), MemoryError()])
def test_a_batch_that_fails_takes_nothing_with_it(predictor: Predictor, fault: Exception) -> None:
    gated = Gated(predictor)
    gated.gate.set()
    gated.faults.append(fault)

    async def work(batcher: Batcher) -> Predictions:
        with pytest.raises(type(fault)):
            await batcher.predict([flat(0)] * 50)
        assert batcher.waiting == 0
        return await batcher.predict([flat(1)])

    assert run(gated, work).labels.tolist() == ["green"]  # type: ignore[arg-type]


def test_no_pictures(predictor: Predictor) -> None:
    assert len(run(predictor, lambda batcher: batcher.predict([]))) == 0
