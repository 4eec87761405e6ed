"""`Predictor`: a loaded model. Raw uint8 RGB pictures of any size in; probabilities, labels, "is it a cell" out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.cells import BoolArray, Cells, IntArray, Pictures, StrArray, UInt8Array
from smearlab.data.framing import check_picture, frame_pictures
from smearlab.errors import DataError, ModelError
from smearlab.inference.doubt import look_around
from smearlab.inference.model_folder import ModelFolder, read_model_folder, resolve_model
from smearlab.inference.second_look import look_again
from smearlab.inference.session import FEATURES, INPUT, LOGITS
from smearlab.inference.spread import Floats
from smearlab.inference.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.framing import Framing
    from smearlab.inference.info import ModelInfo

_AT_ONCE = 8
"""Pictures in one call of the network. The activations of more do not fit into a core's cache: of batches of 4 to 64,
8 took the least time per picture with one thread and with two, 64 took up to a quarter more."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says about ``n`` pictures, in their order.

    Attributes:
        class_names: names of the ``k`` classes.
        probabilities: float32 ``(n, k)``, calibrated, each row sums to 1.
        is_cell: bool ``(n,)``, False where a picture looks like no cell the model knows.
        distances: float32 ``(n,)``, how far the features lie from the nearest class; near 1 for typical cells.
        logits: float32 ``(n, k)``, the network's raw scores of one look.
        features: float32 ``(n, d)``, the activations before the last layer; None unless they were asked for.
        strangeness: float32 ``(n,)``, what `is_cell` was decided by; empty where it is not known.
        trust: the model's, for prediction sets.
        looked_again: bool ``(n,)``, where logits and probabilities are those of the picture's enlarged middle; empty
            where there was no second look.
        unsure: bool ``(n,)``, where the probabilities are a mean over four looks, because one was not sure; empty
            where no further looks were allowed.
    """

    class_names: tuple[str, ...]
    probabilities: Floats
    is_cell: BoolArray
    distances: Floats
    logits: Floats
    features: Floats | None = None
    strangeness: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    trust: Trust | None = None
    looked_again: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    unsure: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __len__(self) -> int:
        return len(self.probabilities)

    def take(self, positions: IntArray) -> Predictions:
        """Return what was said about the pictures at these positions, in this order."""
        return replace(
            self,
            probabilities=self.probabilities[positions],
            is_cell=self.is_cell[positions],
            distances=self.distances[positions],
            logits=self.logits[positions],
            features=None if self.features is None else self.features[positions],
            strangeness=self.strangeness[positions] if len(self.strangeness) else self.strangeness,
            looked_again=self.looked_again[positions] if len(self.looked_again) else self.looked_again,
            unsure=self.unsure[positions] if len(self.unsure) else self.unsure,
        )

    def prediction_masks(self, coverage: float = 0.95) -> BoolArray:
        """Tell which classes each picture may be, so that its own is among them at the rate `coverage`.

        Args:
            coverage: one of those that the model has quantiles for, such as 0.9, 0.95 or 0.99.

        Returns:
            bool ``(n, k)``. A set may be empty: the picture is less typical than that share of every class.

        Raises:
            ModelError: the model has no prediction sets.
            DataError: it has none for this coverage.
        """
        if self.trust is None:
            raise ModelError("These predictions do not know their model, and so have no prediction sets.")
        return self.trust.prediction_masks(self.logits, coverage)

    def prediction_sets(self, coverage: float = 0.95) -> list[tuple[str, ...]]:
        """Name the classes in each picture's prediction set, the most probable first; see `prediction_masks`."""
        masks, order = self.prediction_masks(coverage), np.argsort(-self.probabilities, axis=1, kind="stable")
        return [
            tuple(self.class_names[label] for label in ranked if mask[label])
            for mask, ranked in zip(masks, order, strict=True)
        ]

    @property
    def label_indices(self) -> IntArray:
        """Index of the most probable class: int64 ``(n,)``."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    @property
    def labels(self) -> StrArray:
        """Name of the most probable class: str ``(n,)``, also where `is_cell` is False."""
        return np.asarray(self.class_names, dtype=np.str_)[self.label_indices]

    @property
    def confidence(self) -> Floats:
        """Calibrated probability of the most probable class: float32 ``(n,)``."""
        return np.asarray(self.probabilities.max(1), np.float32)


class Predictor:
    """A loaded model.

    Attributes:
        folder: the model folder it was loaded from.
        second_look: whether pictures that show a wide field and look strange are named by their enlarged middle, and
            those that one look is not sure of by four; see `smearlab.inference.second_look` and `doubt`.

    Example::

        predictor = Predictor.load("runs/pbc96")
        predictions = predictor.predict(images)
        predictions.labels, predictions.confidence, predictions.is_cell
    """

    def __init__(self, folder: ModelFolder, *, second_look: bool = True) -> None:
        self.folder = folder
        self.second_look = second_look

    @classmethod
    def load(cls, model: str | Path = "default", threads: int | None = None, *, second_look: bool = True) -> Predictor:
        """Load a model.

        Args:
            model: a model folder, a run folder, or ``default``, the model that ships.
            threads: CPU threads; None takes as many as there are cores.
            second_look: look again at pictures that show a wide field and look strange, or are named unsurely.

        Raises:
            ModelError: there is no such model, or the folder is not as it should be.
        """
        return cls(read_model_folder(resolve_model(model), threads), second_look=second_look)

    @property
    def info(self) -> ModelInfo:
        """What ``model.json`` says."""
        return self.folder.info

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.folder.info.class_names

    @property
    def framing(self) -> Framing:
        """How pictures are cropped and resized before the network sees them."""
        return self.folder.info.framing

    def predict(
        self,
        images: Pictures,
        batch_size: int = 64,
        *,
        features: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Predictions:
        """Classify pictures.

        Each picture is framed by itself, and neither the batch nor the order changes what is said about it.
        Memory grows by a few numbers per picture, unless the features are kept.

        Args:
            images: raw RGB pixels: one picture ``uint8 (h, w, 3)``, an array ``uint8 (n, h, w, 3)``, or a
                sequence of ``uint8 (h, w, 3)`` of mixed sizes. May be empty.
            batch_size: pictures that are worked on at once.
            features: whether to keep the activations before the last layer: hundreds of numbers per picture.
            progress: called after each batch with the number of pictures it had.

        Raises:
            DataError: pictures that are not uint8 RGB, such as floats scaled to 0 to 1.
        """
        pictures = _as_pictures(images)
        if batch_size < 1:
            raise DataError(f"batch_size must be at least 1, but got {batch_size}.")
        parts = [self._nothing(features)]
        for start in range(0, len(pictures), batch_size):
            batch = _batch(pictures, start, start + batch_size)
            parts.append(self.predict_framed(frame_pictures(batch, self.framing), features=features))
            if progress is not None:
                progress(len(batch))
        return joined(parts)

    def predict_framed(self, framed: UInt8Array, *, features: bool = False) -> Predictions:
        """Classify one batch of pictures ``uint8 (n, size, size, 3)`` that `framing` has already been applied to.

        Args:
            framed: the pictures.
            features: whether to keep the activations before the last layer.

        Raises:
            DataError: another type or shape.
        """
        return self._looks(framed, features, around=True)

    def upright_look(self, framed: UInt8Array, *, features: bool = False) -> Predictions:
        """Do as `predict_framed` does, but never look from other sides: for those who do that themselves."""
        return self._looks(framed, features, around=False)

    def first_look(self, framed: UInt8Array, *, features: bool = False) -> Predictions:
        """Do as `predict_framed` does, and never look again: what the network says of the very pictures.

        Args:
            framed: ``uint8 (n, size, size, 3)``.
            features: whether to keep the activations before the last layer.

        Raises:
            DataError: another type or shape.
        """
        size = self.framing.size
        if framed.dtype != np.uint8 or framed.shape[1:] != (size, size, 3):
            raise DataError(f"Framed pictures are uint8 (n, {size}, {size}, 3), but got {framed.dtype} {framed.shape}.")
        return self._predictions(*self._run(framed), keep=features) if len(framed) else self._nothing(features)

    def _looks(self, framed: UInt8Array, features: bool, *, around: bool) -> Predictions:
        """Name some pictures by further looks; whether they are cells, and all else, stays as it was found first."""
        first = self.first_look(framed, features=features)
        if not (self.second_look and len(framed)):
            return first

        def look(pictures: UInt8Array) -> tuple[Floats, Floats]:
            found = self.first_look(pictures)
            return found.logits, found.strangeness

        logits, again, seen = look_again(framed, first.logits, first.strangeness, self.framing, look)
        chances = self.folder.trust.probabilities(logits)
        unsure = np.zeros(len(framed), np.bool_)
        if around:
            chances, unsure = look_around(seen, chances, lambda views: self.first_look(views).probabilities)
        return replace(first, logits=logits, probabilities=chances, looked_again=again, unsure=unsure)

    def _run(self, framed: UInt8Array) -> tuple[Floats, Floats]:
        batch = np.ascontiguousarray(framed)
        starts = range(0, len(batch), _AT_ONCE)
        parts = [self.folder.session.run([LOGITS, FEATURES], {INPUT: batch[at : at + _AT_ONCE]}) for at in starts]
        logits, features = (np.concatenate(column) for column in zip(*parts, strict=True))
        if not (np.isfinite(logits).all() and np.isfinite(features).all()):
            raise ModelError(f"The network in {self.folder.path} gives values that are not finite. Train it again.")
        return logits, features

    def _nothing(self, features: bool) -> Predictions:
        """Return the predictions for no pictures."""
        width = self.folder.trust.class_means.shape[1]
        logits = np.zeros((0, len(self.class_names)), np.float32)
        return self._predictions(logits, np.zeros((0, width), np.float32), keep=features)

    def _predictions(self, logits: Floats, features: Floats, *, keep: bool) -> Predictions:
        trust, limit = self.folder.trust, self.info.is_cell
        distances = trust.distances(features)
        strange = distances if limit.method == "mahalanobis" else trust.strangeness(features, limit.method)
        return Predictions(
            class_names=self.class_names,
            probabilities=trust.probabilities(logits),
            is_cell=np.asarray(strange <= limit.threshold),
            distances=distances.astype(np.float32),
            logits=logits,
            features=features if keep else None,
            strangeness=strange.astype(np.float32),
            trust=trust,
        )


def joined(parts: list[Predictions]) -> Predictions:
    """Put what was said about several batches of pictures together, in their order."""
    features = [part.features for part in parts if part.features is not None]
    return Predictions(
        class_names=parts[0].class_names,
        probabilities=np.concatenate([part.probabilities for part in parts]),
        is_cell=np.concatenate([part.is_cell for part in parts]),
        distances=np.concatenate([part.distances for part in parts]),
        logits=np.concatenate([part.logits for part in parts]),
        features=np.concatenate(features) if features else None,
        strangeness=np.concatenate([part.strangeness for part in parts]),
        trust=parts[0].trust,
        looked_again=np.concatenate([part.looked_again for part in parts]),
        unsure=np.concatenate([part.unsure for part in parts]),
    )


def _as_pictures(images: object) -> Pictures:
    if isinstance(images, Cells):
        return images.images
    if isinstance(images, np.ndarray) and images.ndim == 3:
        check_picture(images)
        return images[None]
    if isinstance(images, np.ndarray):
        return _check_array(images)
    if isinstance(images, Sequence) and not isinstance(images, str | bytes):
        return images
    raise DataError(
        f"predict takes pictures as uint8 RGB arrays, but got {type(images).__name__}."
        " To predict files or folders, use predict_to_file or `smearlab predict`."
    )


def _check_array(images: UInt8Array) -> UInt8Array:
    if images.ndim == 4 and len(images):
        check_picture(images[0])
    elif images.ndim != 4 and images.size:
        raise DataError(f"Pictures are uint8 (n, h, w, 3), but got shape {images.shape}.")
    return images


def _batch(pictures: Pictures, start: int, stop: int) -> list[UInt8Array]:
    batch = [pictures[index] for index in range(start, min(stop, len(pictures)))]
    for index, picture in enumerate(batch, start):
        try:
            check_picture(picture)
        except DataError as error:
            raise DataError(f"Picture {index}: {error}") from None
    return batch
