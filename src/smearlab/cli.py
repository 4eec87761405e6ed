"""The command line: one short function per command, no logic.

Heavy imports stand inside the commands, so that ``smearlab --help`` answers at once and ``predict`` needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from smearlab import __version__
from smearlab.errors import MissingExtraError, SmearlabError, counted, did_you_mean

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


PREDICT_OPTIONS = ("--model", "--out", "--batch-size", "--help")


def _refuse_options(_: object, picture: str) -> None:
    """Let ``-`` through as standard input, but take no misspelt option for a picture."""
    if picture.startswith("-") and picture != "-":
        raise ValueError(f"unknown option {picture}.{did_you_mean(picture.partition('=')[0], PREDICT_OPTIONS)}")


PicturesGiven = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_refuse_options)]


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


_TRAINING_MODULES = (
    "torch",
    "torchvision",
    "timm",
    "accelerate",
    "matplotlib",
    "tomli_w",
    "onnx",
    "onnxscript",
)


@app.command
def run(
    data: str = "demo",
    *,
    recipe: str | None = None,
    out: Path | None = None,
    set_: Overrides = (),
    resume: Annotated[bool, Flag] = False,
    tolerate_unreadable: Annotated[bool, Flag] = False,
    tensorboard: Annotated[bool, Flag] = False,
) -> None:
    """Go the whole way: read, find copies, split, train, evaluate, report, model folder.

    Parameters
    ----------
    data
        A .npz, a folder of class folders, a Parquet file, a CSV of path,label, bloodmnist[:SIZE], or demo.
    recipe
        A TOML file or a shipped recipe's name; quick for the demo, standard for other data.
    out
        The run folder; runs/NAME by default.
    resume
        Go on with the run in that folder.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    tensorboard
        Write TensorBoard event files as well.
    """
    from smearlab import pipeline

    folder = pipeline.run(
        data,
        recipe=recipe,
        out=out,
        overrides=set_,
        resume=resume,
        tolerate_unreadable=tolerate_unreadable,
        tensorboard=tensorboard,
    )
    if pipeline.speaks():
        print(f"Model:  {folder.model}\nReport: {folder.report}")


@app.command
def train(
    data: str,
    *,
    recipe: str | None = None,
    out: Path,
    set_: Overrides = (),
    resume: Annotated[bool, Flag] = False,
    tolerate_unreadable: Annotated[bool, Flag] = False,
    tensorboard: Annotated[bool, Flag] = False,
) -> None:
    """Train a recipe into a run folder: recipe, history, model, predictions, figures, report.

    Parameters
    ----------
    data
        As for run.
    recipe
        A TOML file or a shipped recipe's name.
    out
        The run folder.
    resume
        Go on with the run in that folder; its own recipe is used.
    tolerate_unreadable
        Go on although a whole class, or more than 5 % of the pictures, cannot be read.
    tensorboard
        Write TensorBoard event files as well.
    """
    run(
        data,
        recipe=recipe,
        out=out,
        set_=set_,
        resume=resume,
        tolerate_unreadable=tolerate_unreadable,
        tensorboard=tensorboard,
    )


@app.command
def evaluate(model: str, data: str, *, out: Path) -> None:
    """Measure any model on any labelled data: metrics.json, predictions.csv, tables, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    data
        Labelled pictures in any form.
    out
        The folder to write to: new, or of an earlier evaluation.
    """
    from smearlab.evaluation.evaluate import evaluate as measure
    from smearlab.evaluation.words import headline

    figures = measure(model, data, out)
    print("\n".join([headline(figures), *figures["notes"]]))
    print(f"Report: {out / 'report.html'}")


@app.command
def predict(*pictures: PicturesGiven, model: str = "default", out: Path, batch_size: int = 64) -> None:
    """Name the cells in pictures: one line each, in order, with probabilities. Works without torch.

    Parameters
    ----------
    pictures
        Pictures, globs, a folder, a .npz, a Parquet file, a CSV, or - for a list of paths on standard input.
    model
        A model folder, a run folder, or default, the model that ships.
    out
        The file to write: .csv, .jsonl or .parquet.
    batch_size
        Pictures that go through the network at once.
    """
    from smearlab.inference.predict import predict_to_file

    with _counting("pictures") as count:
        sources = pictures[0] if len(pictures) == 1 else pictures
        summary = predict_to_file(sources, model, out, batch_size, progress=count)
    print(
        f"{counted(summary.n, 'picture')}: {summary.errors:,} unreadable, {summary.not_cells:,} that look like no cell."
    )
    for name, number in summary.class_counts.items():
        print(f"  {number:>8,} {name}")
    print(f"Written: {out}")


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many are done, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda number: progress.advance(task, number)


@app.command
def recipes() -> None:
    """List the recipes that ship."""
    from smearlab.training.recipe_io import load_recipe, shipped_recipes

    for name in shipped_recipes():
        print(f"{name:<12} {load_recipe(name).description}")
