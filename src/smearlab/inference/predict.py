"""``smearlab predict``: every picture of a source, one line each, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import frame_picture
from smearlab.data.paths import user_path
from smearlab.data.stream import Picture, stream_pictures
from smearlab.errors import DataError
from smearlab.inference.predictor import Predictions, Predictor
from smearlab.inference.writer import Row, check_suffix, open_writer, prediction_columns


@dataclass
class PredictSummary:
    """What became of the pictures of one `predict_to_file`.

    Attributes:
        out: the file written.
        n: pictures in all; the file has as many lines.
        errors: pictures that could not be decoded.
        not_cells: decoded pictures whose ``is_cell`` is false.
        class_counts: class name to number of decoded pictures labelled so.
    """

    out: Path
    n: int = 0
    errors: int = 0
    not_cells: int = 0
    class_counts: dict[str, int] = field(default_factory=dict)

    def add(self, predictions: Predictions, errors: int) -> None:
        """Count one batch."""
        self.n += len(predictions) + errors
        self.errors += errors
        self.not_cells += int(np.count_nonzero(~predictions.is_cell))
        counts = np.bincount(predictions.label_indices, minlength=len(predictions.class_names))
        for name, count in zip(predictions.class_names, counts.tolist(), strict=True):
            self.class_counts[name] = self.class_counts.get(name, 0) + count


@dataclass(frozen=True, eq=False)
class FramedPicture:
    """A picture on its way to the network: only its framed pixels are kept, however large the file was.

    Attributes:
        row: position in the source.
        source: its name.
        error: why it cannot be read, else empty.
        pixels: ``uint8 (size, size, 3)``; None where it cannot be read.
    """

    row: int
    source: str
    error: str
    pixels: UInt8Array | None


def predict_to_file(
    pictures: str | Path | Sequence[str],
    model: str | Path | Predictor = "default",
    out: str | Path = "predictions.csv",
    batch_size: int = 64,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    sets: float | None = None,
    *,
    one_look: bool = False,
) -> PredictSummary:
    """Classify every picture of a source and write one line each.

    The file has the columns ``row,source,label,confidence,is_cell,p_<class>…,error`` and exactly one line per
    picture of the source, in order. A picture that cannot be decoded has its reason in ``error``, an empty label,
    empty numbers, and ``is_cell`` false. The file appears under its name only when it is complete.

    Args:
        pictures: any form that `smearlab.data.stream.stream_pictures` takes; labels are ignored.
        model: a model folder, a run folder, ``default``, or a loaded `Predictor`.
        out: the file to write: ``.csv``, ``.jsonl`` or ``.parquet``.
        batch_size: pictures that are worked on at once.
        threads: CPU threads of the network; None takes as many as there are cores.
        progress: called after each batch with the number of pictures it had.
        sets: coverage of the prediction sets; adds a column ``prediction_set`` before ``error``, its classes joined by
            ``|``, the most probable first. None adds nothing.
        one_look: look once at each picture; of no meaning for a loaded `Predictor`, which has its own mind.

    Raises:
        DataError: the source cannot be read at all, or `out` has an unknown suffix or is one of the
            files of the source, or the model has no sets of this coverage.
        ModelError: the model cannot be loaded, or has no prediction sets.
        MissingExtraError: ``.parquet`` without pyarrow.
    """
    out = user_path(out)
    check_suffix(out)
    if batch_size < 1:
        raise DataError(f"batch_size must be at least 1, but got {batch_size}.")
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, threads, second_look=not one_look)
    summary = PredictSummary(out)
    with open_writer(out, prediction_columns(predictor.class_names, sets is not None)) as write:
        for batch, predictions in predicted_batches(stream_pictures(pictures, out), predictor, batch_size):
            write(list(_rows(batch, predictions, sets)))
            summary.add(predictions, errors=len(batch) - len(predictions))
            if progress is not None:
                progress(len(batch))
    return summary


def predicted_batches(
    pictures: Iterable[Picture], predictor: Predictor, batch_size: int
) -> Iterator[tuple[list[FramedPicture], Predictions]]:
    """Classify a stream of pictures batch by batch, in constant memory.

    Yields:
        A batch, and what was said of those of its pictures that could be read, in their order.
    """
    for batch in _batches(pictures, predictor, batch_size):
        yield batch, predictor.predict_framed(_stack(batch, predictor.framing.size))


def _batches(pictures: Iterable[Picture], predictor: Predictor, size: int) -> Iterator[list[FramedPicture]]:
    framed = (_frame(picture, predictor) for picture in pictures)
    while batch := list(islice(framed, size)):
        yield batch


def _frame(picture: Picture, predictor: Predictor) -> FramedPicture:
    pixels = None if picture.image is None else frame_picture(picture.image, predictor.framing)
    return FramedPicture(picture.row, picture.source, picture.error, pixels)


def _stack(batch: list[FramedPicture], size: int) -> UInt8Array:
    pixels = [picture.pixels for picture in batch if picture.pixels is not None]
    return np.stack(pixels) if pixels else np.zeros((0, size, size, 3), np.uint8)


def _rows(batch: list[FramedPicture], predictions: Predictions, sets: float | None) -> Iterator[Row]:
    columns = [f"p_{name}" for name in predictions.class_names]
    found = (predictions.labels, predictions.confidence, predictions.is_cell, predictions.probabilities)
    named = [()] * len(predictions) if sets is None else predictions.prediction_sets(sets)
    results = zip(*(values.tolist() for values in found), named, strict=True)
    for picture in batch:
        unknown = ("", None, False, [None] * len(columns), ())
        label, confident, is_cell, probabilities, one_set = unknown if picture.pixels is None else next(results)
        yield {
            "row": picture.row,
            "source": _one_line(picture.source),
            "label": label,
            "confidence": confident,
            "is_cell": is_cell,
            **dict(zip(columns, probabilities, strict=True)),
            **({} if sets is None else {"prediction_set": "|".join(one_set)}),
            "error": _one_line(picture.error),
        }


def _one_line(text: str) -> str:
    """Keep a file one line per picture: file names may hold line breaks, or bytes that are no Unicode."""
    readable = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return readable.replace("\r", "\\r").replace("\n", "\\n")
