"""Writing an augmented set picture by picture: class folders of PNG, an ``.npz`` or a Parquet file; and its table."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.atomic import atomic_folder, atomic_path
from smearlab.errors import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from smearlab.data.cells import UInt8Array

    Put = Callable[["SetLine", UInt8Array], None]

TABLE = "augmented.csv"
_ROWS = 256  # of a Parquet file that are held in memory


@dataclass(frozen=True)
class SetLine:
    """What the table says of one picture of a set.

    Attributes:
        path: of the picture, relative to the folder; its number in an ``.npz``; its name in a Parquet file.
        label: class name, of the picture it was made from, whose share is the larger one.
        group: what a split must keep together.
        split: the part that the data brings, or empty.
        row: of the picture it was made from, in the source.
        source: that picture's path or description.
        number: 0 for the picture itself, 1 and more for its copies.
        policy: by which a copy was made; ``original`` for the picture itself.
        partner: row of the picture mixed into it, or empty.
        partner_label: its class, or empty.
        share: of the label in the mixture, 0.5–1; the rest is of `partner_label`.
    """

    path: str
    label: str
    group: str
    split: str
    row: int
    source: str
    number: int
    policy: str
    partner: str = ""
    partner_label: str = ""
    share: float = 1.0


def table_of(out: Path) -> Path:
    """Return where the table of a set lies: in its folder, or beside its file."""
    return out.with_name(f"{out.stem}_{TABLE}") if out.suffix.lower() in (".npz", ".parquet") else out / TABLE


@contextmanager
def set_writer(
    out: Path, labels: Sequence[str], class_names: Sequence[str], side: tuple[int, int] | None
) -> Iterator[Put]:
    """Open a set for writing; it appears whole when the block ends without an error, or not at all.

    Args:
        out: a ``.npz`` or ``.parquet`` file, or a folder.
        labels: class names of all pictures that will come, in their order.
        class_names: all classes.
        side: height and width of the pictures in pixels, for an ``.npz``.

    Raises:
        MissingExtraError: Parquet is wanted and pyarrow is not installed.
    """
    match out.suffix.lower():
        case ".npz":
            opened = _npz(out, labels, side or (0, 0))
        case ".parquet":
            opened = _parquet(out, class_names)
        case _:
            opened = _folders(out)
    with opened as put:
        yield put


@contextmanager
def _folders(out: Path) -> Iterator[Put]:
    with atomic_folder(out) as folder, (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        line_out = _table(file)

        def put(line: SetLine, picture: UInt8Array) -> None:
            path = folder / line.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_png(picture))
            line_out(line)

        yield put


@contextmanager
def _beside(out: Path) -> Iterator[Callable[[SetLine], None]]:
    """Write the table of a set that is one file."""
    with atomic_path(table_of(out)) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield _table(file)


@contextmanager
def _npz(out: Path, labels: Sequence[str], side: tuple[int, int]) -> Iterator[Put]:
    with (
        _beside(out) as line_out,
        atomic_path(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        with archive.open("labels.npy", "w") as file:
            npy.write_array(file, _numbers_or_names(labels)[:, None], allow_pickle=False)
        with archive.open("images.npy", "w", force_zip64=True) as file:
            shape = (len(labels), *side, 3)
            npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})

            def put(line: SetLine, picture: UInt8Array) -> None:
                file.write(np.ascontiguousarray(picture).tobytes())
                line_out(line)

            yield put


def _numbers_or_names(labels: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return numbers in BloodMNIST's order of the eight cell types; other classes by their names."""
    if set(labels) <= set(CLASS_NAMES):
        return np.array([CLASS_NAMES.index(name) for name in labels], dtype=np.uint8)
    return np.array(labels)


@contextmanager
def _parquet(out: Path, class_names: Sequence[str]) -> Iterator[Put]:
    require("pyarrow", "parquet", f"Writing {out.name}")
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, waiting = _schema(class_names), list[dict[str, object]]()
    with _beside(out) as line_out, atomic_path(out) as temporary, pq.ParquetWriter(temporary, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def put(line: SetLine, picture: UInt8Array) -> None:
            image = {"bytes": _png(picture), "path": line.path}
            waiting.append(asdict(line) | {"image": image, "label": class_names.index(line.label)})
            line_out(line)
            if len(waiting) == _ROWS:
                flush()

        yield put
        if waiting:
            flush()


def _schema(class_names: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the Hugging Face image layout with groups, split and what a copy was made of."""
    import pyarrow as pa

    kinds = {"row": ("int64", pa.int64()), "number": ("int64", pa.int64()), "share": ("float64", pa.float64())}
    others = [field.name for field in fields(SetLine) if field.name not in ("path", "label")]
    columns = {name: kinds.get(name, ("string", pa.string())) for name in others}
    features: dict[str, dict[str, object]] = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(class_names)},
        **{name: {"_type": "Value", "dtype": kind} for name, (kind, _) in columns.items()},
    }
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    all_fields = [("image", image), ("label", pa.int64()), *((name, kind) for name, (_, kind) in columns.items())]
    return pa.schema(all_fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _table(file: io.TextIOBase | Any) -> Callable[[SetLine], None]:  # noqa: ANN401 - text files have many types
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([field.name for field in fields(SetLine)])

    def put(line: SetLine) -> None:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in asdict(line).values()])

    return put


def _png(picture: UInt8Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
