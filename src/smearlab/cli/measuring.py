"""Commands that measure a model: evaluate, stress."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Flag, Several, app


@app.command
def evaluate(
    model: str,
    data: str,
    *,
    out: Path,
    tta: str | None = None,
    adapt_norm: float | None = None,
    one_look: Annotated[bool, Flag] = False,
) -> None:
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
    one_look
        Look once at each picture: not from nearer where it shows a wide field, nor from other sides where unsure.
    """
    from smearlab.evaluation.evaluate import evaluate as measure
    from smearlab.evaluation.words import headline

    figures = measure(model, data, out, tta=tta, adapt_norm=adapt_norm, one_look=one_look)
    print("\n".join([headline(figures), *figures["notes"]]))
    print(f"Report: {out / 'report.html'}")


@app.command
def stress(
    model: str,
    data: str,
    *,
    suite: Annotated[tuple[str, ...], Several] = ("all",),
    out: Path,
    severities: Annotated[tuple[int, ...], Several] = (),
    part: str | None = None,
    limit: int | None = None,
    size: int = 96,
    tta: str | None = None,
    adapt_norm: float | None = None,
    one_look: Annotated[bool, Flag] = False,
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
        bloodmnist-c, imagenet-c, microscope, chain, laboratories, scale, several of these, or all.
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
    one_look
        Look once at each picture: not from nearer where it shows a wide field, nor from other sides where unsure.
    predictions
        Write every answer as predictions.csv as well.
    seed
        Of corruptions, sample and intervals.
    """
    from smearlab.evaluation.stress import StressOptions
    from smearlab.evaluation.stress import stress as measure
    from smearlab.evaluation.words import stress_lines

    options = StressOptions(suite, severities, part, limit, size, tta, adapt_norm, one_look, predictions, seed)
    summary = measure(model, data, out, options)
    print("\n".join([*stress_lines(summary), *summary["notes"]]))
    print(f"Report: {out / 'report.html'}")
