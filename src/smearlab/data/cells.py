"""`Cells`: a collection of single-cell pictures, frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
UInt8Array: TypeAlias = NDArray[np.uint8]
StrArray: TypeAlias = NDArray[np.str_]
Pictures: TypeAlias = UInt8Array | Sequence[UInt8Array]
"""An array or memory map ``uint8 (N, H, W, 3)``, or a sequence of ``uint8 (h, w, 3)`` of mixed sizes; always RGB."""

SPLIT_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be decoded.

    Attributes:
        row: 0-based position in the source before anything was skipped.
        source: the file's name or the row's description.
        label: class index the source gives it, or -1.
        reason: what is wrong, in words.
    """

    row: int
    source: str
    label: int
    reason: str


@dataclass(frozen=True, eq=False)
class Cells:
    """A frozen collection of single-cell pictures.

    Attributes:
        images: ``uint8 (N, H, W, 3)`` RGB as an array or memory map, or a lazy sequence of ``uint8 (h, w, 3)``
            pictures of mixed sizes. Never resized behind the user's back.
        labels: ``int64 (N,)`` indices into `class_names`, or None for unlabelled pictures.
        sources: ``str (N,)`` where each picture came from: a relative path or ``file.npz#12``.
        class_names: identifiers in the order of the labels' indices; empty for unlabelled pictures.
        rows: ``int64 (N,)`` 0-based positions in the source before anything was skipped.
        groups: ``str (N,)`` patient, slide or source ids that a split keeps together, or None.
        parts: ``str (N,)`` the split the data brings: ``train``, ``validation``, ``test`` or ``""``; or None.
        unreadable: the pictures that were skipped because they could not be decoded.
        name: a short name for reports and run folders.
        notes: what a person should know of how the data was read, in sentences.
    """

    images: Pictures
    labels: IntArray | None
    sources: StrArray
    class_names: tuple[str, ...]
    rows: IntArray
    groups: StrArray | None = None
    parts: StrArray | None = None
    unreadable: tuple[Unreadable, ...] = field(default=())
    name: str = "cells"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, column in (("labels", self.labels), ("sources", self.sources), ("rows", self.rows)):
            if column is not None and len(column) != len(self.images):
                raise DataError(f"{len(self.images)} pictures but {len(column)} {what}; they must be one each.")

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[UInt8Array]:
        return (self.images[index] for index in range(len(self)))

    @property
    def known_labels(self) -> IntArray:
        """The labels ``int64 (N,)``.

        Raises:
            DataError: the pictures have no labels.
        """
        if self.labels is None:
            raise DataError(
                f"{self.name} has no labels. Put the pictures in one folder per class, or give a CSV of path,label."
            )
        return self.labels

    @property
    def picture_shape(self) -> tuple[int, int] | None:
        """Height and width in pixels that all pictures share, or None where sizes are mixed."""
        base = self.images.base if isinstance(self.images, PictureView) else self.images
        return (base.shape[1], base.shape[2]) if isinstance(base, np.ndarray) else None

    def class_counts(self) -> IntArray:
        """Count the pictures of each class: ``int64 (classes,)``."""
        return np.bincount(self.known_labels, minlength=len(self.class_names)).astype(np.int64)

    def take(self, indices: Sequence[int] | IntArray) -> Cells:
        """Return the pictures at these positions, in this order, as another `Cells`.

        A memory-mapped or lazy collection stays on disk.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            images=_take_pictures(self.images, chosen),
            labels=None if self.labels is None else self.labels[chosen],
            sources=self.sources[chosen],
            rows=self.rows[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            parts=None if self.parts is None else self.parts[chosen],
        )


@dataclass(frozen=True, eq=False)
class PictureView(Sequence[UInt8Array]):
    """Some pictures of another collection, looked up when asked for."""

    base: Pictures
    indices: IntArray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204 - overloads of Sequence
        if isinstance(index, slice):
            return PictureView(self.base, self.indices[index])
        return self.base[int(self.indices[index])]


def _take_pictures(images: Pictures, indices: IntArray) -> Pictures:
    if isinstance(images, PictureView):
        return PictureView(images.base, images.indices[indices])
    if isinstance(images, np.memmap) or not isinstance(images, np.ndarray):
        return PictureView(images, indices)
    return images[indices]
