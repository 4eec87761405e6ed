"""What a model says of every picture of a collection: the features that tell cells from other things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smearlab.data.progress import progress
from smearlab.inference.predictor import Predictor

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import BoolArray, Cells
    from smearlab.inference.trust import Floats

_BATCH = 128


@dataclass(frozen=True, eq=False)
class Described:
    """What a model says about the ``n`` readable pictures of a collection, in their order.

    Attributes:
        class_names: of the model's ``k`` classes, which need not be those of the collection.
        probabilities: ``float32 (n, k)``, calibrated.
        features: ``float32 (n, d)``: the activations before the last layer.
        distances: ``float32 (n,)`` from the nearest class; near 1 for cells like those the model was trained on.
        is_cell: ``bool (n,)``: whether the model by itself takes the picture for a cell.
        logits: ``float32 (n, k)``.
    """

    class_names: tuple[str, ...]
    probabilities: Floats
    features: Floats
    distances: Floats
    is_cell: BoolArray
    logits: Floats

    def __len__(self) -> int:
        return len(self.features)


def describe(cells: Cells, model: str | Path = "default") -> Described:
    """Let a model look at every picture once.

    Args:
        cells: the collection; pictures of any and mixed sizes.
        model: a model folder, a run folder, or ``default``.

    Raises:
        ModelError: there is no such model.
    """
    predictor = Predictor.load(model)
    with progress("Looking at the pictures", len(cells)) as advance:
        said = predictor.predict(cells.images, _BATCH, features=True, progress=advance)
    assert said.features is not None
    return Described(said.class_names, said.probabilities, said.features, said.distances, said.is_cell, said.logits)
