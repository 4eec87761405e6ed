"""What `smearlab study` does with its options, and what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smearlab.data.paths import user_path
from smearlab.errors import DataError, SmearlabError
from smearlab.evaluation.studies.catalogue import SYSTEMS
from smearlab.evaluation.studies.results import printed_systems
from smearlab.evaluation.studies.stored import printed_verdicts, stored_verdicts
from smearlab.evaluation.studies.study import StudyOptions, printed, run_study
from smearlab.evaluation.studies.system_study import SystemOptions, run_all, run_systems

ALL, FINDINGS = "all", "findings"


@dataclass(frozen=True)
class StudyCall:
    """The arguments of the command; see there."""

    name: str
    data: str
    out: Path | None
    scale: str
    seeds: int | None
    only: tuple[str, ...]
    jobs: int | None
    recipe: str
    from_scratch: bool
    minutes: float | None
    results: Path | None

    @property
    def systems(self) -> SystemOptions:
        """The options of a study of systems."""
        return SystemOptions(
            *(self.scale, self.seeds, self.only, self.jobs, self.from_scratch, self.minutes),
            results=None if self.results is None else user_path(self.results),
        )


def run_command(call: StudyCall) -> None:
    """Run what was asked for and print it.

    Raises:
        SmearlabError: something is wrong with the arguments, the data or a training.
    """
    if call.name == FINDINGS:
        print(printed_verdicts(stored_verdicts(user_path(call.data), call.scale)))
        return
    if call.out is None:
        raise DataError("Give --out, the folder that the study writes to.")
    if call.name == ALL:
        _all(call, call.out)
    elif call.name in SYSTEMS:
        _own_recipes(call)
        print(printed_systems(*run_systems(call.name, call.data, call.out, call.systems)))
        print(f"Report: {call.out / 'report.html'}")
    else:
        _one_recipe(call)
        options = StudyOptions(call.scale, call.seeds, call.only, call.jobs, call.recipe)
        print(printed(run_study(call.name, call.data, call.out, options)))
        print(f"Report: {call.out / 'report.html'}")


def _all(call: StudyCall, out: Path) -> None:
    _own_recipes(call)
    if call.only:
        raise DataError("--only names rows of one study; it does not go with all.")
    failed = []
    for name, outcome, judged in run_all(call.data, out, call.systems):
        print(f"\n{name}")
        if isinstance(outcome, SmearlabError):
            failed.append(name)
            print(f"failed: {outcome}")
        else:
            print(printed_systems(outcome, judged), flush=True)
    if failed:
        raise DataError(f"These studies could not be run: {', '.join(failed)}. What they said stands above.")


def _own_recipes(call: StudyCall) -> None:
    if call.recipe != StudyOptions.recipe:
        raise DataError(f"--recipe does not go with {call.name}: its rows have recipes of their own.")


def _one_recipe(call: StudyCall) -> None:
    wrong = {"--from-scratch": call.from_scratch, "--minutes": call.minutes, "--results": call.results}
    for option, value in wrong.items():
        if value not in (False, None):
            raise DataError(f"{option} goes with the studies of the teams only: {', '.join(SYSTEMS)} and all.")
