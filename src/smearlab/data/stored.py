"""Decoded pictures on disk: one flat file of pixels and an index, written once and then mapped into memory.

A folder of the cache holds ``pixels.bin``, all readable pictures one after another as ``uint8 (h, w, 3)``, and
``index.npz`` with everything else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np

from smearlab.data.cells import PictureView, UInt8Array
from smearlab.data.labels import RawLabels
from smearlab.data.loading import load_all
from smearlab.data.progress import progress
from smearlab.errors import DataError, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import BoolArray, IntArray, Pictures, StrArray
    from smearlab.data.forms.base import Entry, Form, Labelling, RawLabel

_PIXELS, _INDEX = "pixels.bin", "index.npz"
_BUFFER_BYTES = 1 << 22


@dataclass(frozen=True, eq=False)
class MappedPictures(Sequence[UInt8Array]):
    """Pictures of mixed sizes in one memory-mapped file; each is a read-only view ``uint8 (h, w, 3)``.

    Attributes:
        pixels: ``uint8 (bytes,)`` memory map.
        offsets: ``int64 (N,)`` first byte of each picture.
        sizes: ``int64 (N, 2)`` heights and widths in pixels.
    """

    pixels: UInt8Array
    offsets: IntArray
    sizes: IntArray

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204 - overloads of Sequence
        if isinstance(index, slice):
            return PictureView(self, np.arange(len(self))[index])
        start = int(self.offsets[index])
        height, width = self.sizes[index].tolist()
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)


@dataclass(frozen=True, eq=False)
class Stored:
    """What a stored collection holds; ``*_all`` columns have one entry per row of the source, readable or not.

    Attributes:
        images: the readable pictures.
        readable: ``bool (rows,)``, which rows have pixels.
        sources: ``str (rows,)``.
        groups: ``str (rows,)``, or empty texts.
        parts: ``str (rows,)`` as the data names them, or empty texts.
        reasons: ``str (rows,)`` why a row has no pixels, or empty.
        labels: raw labels of all rows.
        fault: why the labels cannot be used, or empty.
    """

    images: Pictures
    readable: BoolArray
    sources: StrArray
    groups: StrArray
    parts: StrArray
    reasons: StrArray
    labels: RawLabels
    fault: str


def store(form: Form, folder: Path) -> None:
    """Decode all pictures of a form into an empty folder.

    Raises:
        DataError: the form cannot be read, or holds no pictures.
    """
    labelling = form.labelling()
    writer = _Writer()
    with (folder / _PIXELS).open("wb", buffering=_BUFFER_BYTES) as file, progress(f"Reading {form.name}", 0) as advance:
        for entry, picture in load_all(form.entries()):
            writer.add(entry, picture, file)
            advance(1)
    if not writer.sources:
        raise DataError(f"{form.name} holds no pictures.")
    writer.write_index(folder / _INDEX, labelling)


def open_stored(folder: Path) -> Stored:
    """Open what `store` wrote; the pixels stay on disk until they are looked at."""
    with np.load(folder / _INDEX, allow_pickle=False) as index:
        meta = json.loads(index["meta"].item())
        sizes, codes = index["sizes"], index["codes"].astype(np.int64)
        columns = {name: index[name] for name in ("readable", "sources", "groups", "parts", "reasons")}
    declared = tuple(meta["declared"]) if meta["declared"] is not None else None
    labels = RawLabels(meta["labels"], codes, declared)
    return Stored(_map_pictures(folder / _PIXELS, sizes), labels=labels, fault=meta["fault"], **columns)


@dataclass
class _Writer:
    """Collects the columns of the index while the pixels are written."""

    sources: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    labels: dict[str, tuple[int, RawLabel]] = field(default_factory=dict)

    def add(self, entry: Entry, picture: UInt8Array | UnreadableError, file: IO[bytes]) -> None:
        """Write one picture and remember its row."""
        self.sources.append(entry.source)
        self.groups.append(entry.group)
        self.parts.append(entry.part)
        # As text with its type, because 1 equals 1.0, and nan does not even equal itself.
        self.codes.append(self.labels.setdefault(repr(entry.label), (len(self.labels), entry.label))[0])
        self.reasons.append("" if not isinstance(picture, UnreadableError) else str(picture))
        if not isinstance(picture, UnreadableError):
            file.write(np.ascontiguousarray(picture).data)
            self.sizes.append((picture.shape[0], picture.shape[1]))

    def write_index(self, path: Path, labelling: Labelling) -> None:
        """Write everything but the pixels."""
        values = [value for _, value in self.labels.values()]
        meta = {"labels": values, "declared": labelling.declared, "fault": labelling.fault}
        np.savez(
            path,
            meta=np.array(json.dumps(meta)),
            sizes=np.array(self.sizes, np.int64).reshape(-1, 2),
            codes=np.array(self.codes, np.int32),
            readable=np.array([not reason for reason in self.reasons]),
            sources=np.array(self.sources, np.str_),
            groups=np.array(self.groups, np.str_),
            parts=np.array(self.parts, np.str_),
            reasons=np.array(self.reasons, np.str_),
        )


def _map_pictures(path: Path, sizes: IntArray) -> Pictures:
    if not len(sizes):
        return np.empty((0, 0, 0, 3), np.uint8)
    height, width = sizes[0].tolist()
    if (sizes == sizes[0]).all():
        return np.memmap(path, np.uint8, "r", shape=(len(sizes), height, width, 3))
    ends = np.cumsum(sizes.prod(axis=1) * 3)
    offsets = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    return MappedPictures(np.memmap(path, np.uint8, "r"), offsets, sizes)
