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
def evaluate(model: str, data: str, *, out: Path, tta: str | None = None, adapt_norm: float | None = None) -> None:
    """Measure any model on any labelled data: metrics.json, predictions.csv, tables, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    data
        Labelled pictures in any form.
    out
        The folder to write to: new, or of an earlier evaluation.
    tta
        Average over several views of each picture: flips, rotations, scales, crops, or how many.
    adapt_norm
        Adapt batch normalisation to these pictures; the strength of the training statistics in pictures.
    """
    from smearlab.evaluation.evaluate import evaluate as measure
    from smearlab.evaluation.words import headline

    figures = measure(model, data, out, tta=tta, adapt_norm=adapt_norm)
    print("\n".join([headline(figures), *figures["notes"]]))
    print(f"Report: {out / 'report.html'}")


@app.command
def stress(
    model: str,
    data: str,
    *,
    suite: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = ("all",),
    out: Path,
    severities: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative="")] = (),
    part: str | None = None,
    limit: int | None = None,
    size: int = 96,
    tta: str | None = None,
    adapt_norm: float | None = None,
    predictions: Annotated[bool, Flag] = False,
    seed: int = 0,
) -> None:
    """Measure how a model holds up on altered pictures: stress.csv, summary.json, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    data
        Labelled pictures in any form.
    suite
        bloodmnist-c, imagenet-c, microscope, chain, scale, several of these, or all.
    out
        The folder to write to: new, or of an earlier stress test.
    severities
        Those to try, from 1 (mild) to 5; all by default.
    part
        test, validation, train or all; by default the test part of a run's own data, all of other data.
    limit
        At most about this many pictures, each class by its share.
    size
        96 or 224: the size of picture that the pixel sizes of bloodmnist-c are meant for.
    tta
        Average over several views of each picture: flips, rotations, scales, crops, or how many.
    adapt_norm
        Adapt batch normalisation to the altered pictures; the strength of the training statistics in pictures.
    predictions
        Write every answer as predictions.csv as well.
    seed
        Of corruptions, sample and intervals.
    """
    from smearlab.evaluation.stress import StressOptions
    from smearlab.evaluation.stress import stress as measure
    from smearlab.evaluation.words import stress_lines

    options = StressOptions(suite, severities, part, limit, size, tta, adapt_norm, predictions, seed)
    summary = measure(model, data, out, options)
    print("\n".join([*stress_lines(summary), *summary["notes"]]))
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
def augment(
    data: str,
    *,
    sheet: Path,
    policy: str | None = None,
    recipe: str | None = None,
    operation: str | None = None,
    progress: Annotated[bool, Flag] = False,
    seed: int = 0,
    size: int | None = None,
    rows: int = 8,
    columns: int = 8,
) -> None:
    """Draw a sheet of examples: what a policy of augmentation does to your own pictures.

    Parameters
    ----------
    data
        Labelled pictures in any form; every class gives some in turn.
    sheet
        The .png file to write.
    policy
        none, flips, geometry, light, traditional, randaugment, trivialaugment, augmix, pixmix, pipeline or ours.
    recipe
        Take policy, strength and picture size from a recipe.
    operation
        Show one operation alone, from mild to full.
    progress
        The columns are the way through a training, mild to hard, instead of several draws.
    seed
        Of the draws.
    size
        Side of a picture in pixels; the recipe's or 96 by default.
    rows
        Pictures.
    columns
        Draws, amounts or steps of the way.
    """
    from smearlab.evaluation.sheet import SheetOptions, write_sheet

    write_sheet(data, sheet, SheetOptions(policy, recipe, operation, progress, seed, size, rows, columns))
    print(f"Sheet: {sheet}")


@app.command
def study(
    name: str,
    data: str,
    *,
    out: Path,
    scale: str = "small",
    seeds: int | None = None,
    only: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    jobs: int | None = None,
    recipe: str = "quick",
) -> None:
    """Compare recipes that differ in one thing each: study.csv, study.json, report. Give it again to go on.

    Parameters
    ----------
    name
        policies (augmentation, each family and group left out), means (every other option) or tuning (from weights).
    data
        Labelled pictures in any form.
    out
        The folder to write to: new, or of the same study, which is then gone on with.
    scale
        smoke (a minute, to see that it runs), small (half an hour on two cores) or full (two hours).
    seeds
        Trainings of each recipe; 1, 2 or 3 by scale.
    only
        Names of the recipes wanted; all of the scale by default.
    jobs
        Processes; one for each core, at most four, by default.
    recipe
        The recipe that all of them start from.
    """
    from smearlab.evaluation.studies.study import StudyOptions, printed, run_study

    print(printed(run_study(name, data, out, StudyOptions(scale, seeds, only, jobs, recipe))))
    print(f"Report: {out / 'report.html'}")


@app.command
def recipes() -> None:
    """List the recipes that ship."""
    from smearlab.training.recipe_io import load_recipe, shipped_recipes

    for name in shipped_recipes():
        print(f"{name:<12} {load_recipe(name).description}")


@app.command
def compare(
    *runs: Path,
    ensemble: Annotated[bool, Flag] = False,
    soup: Path | None = None,
    data: str | None = None,
    out: Path | None = None,
) -> None:
    """Compare finished runs on the test pictures they share, with paired intervals; or mix their weights.

    Parameters
    ----------
    runs
        Run folders; differences are against the first.
    ensemble
        Also measure the mean of their probabilities.
    soup
        Write the greedy soup of their weights to this run folder, and compare it too; needs --data.
    data
        The data that the runs were trained on.
    out
        A .json file for all figures.
    """
    from smearlab.evaluation.compare import compare as measure
    from smearlab.evaluation.compare import comparison_lines

    everyone = list(runs)
    if soup is not None:
        from smearlab.evaluation.brew import brew_soup

        everyone.append(brew_soup(runs, data, soup).path)
    found = measure(everyone, ensemble=ensemble)
    if out is not None:
        found.write(out)
    print("\n".join(comparison_lines(found)))
