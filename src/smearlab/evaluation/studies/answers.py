"""Which of a study's pictures a network names rightly, whatever way it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smearlab.data.framing import Framing, frame_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smearlab.data.cells import BoolArray, IntArray, UInt8Array
    from smearlab.evaluation.studies.material import Material

    Answerer: TypeAlias = Callable[[UInt8Array], IntArray]


@dataclass(frozen=True, eq=False)
class Answers:
    """Right and wrong answers of one network.

    Attributes:
        clean: ``bool (P,)`` on the test pool as it is.
        altered: ``bool (C, n)`` under each condition.
    """

    clean: BoolArray
    altered: BoolArray

    def save(self, path: Path) -> None:
        """Write to an open path as ``.npz``."""
        np.savez_compressed(path, clean=self.clean, altered=self.altered)

    @classmethod
    def load(cls, path: Path) -> Answers:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(file["clean"], file["altered"])

    def matrix(self, shown: IntArray) -> np.ndarray:
        """Return ``int8 (P, 1 + C)``: clean first; 1 right, 0 wrong, -1 not shown.

        Args:
            shown: ``int64 (C, n)`` which pictures of the pool each condition shows.
        """
        table = np.full((len(self.clean), 1 + len(shown)), -1, np.int8)
        table[:, 0] = self.clean
        for number, rows in enumerate(shown):
            table[rows, number + 1] = self.altered[number]
        return table


def ask(answer: Answerer, material: Material, size: int) -> Answers:
    """Ask a network for all pictures of a study.

    Args:
        answer: takes ``uint8 (n, size, size, 3)``, gives ``int64 (n,)`` class indices.
        material: the pictures.
        size: side in pixels that the network wants; pictures of another side are resized after they were altered.
    """
    framing, labels = Framing(crop="none", size=size), material.pool_labels

    def right(images: UInt8Array, true: IntArray) -> BoolArray:
        return np.asarray(answer(frame_pictures(np.asarray(images), framing)) == true)

    clean = right(material.pool_images, labels)
    rows = zip(material.altered, material.shown, strict=True)
    return Answers(clean, np.stack([right(images, labels[shown]) for images, shown in rows]))
