"""Stopping cleanly: the first Ctrl-C asks, the second one insists; so with SIGTERM."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class StopFlag:
    """True once the user has asked to stop."""

    def __init__(self) -> None:
        self._signals: set[int] = set()

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the same once more stops at once, with the last checkpoint as it is.

        Another does not: Ctrl-C reaches all processes of a terminal, and those that work for another are then told by
        that one, too.
        """
        if number in self._signals:
            raise KeyboardInterrupt
        self._signals.add(number)

    def __bool__(self) -> bool:
        return bool(self._signals)


@contextmanager
def stop_on_signal() -> Iterator[StopFlag]:
    """Turn SIGINT and SIGTERM into a flag that the training loop looks at after every step.

    Outside the main thread, where Python allows no handlers, the flag simply stays down.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = {number: signal.signal(number, flag.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
