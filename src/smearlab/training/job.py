"""What goes into the training loop and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.training.state import Progress


@dataclass(frozen=True)
class TrainingData:
    """Framed pictures and what to do with them.

    Attributes:
        images: ``uint8 (N, size, size, 3)``, an array or a memory map.
        labels: ``int64 (N,)``.
        train: positions of the training pictures.
        validation: positions of the validation pictures; may be empty.
        class_names: one per label value.
        key: fingerprint of all of this; a run is only resumed with its own.
    """

    images: UInt8Array
    labels: IntArray
    train: IntArray
    validation: IntArray
    class_names: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class FitResult:
    """What training gave.

    Attributes:
        weights: of the selected epoch; the averaged ones where the recipe averages.
        progress: counters, history and times.
        shipped: what the weights are, in words.
        candidates: name, score and validation figures of all that could have shipped; empty where there was no choice.
    """

    weights: dict[str, Tensor]
    progress: Progress
    shipped: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)
