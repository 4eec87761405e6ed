"""A key for the content of files, remembered so that unchanged files are not read again.

The key is a digest of what the files hold and of their relative names, so a copy elsewhere has the same key.
Reading a large set to compute it would make every opening slow; therefore it is remembered under the files' paths,
sizes, times and inode numbers, and a file that was changed, replaced or added is noticed by one of these.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.atomic import write_text
from smearlab.data.cache import cache_folder, writable_cache_folder
from smearlab.data.plainfile import open_plain_file
from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLED_SECONDS = 2.0
"""A file changed more recently than this may change again within one tick of its clock, so it is not remembered."""

_ABSENT = "absent"
_BLOCK = 1 << 22


def content_key(files: Sequence[tuple[str, Path]], preprocessing: str) -> str:
    """Return a digest of files and of what is done with them, as 40 hexadecimal digits.

    Args:
        files: relative name and path of each; files that are missing count as such.
        preprocessing: everything else that decides the result.
    """
    state, newest = _state(files, preprocessing)
    memory = "stamps/" + state
    try:
        return (cache_folder() / memory).read_text(encoding="ascii")
    except OSError:
        key = _digest_all(files, preprocessing)
        if time.time() - newest > SETTLED_SECONDS:
            write_text(writable_cache_folder() / memory, key)
        return key


def _state(files: Sequence[tuple[str, Path]], preprocessing: str) -> tuple[str, float]:
    """Return a digest of the files' names, sizes and times, and the time of the latest change in seconds."""
    digest = hashlib.sha256(preprocessing.encode())
    newest = 0.0
    for name, path in files:
        try:
            status = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, and there may be a million files
        except OSError:
            digest.update(f"{name}\0{path}\0{_ABSENT}\n".encode(errors="surrogateescape"))
            continue
        # The change time is set by the system alone: it betrays also a file whose other times were put back.
        times = f"{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\0{status.st_ino}"
        digest.update(f"{name}\0{path}\0{times}\n".encode(errors="surrogateescape"))
        newest = max(newest, status.st_ctime, status.st_mtime)
    if files and not files[0][1].is_absolute():
        digest.update(os.fsencode(Path.cwd()))
    return digest.hexdigest()[:40], newest


def _digest_all(files: Sequence[tuple[str, Path]], preprocessing: str) -> str:
    digest = hashlib.sha256(preprocessing.encode())
    for name, path in files:
        digest.update(f"{name}\0{_digest(path)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:40]


def _digest(path: Path) -> str:
    try:
        with open_plain_file(path) as (descriptor, size):
            content = hashlib.sha256()
            while size > 0 and (data := os.read(descriptor, min(size, _BLOCK))):
                content.update(data)
                size -= len(data)
            return content.hexdigest()
    except UnreadableError:
        return _ABSENT
