"""Parquet files in the Hugging Face image layout, read by row groups."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from smearlab.data.forms.base import GROUP_COLUMNS, UNLABELLED_HINT, Entry, Labelling
from smearlab.data.parts import split_part
from smearlab.errors import DataError, MissingExtraError, UnreadableError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BATCH_ROWS = 256


@dataclass(frozen=True)
class _Columns:
    """The names of the columns that are used, and the class names that the label column declares."""

    image: str
    label: str | None
    group: str | None
    part: str | None
    declared: tuple[str, ...] | None


@dataclass(frozen=True)
class ParquetForm:
    """Pictures in one Parquet file or several shards: ``image`` (``bytes``, ``path``) and ``label``.

    Class names come from the schema metadata that the datasets library writes. Optional columns are ``group``,
    ``patient``, ``slide`` or ``source``, and ``split``; shards named ``train-…``, ``validation-…`` and ``test-…``
    bring a split too.

    Attributes:
        name: a short name.
        shards: relative name and path of each file, in the order of the rows.
    """

    name: str
    shards: tuple[tuple[str, Path], ...]

    def files(self) -> Sequence[tuple[str, Path]]:
        """Return the files themselves."""
        return self.shards

    def labelling(self) -> Labelling:
        """Return the class names of the metadata, or say that there is no label column."""
        if self._columns.label is not None:
            return Labelling(self._columns.declared)
        name, path = self.shards[0]
        with _opened(path) as file:
            found = file.schema_arrow.names
        fault = f"{name} has no column 'label', only {', '.join(found)}.{did_you_mean('label', found)}"
        return Labelling(fault=f"{fault} {UNLABELLED_HINT}")

    def entries(self) -> Iterator[Entry]:
        """List the pictures, holding one batch of rows in memory."""
        row = 0
        for name, path in self.shards:
            for position, entry in enumerate(self._shard(name, path)):
                source = _relative(entry.source) or f"{name}#{position}"
                yield Entry(row, source, entry.content, entry.label, entry.group, entry.part)
                row += 1

    @property
    def label_column(self) -> str | None:
        """Name of the column that holds the labels, or None where there is none."""
        return self._columns.label

    @cached_property
    def _columns(self) -> _Columns:
        """The columns of the first shard; all others must agree."""
        first, *others = (_columns_of(name, path) for name, path in self.shards)
        for columns, (name, _) in zip(others, self.shards[1:], strict=True):
            if columns != first:
                message = f"{name} has other columns or class names than {self.shards[0][0]}."
                raise DataError(f"{message} Give files of one data set only.")
        return first

    def _shard(self, name: str, path: Path) -> Iterator[Entry]:
        columns = self._columns
        used = [used for used in (columns.image, columns.label, columns.group, columns.part) if used]
        by_name = PurePath(name).name.split("-")[0] if len(self.shards) > 1 else ""
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=used):
                yield from _batch_entries(batch, columns, by_name if split_part(by_name) else "")


def _batch_entries(batch: Any, columns: _Columns, part: str) -> Iterator[Entry]:  # noqa: ANN401 - pyarrow has no types
    """List one batch; the source is the picture's path alone, or empty."""

    def values(name: str | None) -> list[Any]:
        return batch.column(name).to_pylist() if name else [None] * len(batch)

    pictures = zip(*_encoded(batch.column(columns.image)), strict=True)
    others = zip(values(columns.label), values(columns.group), values(columns.part), strict=True)
    for (encoded, path), (label, group, own_part) in zip(pictures, others, strict=True):
        content = encoded if encoded is not None else UnreadableError("the row holds no bytes of a picture")
        yield Entry(0, path or "", content, label, _text(group), _text(own_part) or part)


def _encoded(column: Any) -> tuple[list[bytes | None], list[str | None]]:  # noqa: ANN401 - pyarrow has no types
    """Return bytes and paths of an image column."""
    import pyarrow as pa

    if not pa.types.is_struct(column.type):
        return column.to_pylist(), [None] * len(column)
    # flatten() keeps missing pictures missing, where field() would show what lies under them
    fields = dict(zip([field.name for field in column.type], column.flatten(), strict=True))
    paths = fields["path"].to_pylist() if "path" in fields else [None] * len(column)
    return fields["bytes"].to_pylist(), paths


def _columns_of(name: str, path: Path) -> _Columns:
    with _opened(path) as file:
        schema = file.schema_arrow
    features = _features(schema.metadata)
    image = _feature(features, "Image") or "image"
    label = _feature(features, "ClassLabel") or "label"
    if image not in schema.names:
        found = ", ".join(schema.names) or "none"
        raise DataError(f"{name} has no column 'image', only {found}.{did_you_mean('image', schema.names)}")
    _check_image_type(schema.field(image).type, f"Column '{image}' of {name}")
    names = features.get(label, {}).get("names")
    return _Columns(
        image,
        label if label in schema.names else None,
        next((column for column in GROUP_COLUMNS if column in schema.names), None),
        "split" if "split" in schema.names else None,
        tuple(str(text) for text in names) if names else None,
    )


def _check_image_type(kind: Any, where: str) -> None:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    if pa.types.is_struct(kind):
        kind = next((field.type for field in kind if field.name == "bytes"), pa.null())
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise DataError(f"{where} holds no encoded pictures. It must be struct<bytes: binary, path: string>.")


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, dict[str, Any]]:
    """Return the datasets library's description of the columns; nothing where it is absent or not understood."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _feature(features: dict[str, dict[str, Any]], kind: str) -> str | None:
    return next((name for name, feature in features.items() if feature.get("_type") == kind), None)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a Parquet file; faults met while it is read say what to do."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("parquet", f"Reading {path.name}") from None
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise DataError(f"{path} is damaged or no Parquet file ({reason}). Copy or download it again.") from error


def _relative(path: str) -> str:
    """Return a picture's path, without the folders where it is absolute: sources name no one's home."""
    return PurePath(path).name if PurePath(path).is_absolute() else path


def _text(value: object) -> str:
    return "" if value is None else str(value)
