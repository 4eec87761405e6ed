"""Writing the pictures that a manifest keeps into one file: an ``.npz`` archive or a Parquet file."""

from __future__ import annotations

import json
import zipfile
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from smearlab.audit.cleaned import clean
from smearlab.audit.kept import as_bytes, kept_pictures
from smearlab.celltypes import CLASS_NAMES
from smearlab.data.atomic import atomic_path
from smearlab.data.forms.parquet import ParquetForm
from smearlab.data.progress import progress
from smearlab.errors import DataError, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from smearlab.audit.kept import Kept
    from smearlab.audit.manifest import Manifest
    from smearlab.data.cells import Cells, IntArray
    from smearlab.data.forms.base import Form, RawLabel

_PARTS = {"train": "train", "validation": "val", "test": "test"}
_BATCH_ROWS = 256


def write_npz(target: Path, cells: Cells, manifest: Manifest) -> int:
    """Write ``images`` and ``labels``, or MedMNIST's three parts where the source brings a split.

    The eight cell types become numbers in BloodMNIST's order, other classes are named. Pictures that cannot be decoded
    are left out: an array has no place for them.

    Returns:
        How many pictures were written.

    Raises:
        DataError: the pictures have mixed sizes.
    """
    kept = clean(cells, manifest)
    sizes = {picture.shape for picture in kept}
    if len(sizes) > 1:
        raise DataError(
            f"{cells.name} has pictures of {len(sizes)} sizes, which no .npz can hold. Give a folder, a .parquet or a "
            ".csv as --out."
        )
    labels = _numbers_or_names(kept)
    with (
        atomic_path(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        progress(f"Writing {target.name}", len(kept)) as advance,
    ):
        for prefix, positions in _parts_of(kept):
            _write_pictures(archive, f"{prefix}images.npy", kept, positions, advance)
            with archive.open(f"{prefix}labels.npy", "w") as file:
                npy.write_array(file, labels[positions][:, None], allow_pickle=False)
    return len(kept)


def _numbers_or_names(cells: Cells) -> np.ndarray[Any, Any]:
    names = np.array(cells.class_names)[cells.known_labels]
    if set(cells.class_names) <= set(CLASS_NAMES):
        return np.array([CLASS_NAMES.index(name) for name in names.tolist()], dtype=np.uint8)
    return names


def _parts_of(cells: Cells) -> Iterator[tuple[str, IntArray]]:
    """List what the arrays' names begin with, and the positions that go into each."""
    if cells.parts is None or (cells.parts == "").any():
        yield "", np.arange(len(cells))
        return
    for part, name in _PARTS.items():
        positions = np.flatnonzero(cells.parts == part)
        if len(positions):
            yield f"{name}_", positions


def _write_pictures(
    archive: zipfile.ZipFile, name: str, cells: Cells, positions: IntArray, advance: Callable[[int], None]
) -> None:
    """Write pictures one by one: all of them may not fit into memory."""
    shape = (len(positions), *cells.images[int(positions[0])].shape)
    with archive.open(name, "w", force_zip64=True) as file:
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for position in positions.tolist():
            file.write(np.ascontiguousarray(cells.images[position]).tobytes())
            advance(1)


def write_parquet(target: Path, form: Form | None, cells: Cells, manifest: Manifest) -> int:
    """Write a Parquet file in the Hugging Face image layout; pictures that are encoded stay as they are.

    A copy of a Parquet file keeps all its columns and its metadata.

    Returns:
        How many pictures were written.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    require("pyarrow", "parquet", f"Writing {target.name}")
    if isinstance(form, ParquetForm):
        return _copy_rows(target, form, cells, manifest)
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = clean(cells, manifest).class_names
    count, schema = 0, _schema(names, groups=cells.groups is not None, parts=cells.parts is not None)
    with (
        atomic_path(target) as temporary,
        pq.ParquetWriter(temporary, schema) as writer,
        progress(f"Writing {target.name}", len(manifest)) as advance,
    ):
        for batch in _batches(kept_pictures(form, cells, manifest)):
            lines = [_line(picture, names) for picture in batch if picture.label in names]
            writer.write_table(pa.Table.from_pylist(lines, schema=schema))
            count += len(lines)
            advance(len(batch))
    return count


def _schema(names: Sequence[str], *, groups: bool, parts: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    others = ["group"] * groups + ["split"] * parts
    features: dict[str, dict[str, object]] = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(names)},
        **{name: {"_type": "Value", "dtype": "string"} for name in others},
    }
    fields = [("image", image), ("label", pa.int64()), *((name, pa.string()) for name in others)]
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _line(picture: Kept, names: Sequence[str]) -> dict[str, object]:
    # Where a picture is no file, its row is all the name it has; '#' would not do in a file's name.
    path = picture.source if not isinstance(picture.content, np.ndarray) else f"{picture.row:06}.png"
    image = {"bytes": as_bytes(picture.content), "path": path}
    return {"image": image, "label": names.index(picture.label), "group": picture.group, "split": picture.part}


def _batches(pictures: Iterator[Kept]) -> Iterator[list[Kept]]:
    while batch := list(islice(pictures, _BATCH_ROWS)):
        yield batch


def _copy_rows(target: Path, form: ParquetForm, cells: Cells, manifest: Manifest) -> int:
    """Copy the rows that are kept, label by label as the source spells them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (_, first), *_ = form.files()
    schema, column, count, row = pq.read_schema(first), form.label_column, 0, 0
    spelt = _spellings(form, cells) if manifest.count("relabel") else {}
    with (
        atomic_path(target) as temporary,
        pq.ParquetWriter(temporary, schema) as writer,
        progress(f"Writing {target.name}", len(manifest)) as advance,
    ):
        for _, shard in form.files():
            for batch in pq.ParquetFile(shard).iter_batches(batch_size=_BATCH_ROWS):
                decisions = manifest.decisions[row : row + len(batch)]
                if any(one.action == "relabel" for one in decisions):
                    place = batch.schema.get_field_index(column)
                    given = batch.column(place)
                    labels = [
                        spelt[one.label] if one.action == "relabel" else old
                        for one, old in zip(decisions, given.to_pylist(), strict=True)
                    ]
                    batch = batch.set_column(place, batch.schema.field(place), pa.array(labels, given.type))
                kept = batch.filter(pa.array([one.action != "drop" for one in decisions]))
                writer.write_table(pa.Table.from_batches([kept]).cast(schema))
                row, count = row + len(batch), count + len(kept)
                advance(len(batch))
    return count


def _spellings(form: ParquetForm, cells: Cells) -> dict[str, RawLabel]:
    """Return how the label column writes each class, without reading a picture."""
    import pyarrow.parquet as pq

    columns = (pq.read_table(shard, columns=[form.label_column]).column(0).to_pylist() for _, shard in form.files())
    raw = list(chain.from_iterable(columns))
    labels = cells.known_labels.tolist()
    found: dict[str, RawLabel] = {}
    for row, label in zip(cells.rows.tolist(), labels, strict=True):
        found.setdefault(cells.class_names[label], raw[row])
    return found
