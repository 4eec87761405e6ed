"""Writing files and folders so that nobody ever sees a half-written one under its final name.

Everything is first written under a temporary name in the same folder, flushed to the disk, and only then
renamed. A process killed half-way leaves at most a hidden ``.tmp-…`` entry behind, never a damaged file.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block ends without an error.

    The temporary name keeps the suffix of the target, because many writers choose the format by it. Missing
    parent folders are made.

    Args:
        target: the final path of the file; an existing file is replaced in one step.

    Raises:
        DataError: `target` is a folder, or lies below a file.
        OSError: it cannot be written; the error names `target`, not the temporary path.
    """
    target = Path(target)
    if target.is_dir():
        raise DataError(f"{target} is a folder; give the name of a file to write.")
    temporary = _temporary_name(target)
    with _named(target, temporary):
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(target)
            _flush(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes to a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, obj: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write an object as indented JSON to a file atomically.

    NaN and infinity are refused with ValueError, because many readers of JSON do not know them.
    """
    write_text(path, json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; rename it to `target` when the block ends without an error.

    An existing folder is exchanged for the new one and then removed with everything in it, so a caller must
    first make sure that it is theirs to replace. When the block fails, the existing folder stays as it was.

    Args:
        target: the final path of the folder.

    Raises:
        DataError: `target` is an existing file, or lies below one.
        OSError: it cannot be written; the error names `target`, not the temporary path.
    """
    target = Path(target)
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; give the name of a folder to write.")
    temporary = _temporary_name(target)
    with _named(target, temporary):
        temporary.mkdir()
        try:
            yield temporary
            flush_folder(temporary)
            _put_in_place(temporary, target)
            _flush(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """Flush every file and folder below `folder` to the disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            _flush(Path(path) / name)
        _flush(Path(path))


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder and in the folders directly below it.

    Call it only for a folder that no other process is writing to.
    """
    for pattern in (f"{TEMPORARY_PREFIX}*", f"*/{TEMPORARY_PREFIX}*"):
        for path in list(folder.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


@contextmanager
def _named(target: Path, temporary: Path) -> Iterator[None]:
    """Let an error of the system in the block speak of the path that was asked for."""
    try:
        yield
    except OSError as error:
        if str(temporary) not in str(error):
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        place = str(error.filename or temporary)
        whole = [text.replace(str(temporary), str(target)) for text in (reason, place)]
        raise OSError(error.errno, *whole) from error


def _temporary_name(target: Path) -> Path:
    above = next((folder for folder in target.parents if folder.exists()), target.parent)
    if above.exists() and not above.is_dir():
        raise DataError(f"{target} cannot be written, because {above} is a file, not a folder. Choose another path.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}-{target.name}"


def _flush(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows cannot open a folder this way, and has no need of it
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`; an existing target is left under the name of `new`, or removed."""
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        # Where the system cannot exchange two folders in one step, the old one is set aside, and put back on
        # failure.
        aside = _temporary_name(target)
        target.rename(aside)
        try:
            new.rename(target)
        except OSError:
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step; False where the system cannot (only Linux offers it to every process)."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0)
