"""Every error a user can meet.

Each message says what was wrong, in which file or row, and what to do next. The command line prints the message alone
and exits with status 2; a traceback is never shown for one of these.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SmearlabError(Exception):
    """The parent of all errors that a user can do something about."""


class DataError(SmearlabError):
    """The data cannot be read, or cannot be used for what was asked."""


class UnreadableError(DataError):
    """One picture cannot be decoded; the message is the reason alone, without the file's name."""


class SplitError(SmearlabError):
    """A split was asked for that the data does not allow, or that leaks."""


class RecipeError(SmearlabError):
    """A recipe or an override is not valid."""


class ModelError(SmearlabError):
    """A model folder is missing, incomplete, or holds something unknown."""


class TrainingError(SmearlabError):
    """A training run cannot start, go on, or be resumed."""


class TrainingInterrupted(SmearlabError):
    """Training was stopped by the user; the message says how to resume."""


class ServiceError(SmearlabError):
    """The web service cannot start as asked, or does not answer a request as asked."""


class MissingExtraError(SmearlabError):
    """A command needs an optional part of smearlab that is not installed."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f"{what} needs a part of smearlab that is not installed. Run: pip install 'smearlab[{extra}]'")
        self.extra = extra


def counted(number: int, thing: str) -> str:
    """Write out a number of things.

    >>> counted(1, "picture"), counted(1200, "picture")
    ('1 picture', '1,200 pictures')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def require(module: str, extra: str, what: str) -> None:
    """Check that a library is installed, without the seconds that importing it would take.

    Args:
        module: the library's name in an import.
        extra: the part of smearlab that brings it.
        what: what needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    if find_spec(module) is None:
        raise MissingExtraError(extra, what)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known word, or an empty string where none is close."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
