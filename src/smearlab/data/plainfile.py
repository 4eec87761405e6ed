"""Reading small files with as few calls to the system as possible.

Each call gives up Python's lock and waits to get it back. With the usual five or more calls per file, threads that read
and decode small pictures spend a third of their time on that.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES = 1_000_000_000
"""No single picture file is that large."""

# A pipe opened without this flag would wait for ever for someone to write into it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_plain_file(path: Path) -> bytes:
    """Return the content of a picture file.

    Raises:
        UnreadableError: there is no such file, it is a folder or a pipe, it is too large, or it may not be read.
    """
    with open_plain_file(path) as (descriptor, size):
        if size > MAX_FILE_BYTES:
            raise UnreadableError(f"the file is larger than {MAX_FILE_BYTES:,} bytes")
        data = os.read(descriptor, size)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):
            data += more
        return data


@contextmanager
def open_plain_file(path: Path) -> Iterator[tuple[int, int]]:
    """Open a regular file for the block, as its descriptor and its size in bytes.

    Raises:
        UnreadableError: as for `read_plain_file`, but of any size.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                folder = stat.S_ISDIR(status.st_mode)
                raise UnreadableError("a folder, not a file" if folder else "not a regular file")
            yield descriptor, status.st_size
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise UnreadableError("there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"the file cannot be opened ({reason})") from None
