"""The way in from the shell: runs the command line and turns every foreseen error into one message and status 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from smearlab.errors import SmearlabError, TrainingInterrupted

USER_MISTAKE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: as typed after ``smearlab``; None takes the process's own.

    Returns:
        0 on success, 2 on a user's mistake, 130 when the user stopped it.
    """
    from smearlab.cli import call

    try:
        call(sys.argv[1:] if arguments is None else list(arguments))
    except TrainingInterrupted as event:
        print(event, file=sys.stderr)
        return INTERRUPTED
    except SmearlabError as error:
        print(f"smearlab: {error}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        print("smearlab: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as in `smearlab recipes | head`
        sys.stderr.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
