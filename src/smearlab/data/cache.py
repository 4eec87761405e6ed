"""The cache of things that are costly to make: decoded pictures, synthetic smears, downloads.

Each key has one folder. It is built under a temporary name and renamed whole, so a folder that is there is
complete. Any folder of the cache may be deleted at any time; it is made again when next needed.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.atomic import TEMPORARY_PREFIX, atomic_folder
from smearlab.data.notices import notice
from smearlab.errors import DataError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLAIN_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DAY = 24 * 3600.0


def cache_folder() -> Path:
    """Return the user's cache folder, which need not exist yet.

    It is ``$SMEARLAB_CACHE``, else ``$XDG_CACHE_HOME/smearlab``, else ``~/.cache/smearlab``.
    """
    if own := os.environ.get("SMEARLAB_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "smearlab"


def writable_cache_folder() -> Path:
    """Return the cache folder, made if need be; where it cannot be written, warn and use a temporary one."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        return _temporary_cache(folder, error.strerror or str(error))


def open_or_build(key: str, build: Callable[[Path], None]) -> Path:
    """Return the finished folder of a key; build it first where it is not there.

    Of several processes or threads that want the same key at once, one builds and the others wait. What a
    killed process left behind is removed, never used.

    Args:
        key: names the content and everything that decided it. Another key must be used for other content.
        build: fills the empty folder it is given. It must not ask for the same key.

    Returns:
        The folder. Its files are never changed again: open them for reading only.

    Raises:
        DataError: the disk is full.
    """
    name = _folder_name(key)
    if (finished := cache_folder() / name).is_dir():
        return finished
    root = writable_cache_folder()
    finished = root / name
    with lock(root / "locks" / name) as locked:
        if not finished.is_dir():
            _remove_leftovers(root, name if locked else None)
            _build(finished, build)
    return finished


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Hold a file's lock during the block, waiting for it first; yield False where the system has no locks.

    The system frees the lock of a process that dies, so a lock is never left behind. The empty file stays,
    because removing it would let two processes each lock a file of their own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if sys.platform == "win32":
            yield False
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some network file systems
            yield False
            return
        yield True  # closing the file frees the lock


def _build(finished: Path, build: Callable[[Path], None]) -> None:
    try:
        with atomic_folder(finished) as folder:
            build(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        message = (
            f"The disk that holds the cache folder {finished.parent} is full. Free some space, "
            "or set SMEARLAB_CACHE to a folder on another disk."
        )
        raise DataError(message) from error


def _folder_name(key: str) -> str:
    """Return the key itself where it can name a folder anywhere, else a digest of it."""
    return key if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:40]


def _remove_leftovers(root: Path, name: str | None) -> None:
    """Remove what killed processes left: all of the key whose lock we hold, and anything a day old."""
    own = set(root.glob(f"{TEMPORARY_PREFIX}????????-{name}")) if name else set()
    for path in root.glob(f"{TEMPORARY_PREFIX}*"):
        if path in own or _age(path) > _DAY:
            shutil.rmtree(path, ignore_errors=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


@cache
def _temporary_cache(folder: Path, reason: str) -> Path:
    temporary = Path(tempfile.mkdtemp(prefix="smearlab-cache-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    notice(
        f"The cache folder {folder} cannot be written ({reason}). Pictures are decoded again in every run; "
        "set SMEARLAB_CACHE to a folder that can be written."
    )
    return temporary
