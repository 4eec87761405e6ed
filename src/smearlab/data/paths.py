"""Paths that a user gives."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.errors import DataError

if TYPE_CHECKING:
    from smearlab.errors import SmearlabError

_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL}


def user_path(given: str | Path, error: type[SmearlabError] = DataError) -> Path:
    """Return a path as a user gave it, ``~`` expanded; it need not exist.

    Args:
        given: the path.
        error: what to raise.

    Raises:
        SmearlabError: no file can have that name: it has a null character, is too long, or is a loop of links.
    """
    path = expanded(given)
    try:
        path.stat()
    except ValueError:  # a null character, or one that the system's encoding does not know
        raise error(f"There is no {str(given)!a}: no file can have that name. Check the path.") from None
    except OSError as problem:
        if problem.errno in _IMPOSSIBLE:
            raise error(f"There is no {_shortened(given)}: {problem.strerror}. Check the path.") from None
    return path


def expanded(given: str | Path) -> Path:
    """Return a path with ``~`` expanded where there is such a home, and as it is elsewhere."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)


def is_possible(given: str | Path) -> bool:
    """Whether a file could have that name."""
    try:
        user_path(given)
    except DataError:
        return False
    return True


def _shortened(given: str | Path) -> str:
    text = os.fspath(given)
    return text if len(text) <= 100 else f"{text[:60]}…{text[-30:]}"
