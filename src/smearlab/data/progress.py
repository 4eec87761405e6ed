"""How far long work is: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERY = 60.0
"""Seconds between two lines of a log; work that takes less says nothing."""


@contextmanager
def progress(what: str, total: int, *, lines: bool = True) -> Iterator[Callable[[int], None]]:
    """Show on standard error how far the work of the block is.

    On a terminal it is a bar, taken away afterwards. Elsewhere, as in a log, it is a line a minute, so that short work
    leaves nothing behind and long work is not taken for a program that hangs. Where another display is already
    running, nothing is shown.

    Args:
        what: the work, in words.
        total: steps until the end; 0 if unknown.
        lines: False where the work itself says in a log how far it is.

    Yields:
        A function that takes how many more steps are done.
    """
    if not sys.stderr.isatty():
        yield _line_a_minute(what, total) if lines else lambda steps: None
        return
    # Imported late: most calls show nothing, and rich takes a while.
    from rich.console import Console
    from rich.errors import LiveError
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    try:
        bar.start()
    except LiveError:
        yield lambda steps: None
        return
    task = bar.add_task(what, total=total or None)
    try:
        yield lambda steps: bar.advance(task, steps)
    finally:
        bar.stop()


def _line_a_minute(what: str, total: int) -> Callable[[int], None]:
    done, told = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done, told
        done += steps
        now = time.monotonic()
        if now - told >= EVERY:
            told = now
            print(f"{what}: {done:,}{f' of {total:,}' if total else ''}", file=sys.stderr, flush=True)

    return advance
