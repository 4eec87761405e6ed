"""The command line's frame: what all commands share, and how one is run as typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from smearlab import __version__
from smearlab.errors import MissingExtraError, SmearlabError

app = App(
    name="smearlab",
    help="From any collection of blood-smear cell pictures to a classifier that can be trusted.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

Overrides = Annotated[
    tuple[str, ...],
    Parameter("--set", consume_multiple=1, negative="", help="Override values of the recipe: section.key=value."),
]
Flag = Parameter(negative="")
Several = Parameter(consume_multiple=True, negative="")
"""An option that takes several values at once."""

_TRAINING_MODULES = (
    "torch",
    "torchvision",
    "timm",
    "accelerate",
    "matplotlib",
    "tomli_w",
    "onnx",
    "onnxscript",
    "sklearn",
    "cleanlab",
    "scipy",
)


class UsageError(SmearlabError):
    """A command was typed wrongly."""


def call(arguments: Sequence[str]) -> None:
    """Run a command as typed.

    Raises:
        UsageError: it was typed wrongly.
        MissingExtraError: it needs a part of smearlab that is not installed.
    """
    try:
        app(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UsageError(f"{error}\nSee smearlab --help.") from error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _TRAINING_MODULES:
            raise MissingExtraError("train", f"'smearlab {next(iter(arguments), '')}'") from error
        raise


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many are done, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda number: progress.advance(task, number)
