"""Commands that say how far a model can be believed: trust, shift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Several, app


@app.command
def trust(
    model: str,
    data: str,
    *,
    out: Path,
    suite: Annotated[tuple[str, ...], Several] = ("bloodmnist-c", "microscope"),
    part: str | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> None:
    """Measure calibration, prediction sets, abstention and rejection, clean and stressed: trust.json, report.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    data
        Labelled pictures in any form, that the model was not trained on.
    out
        The folder to write to: new, or of an earlier trust report.
    suite
        Stress suites; every picture is altered once by a corruption and severity of each, drawn at random.
    part
        test, validation, train or all; by default the test part of a run's own data, all of other data.
    limit
        At most about this many pictures, each class by its share.
    seed
        Of corruptions and sample.
    """
    from smearlab.evaluation.trust_report import TrustOptions, trust_lines
    from smearlab.evaluation.trust_report import trust as measure

    facts = measure(model, data, out, TrustOptions(suite, part, limit, seed))
    print("\n".join([*trust_lines(facts), *facts["notes"]]))
    print(f"Report: {out / 'report.html'}")


@app.command
def shift(
    model: str, pictures: str, *, reference: str | None = None, out: Path | None = None, limit: int = 500
) -> None:
    """Compare another laboratory's unlabelled pictures with those of training: what differs, expected accuracy.

    Parameters
    ----------
    model
        A model folder, a run folder, or default.
    pictures
        Pictures in any form; labels are ignored.
    reference
        Pictures of the laboratory that the model was trained for; by default what the model knows of them.
    out
        Write the comparison to a .json file as well.
    limit
        At most so many pictures, evenly spaced; 0 for all.
    """
    from smearlab.data.atomic import write_json
    from smearlab.errors import DataError
    from smearlab.evaluation.shift import shift as compare
    from smearlab.evaluation.shift import shift_words

    if out is not None and out.suffix.lower() != ".json":
        raise DataError(f"The comparison is written as .json, not {out.suffix or 'without an ending'}: {out}")
    found = compare(model, pictures, reference, limit)
    print("\n".join(shift_words(found)))
    if out is not None:
        write_json(out, found.as_dict())
        print(f"Written: {out}")
