"""Applying a manifest to a copy of the data, in any form; the original is never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smearlab.audit.cleaned import clean
from smearlab.audit.manifest import Manifest
from smearlab.audit.writing_files import pictures_folder, write_class_folders, write_list
from smearlab.audit.writing_tables import write_npz, write_parquet
from smearlab.data.forms.base import name_some
from smearlab.data.forms.csvlist import CsvForm
from smearlab.data.forms.opening import open_form
from smearlab.data.paths import expanded, user_path
from smearlab.data.read import read
from smearlab.errors import DataError, counted, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells
    from smearlab.data.forms.base import Form

_SUFFIXES = (".npz", ".parquet", ".csv")
_OUT = "Give a .npz, .parquet or .csv file, or a folder for class folders."


@dataclass(frozen=True)
class Applied:
    """What was written.

    Attributes:
        out: the copy.
        written: pictures in it.
        dropped: pictures that the manifest drops.
        relabelled: pictures with a new label.
        notes: what could not be kept, in sentences.
    """

    out: Path
    written: int
    dropped: int
    relabelled: int
    notes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Say it in a few lines."""
        return [
            f"{counted(self.written, 'picture')} kept, {self.dropped:,} dropped, {self.relabelled:,} relabelled.",
            *self.notes,
        ]


def apply_manifest(data: str | Path, manifest: Manifest | str | Path, out: str | Path) -> Applied:
    """Write a cleaned copy of some data.

    Args:
        data: labelled pictures in any form.
        manifest: made for this data, or the file of it.
        out: a ``.npz``, ``.parquet`` or ``.csv`` file, or a folder for class folders; it must not exist yet. Files and
            encoded pictures are copied byte for byte where the form has a place for them; a list points at the
            original files.

    Returns:
        What was written.

    Raises:
        DataError: the data or the manifest cannot be read, or do not belong together; `out` exists, or lies in the
            data; or the form has no place for the pictures.
        MissingExtraError: Parquet is wanted and pyarrow is not installed.
    """
    target = user_path(out)
    _check_target(target, data)
    manifest = manifest if isinstance(manifest, Manifest) else Manifest.read(manifest)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    clean(cells, manifest)  # so that whatever does not fit is told before anything is written
    form = None if str(data) == "demo" else open_form(data)
    written = _write(target, form, cells, manifest)
    notes = tuple(_losses(target, form, cells, manifest, written))
    return Applied(target, written, manifest.count("drop"), manifest.count("relabel"), notes)


def _write(target: Path, form: Form | None, cells: Cells, manifest: Manifest) -> int:
    match target.suffix.lower():
        case ".npz":
            return write_npz(target, cells, manifest)
        case ".parquet":
            return write_parquet(target, form, cells, manifest)
        case ".csv":
            return write_list(target, form, cells, manifest)
        case _:
            return write_class_folders(target, form, cells, manifest)


def _check_target(target: Path, data: str | Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir()) and target.suffix not in _SUFFIXES):
        raise DataError(f"{target} exists already, and nothing is written over. Choose another --out. {_OUT}")
    suffix = target.suffix.lower()
    if suffix and suffix not in _SUFFIXES and (did_you_mean(suffix, _SUFFIXES) or len(suffix) == 4):
        raise DataError(f"{target}: nothing can be written as {suffix}.{did_you_mean(suffix, _SUFFIXES)} {_OUT}")
    if suffix == ".csv" and pictures_folder(target).exists():
        raise DataError(
            f"{pictures_folder(target)}, for the pictures of the list, exists already. Choose another --out."
        )
    source = expanded(data)
    if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} lies in the data itself, which is not touched. Choose an --out elsewhere.")


def _losses(target: Path, form: Form | None, cells: Cells, manifest: Manifest, written: int) -> list[str]:
    """Say what the form of the copy has no place for."""
    notes = []
    missing = len(manifest) - manifest.count("drop") - written
    if missing:
        notes.append(f"{counted(missing, 'picture')} that cannot be decoded could not be taken along.")
    grouped = target.suffix.lower() in (".parquet", ".csv")
    if isinstance(form, CsvForm) and form.further and target.suffix.lower() != ".csv":
        names = name_some(form.further, 9)
        notes.append(f"Further columns of the list ({names}) have no place in this form; a .csv keeps them.")
    if cells.groups is not None and not grouped:
        notes.append("Groups (patients, slides) have no place in this form; a .parquet or .csv keeps them.")
    if cells.parts is not None and not grouped and (cells.parts == "").any():
        notes.append("The split has no place in this form, as it leaves pictures out; a .parquet or .csv keeps it.")
    return notes
