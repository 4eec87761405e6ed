"""What goes into the training loop and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

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
        copies: ``uint8 (M, size, size, 3)`` altered copies of training pictures, whose positions and labels follow
            those of the pictures; None where there are none.
    """

    images: UInt8Array
    labels: IntArray
    train: IntArray
    validation: IntArray
    class_names: tuple[str, ...]
    key: str
    copies: UInt8Array | None = None

    def pictures(self, positions: IntArray) -> UInt8Array:
        """Return the pictures, or copies, at ``int64 (n,)`` positions, as ``uint8 (n, size, size, 3)``."""
        if self.copies is None:
            return self.images[positions]
        taken = np.empty((len(positions), *self.images.shape[1:]), np.uint8)
        of_copy = positions >= len(self.images)
        taken[~of_copy] = self.images[positions[~of_copy]]
        taken[of_copy] = self.copies[positions[of_copy] - len(self.images)]
        return taken


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
