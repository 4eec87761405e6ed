"""Decoding a listing with all cores, in order and in constant memory."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smearlab.data.decode import decode
from smearlab.data.plainfile import read_plain_file
from smearlab.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smearlab.data.cells import UInt8Array
    from smearlab.data.forms.base import Entry

Loaded: TypeAlias = "tuple[Entry, UInt8Array | UnreadableError]"

_CHUNK_BYTES = 16_000_000
_FIRST_CHUNK, _LARGEST_CHUNK = 8, 64


def threads_at_hand() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_all(entries: Iterable[Entry], threads: int | None = None) -> Iterator[Loaded]:
    """Decode the pictures of a listing in its order.

    Threads, not processes: Pillow decodes without holding Python's lock, and pixels need not be sent from one
    process to another. A few chunks are in work at a time; their length follows the size of the pictures, so that
    memory stays bounded also for whole slides.

    Args:
        entries: the listing; it is read lazily, in the calling thread.
        threads: how many decode; all cores by default.

    Yields:
        Each entry with its pixels ``uint8 (h, w, 3)``, or why there are none.
    """
    workers = threads or threads_at_hand()
    waiting: deque[Future[list[Loaded]]] = deque()
    remaining = iter(entries)
    length = _FIRST_CHUNK
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            while True:
                while len(waiting) <= workers and (chunk := _take(remaining, length)):
                    waiting.append(pool.submit(_load_chunk, chunk))
                if not waiting:
                    return
                loaded = waiting.popleft().result()
                length = _next_length(loaded)
                yield from loaded
        finally:  # also when the caller stops early: nothing is decoded that nobody wants
            for future in waiting:
                future.cancel()


def load(entry: Entry) -> UInt8Array | UnreadableError:
    """Return the pixels of one picture, or why there are none."""
    content = entry.content
    try:
        if isinstance(content, Path):
            content = read_plain_file(content)
        return decode(content) if isinstance(content, bytes) else content
    except UnreadableError as error:
        return error.with_traceback(None)


def _take(entries: Iterator[Entry], length: int) -> list[Entry]:
    """Take the next entries; fewer where they already hold many pixels."""
    chunk: list[Entry] = []
    held = 0
    for entry in islice(entries, length):
        chunk.append(entry)
        held += entry.content.nbytes if isinstance(entry.content, np.ndarray) else 0
        if held >= _CHUNK_BYTES:
            break
    return chunk


def _load_chunk(chunk: list[Entry]) -> list[Loaded]:
    return [(entry, load(entry)) for entry in chunk]


def _next_length(loaded: list[Loaded]) -> int:
    largest = max((picture.nbytes for _, picture in loaded if not isinstance(picture, UnreadableError)), default=1)
    return max(1, min(_LARGEST_CHUNK, _CHUNK_BYTES // largest))
