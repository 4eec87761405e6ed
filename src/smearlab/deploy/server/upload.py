"""A picture as a request brought it: a name, bytes in memory, and perhaps already a reason why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smearlab.deploy.server.settings import Limits

LONGEST_NAME = 200


@dataclass(frozen=True)
class Fault:
    """Why one picture cannot be used.

    Attributes:
        status: the HTTP status where all pictures of a request have this fault.
        code: a short name that programs can rely on.
        message: the reason in words.
    """

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Upload:
    """One picture of a request.

    Attributes:
        source: its file name without any folder, or an empty text.
        data: the content of the file.
        fault: why it cannot be used, where that is known before it is decoded.
    """

    source: str
    data: bytes
    fault: Fault | None = None


def oversized(limits: Limits) -> Fault:
    """Say that a picture file is too large."""
    return Fault(413, "too_large", f"too large: the file has more than {limits.picture_bytes / 2**20:g} MiB")


def base_name(name: str) -> str:
    r"""Reduce a file name to its last part, in one printable line.

    >>> base_name("C:\\Users\\ann\\cell.png"), base_name("../../etc/passwd"), base_name("a\nb\u202e.png")
    ('cell.png', 'passwd', 'a�b�.png')
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(char if char.isprintable() else "\ufffd" for char in last)[:LONGEST_NAME]
