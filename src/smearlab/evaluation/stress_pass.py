"""Running a model over pictures under every condition: altering and predicting side by side on all cores."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smearlab.data.framing import Framing, frame_pictures
from smearlab.data.loading import threads_at_hand
from smearlab.data.progress import progress
from smearlab.evaluation.conditions import Condition, alter
from smearlab.evaluation.stress_figures import CLEAN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from smearlab.data.cells import Cells, IntArray, UInt8Array
    from smearlab.inference.predictor import Predictor

CHUNK = 64  # pictures altered and named at a time: enough to keep a core busy, few enough to stay in its cache
LARGEST = 224  # pixels: larger pictures are framed before they are altered, as corruptions are made for cells this size
SAMPLE = 512  # pictures of 96 px of a condition that a model is adapted to at once; of larger ones, fewer


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures that can be asked for as they are, or altered.

    Pictures of one size, up to `LARGEST` px, are altered as they stand; larger ones and mixed sizes are framed first.

    Attributes:
        cells: the pictures.
        framing: of the model.
        seed: of the corruptions.
        native_size: see `conditions.alter`.
    """

    cells: Cells
    framing: Framing
    seed: int = 0
    native_size: int = 96

    @property
    def framed_first(self) -> bool:
        """Whether pictures are framed before they are altered."""
        shape = self.cells.picture_shape
        return shape is None or max(shape) > LARGEST

    @property
    def side(self) -> int:
        """Side in pixels of the pictures that are altered."""
        shape = self.cells.picture_shape
        return self.framing.size if shape is None or self.framed_first else max(shape)

    def altered(self, positions: IntArray, condition: Condition | None) -> UInt8Array:
        """Return pictures before framing: ``uint8 (m, h, w, 3)``; None leaves them as they are."""
        pictures = [self.cells.images[int(position)] for position in positions]
        stacked = frame_pictures(pictures, self.framing.place) if self.framed_first else np.stack(pictures)
        if condition is None:
            return stacked
        return alter(stacked, condition, self.cells.rows[positions], self.seed, self.native_size)

    def framed(self, positions: IntArray, condition: Condition | None) -> UInt8Array:
        """Return altered pictures as the network takes them: ``uint8 (m, size, size, 3)``."""
        framing = self.framing.look if self.framed_first else self.framing
        return frame_pictures(self.altered(positions, condition), framing)


class Adapter(Protocol):
    """Makes a predictor for pictures of one condition out of a sample of them, and says what came of it."""

    def __call__(self, framed: UInt8Array) -> tuple[Predictor, str]:
        """Return a predictor, and why it is not adapted (empty where it is)."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says under every condition; the first are the pictures as they are.

    Attributes:
        named: ``int16 (1 + C, n)`` class indices.
        confidence: ``float32 (1 + C, n)``.
        probabilities: ``float32 (1 + C, n, k)``, or None where they were not kept.
        adaptation: per condition why the model was not adapted, empty where it was; None where it was not asked to.
    """

    named: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32] | None
    adaptation: list[str] | None


def answer_all(
    predictor: Predictor,
    source: Source,
    conditions: Sequence[Condition],
    *,
    adapter: Adapter | None = None,
    keep: bool = False,
) -> Answers:
    """Name all pictures under every condition.

    Threads alter and name chunks of pictures: NumPy, Pillow and ONNX Runtime let go of the interpreter while they
    work, so that every core has something to do whichever of the two is slower. Load the predictor with one thread.

    Args:
        predictor: the model.
        source: the pictures.
        conditions: what is done to them.
        adapter: makes a predictor for each condition; None uses the same for all.
        keep: whether to keep all probabilities.
    """
    count, all_conditions = len(source.cells), [None, *conditions]
    shape = (len(all_conditions), count)
    named, confidence = np.zeros(shape, np.int16), np.zeros(shape, np.float32)
    probabilities = np.zeros((*shape, len(predictor.class_names)), np.float32) if keep else None
    reasons: list[str] | None = None if adapter is None else []

    def work(task: tuple[Predictor, int, IntArray]) -> int:
        model, place, positions = task
        predictions = model.predict_framed(source.framed(positions, all_conditions[place]))
        named[place, positions] = predictions.label_indices
        confidence[place, positions] = predictions.confidence
        if probabilities is not None:
            probabilities[place, positions] = predictions.probabilities
        return len(positions)

    def model_for(place: int) -> Predictor:
        if adapter is None or reasons is None:
            return predictor
        sample = sample_positions(count, source.seed, source.framing.size)
        model, reason = adapter(source.framed(sample, all_conditions[place]))
        reasons.append(reason)
        return model

    chunks = [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    with progress("Altering and naming pictures", count * len(all_conditions)) as advance, _pool() as pool:
        for places in _batches(len(all_conditions), adapter):
            model = model_for(places[0])
            _finish(pool, work, [(model, place, chunk) for place in places for chunk in chunks], advance)
    return Answers(named, confidence, probabilities, reasons)


def _finish(
    pool: ThreadPoolExecutor,
    work: Callable[[tuple[Predictor, int, IntArray]], int],
    tasks: Sequence[tuple[Predictor, int, IntArray]],
    advance: Callable[[int], None],
) -> None:
    """Run tasks; where one fails, or the user stops, those that have not begun are dropped."""
    stopped = threading.Event()

    def unless_stopped(task: tuple[Predictor, int, IntArray]) -> int:
        if stopped.is_set():
            return 0
        try:
            return work(task)
        except BaseException:
            stopped.set()
            raise

    try:
        for future in [pool.submit(unless_stopped, task) for task in tasks]:
            advance(future.result())
    finally:
        stopped.set()


def _batches(conditions: int, adapter: Adapter | None) -> list[list[int]]:
    """All conditions at once; one after another where each has a model of its own."""
    everything = list(range(CLEAN, conditions))
    return [everything] if adapter is None else [[place] for place in everything]


def sample_positions(count: int, seed: int, size: int) -> IntArray:
    """Draw the positions of so many of `count` pictures of a size in pixels as fit into memory together, ascending."""
    most = min(SAMPLE, SAMPLE * 96**2 // size**2)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads_at_hand())
