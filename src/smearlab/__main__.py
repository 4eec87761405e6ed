"""The way in from the shell: runs the command line and turns every foreseen error into one message and status 2."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from smearlab.errors import SmearlabError, TrainingInterrupted

USER_MISTAKE = 2
INTERRUPTED, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """The system asked the process to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as typed after ``smearlab``; None takes the process's own.

    Returns:
        0 on success, 2 on a user's mistake, 130 when the user stopped it, 143 when the system did.
    """
    from smearlab.cli import call

    if arguments is None:  # the process is ours: half-written files go before it ends
        signal.signal(signal.SIGTERM, _terminate)
    try:
        call(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()  # here, since an error at exit could no longer be caught
    except TrainingInterrupted as event:
        if os.environ.get("RANK", "0") == "0":
            print(event, file=sys.stderr)
        return INTERRUPTED
    except SmearlabError as error:
        if os.environ.get("RANK", "0") == "0":  # of several processes, one speaks
            print(f"smearlab: {error}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt as event:
        print("smearlab: stopped.", file=sys.stderr)
        return TERMINATED if isinstance(event, Terminated) else INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as in `smearlab recipes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder that may not be written to, a path through a file
        place = f"{error.filename}: " if error.filename else ""
        print(f"smearlab: {place}{error.strerror or error}. Check the path and its permissions.", file=sys.stderr)
        return USER_MISTAKE
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())
