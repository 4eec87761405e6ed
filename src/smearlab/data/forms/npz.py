"""NumPy ``.npz`` files: the challenge's ``images`` and ``labels``, or MedMNIST's three parts.

An array is read from the archive a few rows at a time, so that a file larger than memory can be read. What the
headers claim is checked before anything is read: a few kilobytes can swell to any size.
"""

from __future__ import annotations

import io
import math
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from smearlab.data.cache import writable_cache_folder
from smearlab.data.forms.base import UNLABELLED_HINT, Entry, Labelling
from smearlab.data.forms.pixels import check_picture_array, to_pictures
from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from smearlab.data.forms.base import RawLabel

_MEDMNIST_PARTS = ("train", "val", "test")
_CHUNK_BYTES = 8_000_000
_MAX_HEADER_BYTES = 65_536
_MAX_LABEL_BYTES = 4_096  # a name of a thousand letters


@dataclass(frozen=True)
class NpzForm:
    """Pictures in an ``.npz`` file; keys that are not known are ignored.

    Attributes:
        path: the file.
        name: a short name.
    """

    path: Path
    name: str

    def files(self) -> Sequence[tuple[str, Path]]:
        """Return the one file."""
        return [(self.path.name, self.path)]

    def labelling(self) -> Labelling:
        """Say what is wrong with the shape of the labels, if anything."""
        return Labelling(fault=" ".join(filter(None, (self._labels(part)[1] for part in self._parts))))

    def entries(self) -> Iterator[Entry]:
        """List the pictures: train, val and test one after another, or as they stand in ``images``."""
        row = 0
        for part in self._parts:
            labels, _ = self._labels(part)
            for position, content in enumerate(self._pictures(part)):
                label = labels[position] if labels is not None else None
                yield Entry(row, f"{self.path.name}#{row}", content, label, part=part)
                row += 1

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        """The parts of MedMNIST's layout that are there, or one part without a name."""
        keys = self._keys
        if "images" in keys:
            return ("",)
        if parts := tuple(part for part in _MEDMNIST_PARTS if f"{part}_images" in keys):
            return parts
        found = ", ".join(sorted(keys)) or "nothing"
        raise DataError(
            f"{self.path} holds {found}, but neither 'images' nor MedMNIST's 'train_images'. "
            "Save it as np.savez(file, images=…, labels=…)."
        )

    @cached_property
    def _keys(self) -> set[str]:
        with self._archive() as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}

    @cached_property
    def _counts(self) -> dict[str, int]:
        shapes = {part: self._header(_key(part, "images"))[0] for part in self._parts}
        return {part: shape[0] if shape else 0 for part, shape in shapes.items()}

    def _pictures(self, part: str) -> Iterator[Any]:
        key = _key(part, "images")
        shape, dtype = self._header(key)
        where = f"'{key}' in {self.path}"
        check_picture_array(shape, dtype, where)
        first = 0
        for chunk in self._chunks(key):
            yield from to_pictures(chunk, first, where)
            first += len(chunk)

    def _labels(self, part: str) -> tuple[list[RawLabel] | None, str]:
        """Return the labels of a part and an empty text, or None and what is wrong with them."""
        key = _key(part, "labels")
        if key not in self._keys:
            return None, f"{self.path} has no '{key}'.{did_you_mean(key, self._keys)} {UNLABELLED_HINT}"
        shape, dtype = self._header(key)
        count = self._counts[part]
        if dtype.hasobject:
            return None, f"'{key}' in {self.path} holds Python objects; save whole numbers or strings."
        if len(shape) == 2 and shape[1] > 1:
            return None, f"'{key}' in {self.path} has shape {shape}; from one-hot, save labels.argmax(axis=1)."
        if len(shape) not in (1, 2) or shape[0] != count:
            return None, f"'{key}' in {self.path} has shape {shape} for {count} pictures; give one each."
        if dtype.itemsize > _MAX_LABEL_BYTES:
            return None, f"'{key}' in {self.path} takes {dtype.itemsize:,} bytes each; save whole numbers or names."
        return self._array(key).reshape(-1).tolist(), ""

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        with self._archive() as archive, archive.open(f"{key}.npy") as file:
            shape, _, dtype = _read_header(file)
            claimed, there = math.prod(shape) * dtype.itemsize, archive.getinfo(f"{key}.npy").file_size - file.tell()
            if claimed != there and not dtype.hasobject:
                raise ValueError(f"'{key}' should take {claimed:,} bytes and takes {there:,}")
        return shape, dtype

    def _array(self, key: str) -> NDArray[Any]:
        with self._member(key) as file:
            return npy.read_array(file, allow_pickle=False)

    def _chunks(self, key: str) -> Iterator[NDArray[Any]]:
        """Yield the rows of an array in order, a few megabytes at a time."""
        shape, dtype = self._header(key)
        row_bytes = math.prod(shape[1:]) * dtype.itemsize
        step = max(1, _CHUNK_BYTES // row_bytes)
        with self._member(key) as file:
            _, by_columns, _ = _read_header(file)
            if by_columns:
                yield from _rows_of_columns(file, shape, dtype, step)
                return
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                data = file.read(count * row_bytes)
                yield np.frombuffer(data, dtype).reshape(count, *shape[1:])

    @contextmanager
    def _member(self, key: str) -> Iterator[IO[bytes]]:
        with self._archive() as archive, archive.open(f"{key}.npy") as file:
            yield file

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, MemoryError) as error:
            message = f"{self.path} is damaged or no .npz file ({error}). Copy or download it again."
            raise DataError(message) from error
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror or error}.") from error


def _rows_of_columns(
    file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], step: int
) -> Iterator[NDArray[Any]]:
    """Yield some rows at a time of an array in Fortran's order, whose rows are interleaved over the whole member.

    It is unpacked into a nameless file, beside the decoded pictures because /tmp may lie in memory.
    """
    with tempfile.TemporaryFile(dir=writable_cache_folder()) as unpacked:
        shutil.copyfileobj(file, unpacked, _CHUNK_BYTES)
        unpacked.flush()
        mapped = np.memmap(unpacked, dtype, "r", shape=shape, order="F")
        for start in range(0, shape[0], step):
            yield np.array(mapped[start : start + step], order="C")
        del mapped


def _key(part: str, what: str) -> str:
    return f"{part}_{what}" if part else what


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    # Later versions may claim a header of 4 GB, which NumPy would read before it looks.
    length = file.read(4)
    if int.from_bytes(length, "little") > _MAX_HEADER_BYTES:
        raise ValueError("its header is too long")
    return npy.read_array_header_2_0(io.BytesIO(length + file.read(int.from_bytes(length, "little"))))
