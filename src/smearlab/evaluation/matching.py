"""Matching the classes of data and model by name, never by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.errors import DataError

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, IntArray


@dataclass(frozen=True, eq=False)
class Matched:
    """Labelled pictures whose classes a model knows.

    Attributes:
        cells: the pictures, with their own labels and class names.
        labels: ``int64 (N,)`` the same labels as indices into the model's classes.
        positions: ``int64 (N,)`` where they stand in the collection that was matched.
        unknown: classes of the data that the model does not know, with how many pictures were left out.
    """

    cells: Cells
    labels: IntArray
    positions: IntArray
    unknown: dict[str, int]

    @property
    def notes(self) -> list[str]:
        """What was merged or left out, in words."""
        return [
            *self.cells.notes,
            *self._left_out(),
        ]

    def _left_out(self) -> list[str]:
        return [
            f"{count:,} {'picture' if count == 1 else 'pictures'} of '{name}' {'was' if count == 1 else 'were'} "
            "left out of the figures: the model does not know this class."
            for name, count in self.unknown.items()
        ]


def match_classes(cells: Cells, model_classes: tuple[str, ...]) -> Matched:
    """Express the labels of pictures as a model's classes; pictures of unknown classes are left out.

    Raises:
        DataError: the pictures have no labels, or the model knows none of their classes.
    """
    positions = {name: index for index, name in enumerate(model_classes)}
    known = np.array([positions.get(name, -1) for name in cells.class_names], dtype=np.int64)
    labels = known[cells.known_labels]
    if not (labels >= 0).any():
        raise DataError(
            f"The model knows {', '.join(model_classes)}, but {cells.name} has only {', '.join(cells.class_names)}. "
            "Rename the classes of the data, or evaluate another model."
        )
    counts = cells.class_counts()
    unknown = {
        name: int(count)
        for name, count, index in zip(cells.class_names, counts, known, strict=True)
        if index < 0 and count
    }
    kept = np.flatnonzero(labels >= 0)
    return Matched(cells if len(kept) == len(cells) else cells.take(kept), labels[kept], kept, unknown)
