"""The pictures that a manifest keeps, as the source holds them: files and bytes as they are, not decoded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from smearlab.audit.manifest import sources_and_labels
from smearlab.data.decode import picture_formats, picture_suffixes
from smearlab.data.forms.base import Entry
from smearlab.data.parts import split_part
from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smearlab.audit.manifest import Manifest
    from smearlab.data.cells import Cells, UInt8Array
    from smearlab.data.forms.base import Form, RawLabel


@dataclass(frozen=True, slots=True)
class Kept:
    """One picture that is kept.

    Attributes:
        row: 0-based position in the source.
        source: relative path, or ``file.npz#12``.
        content: the file, its bytes, or pixels ``uint8 (h, w, 3)``.
        label: class identifier, the new one where it is relabelled; empty where there is none.
        raw: the label as the source spells it.
        relabelled: whether the label is another than in the source.
        group: patient, slide or source id, or empty.
        part: ``train``, ``validation``, ``test``, or empty.
    """

    row: int
    source: str
    content: bytes | Path | UInt8Array
    label: str
    raw: RawLabel
    relabelled: bool
    group: str
    part: str


def kept_pictures(form: Form | None, cells: Cells, manifest: Manifest) -> Iterator[Kept]:
    """List the pictures that a manifest keeps, in order and in constant memory.

    A row that has no picture at all, such as one whose file is missing, is left out.

    Args:
        form: of the source; None where there is none but the cells.
        cells: the source as it is read.
        manifest: made for it.
    """
    entries = form.entries() if form is not None else _entries_of(cells)
    given = sources_and_labels(cells)
    for entry, decision in zip(entries, manifest.decisions, strict=True):
        content = entry.content
        if decision.action == "drop" or isinstance(content, UnreadableError):
            continue
        if isinstance(content, Path) and not content.is_file():
            continue
        changed = decision.action == "relabel"
        label = decision.label if changed else given[entry.row][1]
        part = split_part(entry.part) or ""
        yield Kept(entry.row, entry.source, content, label, entry.label, changed, entry.group, part)


def spellings(form: Form, cells: Cells) -> dict[str, RawLabel]:
    """Return how the source spells each class, by its first picture; not for data whose listing holds pixels."""
    labels = cells.known_labels.tolist()
    classes = {row: cells.class_names[label] for row, label in zip(cells.rows.tolist(), labels, strict=True)}
    found: dict[str, RawLabel] = {}
    for entry in form.entries():
        if entry.row in classes:
            found.setdefault(classes[entry.row], entry.label)
    return found


def as_bytes(content: bytes | Path | UInt8Array) -> bytes:
    """Return a picture as the bytes of a file: the original ones where there are any, else a PNG's."""
    if isinstance(content, Path):
        return content.read_bytes()
    if isinstance(content, bytes):
        return content
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(content)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


class FileNames:
    """Gives each picture a file name of its own: the one it has, made safe, or one after its row."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, folder: str, picture: Kept) -> str:
        """Return ``folder/name`` for a picture; names that differ in case only are taken for the same."""
        name = _file_name(picture)
        path = f"{folder}/{name}" if folder else name
        if path.casefold() in self._taken:
            plain = PurePosixPath(name)
            path = str(PurePosixPath(folder) / f"{plain.stem}_row{picture.row}{plain.suffix}")
        self._taken.add(path.casefold())
        return path

    def claim_as_it_is(self, path: str) -> None:
        """Take a path that will be used."""
        self._taken.add(path.casefold())


def _file_name(picture: Kept) -> str:
    written = PurePosixPath(picture.source.replace("\\", "/")).name.lstrip(".")
    name = "".join(char if char.isprintable() and char not in '<>:"|?*#' else "_" for char in written)
    if isinstance(picture.content, np.ndarray):
        return f"{picture.row:06}.png"
    if PurePosixPath(name).suffix.lower() in picture_suffixes() and PurePosixPath(name).stem:
        return name
    return f"{picture.row:06}{_suffix_of(as_bytes(picture.content))}"


def _suffix_of(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data), formats=picture_formats()) as picture:
            kind = (picture.format or "PNG").lower()
    except Exception:  # a damaged picture has no format; under a picture's name it is at least listed again
        return ".png"
    return {"jpeg": ".jpg", "mpo": ".jpg", "tiff": ".tif"}.get(kind, f".{kind}")


def _entries_of(cells: Cells) -> Iterator[Entry]:
    """List cells that come from no file, such as the demo's."""
    labels = cells.known_labels.tolist()
    for place, (row, source) in enumerate(zip(cells.rows.tolist(), cells.sources.tolist(), strict=True)):
        group = str(cells.groups[place]) if cells.groups is not None else ""
        part = str(cells.parts[place]) if cells.parts is not None else ""
        yield Entry(row, source, np.asarray(cells.images[place]), cells.class_names[labels[place]], group, part)
