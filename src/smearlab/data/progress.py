"""A progress bar for long work, shown on a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error during the block, and take it away afterwards.

    Where standard error is no terminal, or another display is already running, nothing is shown.

    Args:
        what: the work, in words.
        total: steps until the end; 0 if unknown.

    Yields:
        A function that takes how many more steps are done.
    """
    if not sys.stderr.isatty():
        yield lambda steps: None
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
