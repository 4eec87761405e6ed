"""The command that compares recipes and the teams' systems: study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from smearlab.cli.app import Flag, Several, app


@app.command
def study(
    name: str,
    data: str,
    *,
    out: Path | None = None,
    scale: str = "small",
    seeds: int | None = None,
    only: Annotated[tuple[str, ...], Several] = (),
    jobs: int | None = None,
    recipe: str = "quick",
    from_scratch: Annotated[bool, Flag] = False,
    minutes: float | None = None,
    results: Path | None = None,
) -> None:
    """Compare recipes row by row on the same pictures: tables, report, verdicts. Give it again to go on.

    Parameters
    ----------
    name
        policies, means or tuning (options of one recipe); a team's table or method, such as formidable, m2g-heads or
        rookie-augmentation; transfer; double-scaling; all (every one of the teams'); or findings (the verdicts of
        results that are there).
    data
        Labelled pictures in any form; for findings, the folder of results.
    out
        The folder to write to: new, or of the same study, which is then gone on with.
    scale
        smoke (a few steps, to see that it runs), small (minutes for each row on two cores) or full (as recipes stand).
    seeds
        Trainings of each row; by scale.
    only
        Names of the rows wanted; all of the scale by default.
    jobs
        Processes; one for each core, at most four, by default.
    recipe
        The recipe that the rows of policies, means and tuning start from.
    from_scratch
        Train teams' rows from scratch whose pretrained weights cannot be had; they are marked.
    minutes
        Leave out teams' rows that would take longer here; 45 at small, 24 hours at full; 0 for no limit.
    results
        Also write a JSON file for each row of a team's study to this folder.
    """
    from smearlab.evaluation.studies.command import StudyCall, run_command

    run_command(StudyCall(name, data, out, scale, seeds, only, jobs, recipe, from_scratch, minutes, results))
