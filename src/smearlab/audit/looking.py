"""A model's look at pictures by the thousand, on every core, begun while other work goes on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smearlab.audit.appearance import Floats, appearance
from smearlab.data.framing import frame_pictures
from smearlab.data.loading import threads_at_hand
from smearlab.inference.predictor import Predictions, Predictor, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smearlab.data.cells import Cells, Pictures

_CHUNK = 64

Begun: TypeAlias = list[Future[tuple[Predictions, Floats]]]
"""A look under way: chunks of what the model says, and of what the pixels that it sees are like."""


class Looks:
    """Looks of one model, chunk by chunk, each chunk on one core: a small network leaves more cores waiting.

    Attributes:
        predictor: the model.
        collection: the look at the collection for whose sake all this is done, already under way.
    """

    def __init__(self, predictor: Predictor, pool: ThreadPoolExecutor, cells: Cells) -> None:
        self.predictor = predictor
        self._pool = pool
        self.collection = self.begin(cells.images)

    def begin(self, images: Pictures) -> Begun:
        """Begin to look at pictures of any and mixed sizes."""
        return [self._pool.submit(self._look, images, start) for start in range(0, len(images), _CHUNK)]

    def end(self, begun: Begun, advance: Callable[[int], None]) -> tuple[Predictions, Floats]:
        """Wait for what was begun, and forget it; `advance` is told of the pictures that are done."""
        parts = [(self.predictor.predict(np.empty((0, 1, 1, 3), np.uint8), features=True), appearance([]))]
        for one in begun:
            parts.append(one.result())
            advance(len(parts[-1][1]))
        begun.clear()  # or every feature would be held twice for as long as these looks last
        return joined([said for said, _ in parts]), np.concatenate([pixels for _, pixels in parts])

    def _look(self, images: Pictures, start: int) -> tuple[Predictions, Floats]:
        chunk = [images[row] for row in range(start, min(start + _CHUNK, len(images)))]
        framed = frame_pictures(chunk, self.predictor.framing)
        return self.predictor.predict_framed(framed, features=True), appearance(framed)


@contextmanager
def looking(cells: Cells, model: str | Path) -> Iterator[Looks]:
    """Begin a model's look at a collection; what is not needed any more when the block ends is left undone.

    Raises:
        ModelError: there is no such model, or the folder is not as it should be.
    """
    predictor = Predictor.load(model, threads=1, second_look=False)
    pool = ThreadPoolExecutor(threads_at_hand())
    try:
        yield Looks(predictor, pool, cells)
    finally:
        pool.shutdown(cancel_futures=True)
