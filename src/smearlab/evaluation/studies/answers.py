"""Which of a study's pictures a network names rightly, whatever way it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from smearlab.data.framing import frame_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smearlab.data.cells import BoolArray, IntArray, UInt8Array
    from smearlab.data.framing import Framing
    from smearlab.evaluation.studies.material import Material

    Answerer: TypeAlias = Callable[[UInt8Array], IntArray]


@dataclass(frozen=True, eq=False)
class Answers:
    """Right and wrong answers of one network.

    Attributes:
        clean: ``bool (P,)`` on the test pool as it is.
        altered: ``bool (C, n)`` under each condition.
        named: ``int16 (P,)`` which class it named on the test pool as it is; None of an older file.
        named_altered: ``int16 (C, n)`` the same under each condition.
    """

    clean: BoolArray
    altered: BoolArray
    named: IntArray | None = None
    named_altered: IntArray | None = None

    def save(self, path: Path) -> None:
        """Write to an open path as ``.npz``."""
        arrays: dict[str, Any] = {"clean": self.clean, "altered": self.altered}
        named = {"named": self.named, "named_altered": self.named_altered}
        arrays |= {name: values for name, values in named.items() if values is not None}
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Answers:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            named = (file.get(name) for name in ("named", "named_altered"))
            return cls(file["clean"], file["altered"], *named)

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


def ask(answer: Answerer, material: Material, framing: Framing) -> Answers:
    """Ask a network for all pictures of a study.

    Args:
        answer: takes ``uint8 (n, size, size, 3)``, gives ``int64 (n,)`` class indices.
        material: the pictures.
        framing: what the network sees of a picture; pictures of another side are resized after they were altered.
    """
    labels = material.pool_labels

    def name(images: UInt8Array) -> IntArray:
        return np.asarray(answer(frame_pictures(np.asarray(images), framing)), np.int16)

    named = name(material.pool_images)
    altered = np.stack([name(images) for images in material.altered])
    return Answers(named == labels, altered == labels[material.shown], named, altered)


def seen_whole(framing: Framing) -> Framing:
    """Return how pictures that are framed already become those of another network: never cropped again."""
    return framing.model_copy(update={"crop": "none"})
