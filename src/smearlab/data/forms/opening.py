"""Telling which form some data is in."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

from smearlab.data.forms import bloodmnist
from smearlab.data.forms.csvlist import CsvForm
from smearlab.data.forms.files import FolderForm, PathsForm, is_picture, open_glob
from smearlab.data.forms.npz import NpzForm
from smearlab.data.forms.parquet import ParquetForm
from smearlab.data.paths import expanded, is_possible, user_path
from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.forms.base import Form

FORMS = (
    "a .npz file, a folder of class folders, a .parquet file, a .csv list, 'bloodmnist' or 'demo'; "
    "to predict also a picture, a glob or a folder of pictures"
)
_WORDS = ("demo", "bloodmnist")
_PARQUET = {".parquet", ".pq"}
_TABLES = {".csv", ".tsv"}
_ADVICE = {
    ".npy": "Save pictures and labels together: np.savez('cells.npz', images=…, labels=…).",
    ".zip": "Unpack it and give the folder.",
    ".tar": "Unpack it and give the folder.",
    ".gz": "Unpack it first.",
    ".xlsx": "Save it as CSV UTF-8.",
}


def open_form(data: str | Path) -> Form:
    """Find out which form some data is in.

    Args:
        data: a path, a glob, or ``bloodmnist[:SIZE]``, which is downloaded at its first use. A file or folder of that
            very name is meant by ``./bloodmnist``.

    Raises:
        DataError: there is no such file, it is in no known form, or `data` is empty.
    """
    text = str(data)
    if not text.strip():  # nearly always a shell variable that is not set; Path("") would mean the folder we are in
        raise DataError(f"The data is an empty text. Is a variable not set? Write . for this folder. Data is {FORMS}.")
    if bloodmnist.is_meant(text):
        return bloodmnist.open_bloodmnist(text)
    path = user_path(text)
    if path.is_dir():
        return _open_folder(path)
    if path.exists():
        return _open_file(path)
    if glob.has_magic(text):
        return open_glob(str(path))
    raise DataError(_not_there(path))


def is_container(data: str | Path) -> bool:
    """Tell whether data is meant to hold several pictures: a folder, an archive, a list, or one that has a word."""
    path = expanded(data)
    by_word = str(data) == "demo" or bloodmnist.is_meant(str(data))
    return by_word or (is_possible(path) and path.is_dir()) or path.suffix.lower() in {".npz", *_PARQUET, *_TABLES}


def _open_folder(path: Path) -> Form:
    folder = FolderForm(path)
    if _holds_pictures(folder):
        return folder
    shards = [found for found in path.rglob("*") if found.suffix.lower() in _PARQUET]
    if not shards:
        return folder
    names = sorted((shard.relative_to(path).as_posix(), shard) for shard in shards)
    return ParquetForm(folder.name, tuple(names))


def _holds_pictures(folder: FolderForm) -> bool:
    try:
        return bool(folder.names)
    except DataError:
        return False


def _open_file(path: Path) -> Form:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return NpzForm(path, path.stem)
    if suffix in _PARQUET:
        return ParquetForm(path.stem, ((path.name, path),))
    if suffix in _TABLES:
        return CsvForm(path)
    if is_picture(path):
        return PathsForm(path.stem, ((path.name, path),))
    advice = _ADVICE.get(suffix, f"Data is {FORMS}.")
    raise DataError(f"{path} is in no form that can be read. {advice}")


def _not_there(path: Path) -> str:
    parent = path.parent
    siblings = [sibling.name for sibling in parent.iterdir()] if parent.is_dir() else []
    words = list(_WORDS) if len(path.parts) == 1 else []
    hint = did_you_mean(path.name, [*siblings, *words])
    if not parent.is_dir():
        hint = f" The folder {parent} is not there either."
    return f"There is no {path}.{hint} Data is {FORMS}."
