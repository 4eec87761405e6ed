"""`run_systems`: the whole way of a study of systems, and `run_all`: all of them, one after another."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smearlab.data.cells import Cells
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError, SmearlabError, TrainingInterrupted
from smearlab.evaluation.studies.budget import FEWEST
from smearlab.evaluation.studies.catalogue import SYSTEMS, find_scale, find_study
from smearlab.evaluation.studies.findings import FINDINGS
from smearlab.evaluation.studies.folder import begin_folder, check_folder, tidy
from smearlab.evaluation.studies.material import material_key, open_material
from smearlab.evaluation.studies.results import write_results, write_table
from smearlab.evaluation.studies.runner import do_tasks
from smearlab.evaluation.studies.system_outcome import summarise_systems
from smearlab.evaluation.studies.system_page import write_system_page
from smearlab.evaluation.studies.systems import Circumstances, fast_precision, plan_systems
from smearlab.evaluation.studies.verdicts import judge_all
from smearlab.report.text import duration, plural
from smearlab.training.recipe_io import load_recipe
from smearlab.training.workers import choose_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smearlab.evaluation.studies.material import Material
    from smearlab.evaluation.studies.plan import Scale, Study
    from smearlab.evaluation.studies.system_outcome import SystemOutcome
    from smearlab.evaluation.studies.systems import Planned
    from smearlab.evaluation.studies.verdicts import Judged

BASE = "quick"
"""Says how pictures are framed and split, and what rows without a recipe of their own start from."""


@dataclass(frozen=True)
class SystemOptions:
    """How a study of systems is run.

    Attributes:
        scale: ``smoke``, ``small`` or ``full``.
        seeds: trainings of each row; None takes the scale's.
        only: names of the rows wanted; empty for all.
        jobs: processes; None chooses.
        scratch: train from scratch what wants weights that cannot be had.
        minutes: a row may take on this machine; None takes the scale's, 0 is no limit.
        results: a folder that also gets a file for each row, in a folder of the study's name; None for none.
        store: where rows are kept that several studies have in common.
    """

    scale: str = "small"
    seeds: int | None = None
    only: tuple[str, ...] = ()
    jobs: int | None = None
    scratch: bool = False
    minutes: float | None = None
    results: Path | None = None
    store: Path | None = None


def run_systems(
    name: str, data: str | Path | Cells, out: str | Path, options: SystemOptions | None = None
) -> tuple[SystemOutcome, list[Judged]]:
    """Train and measure every row of a study that can run here, and write its tables, results and page.

    Rows that are done are not done again. The smoke scale takes every row from scratch whose weights cannot be had.

    Args:
        name: of the study.
        data: labelled pictures in any form.
        out: the folder to write to: new, or of the same study.
        options: scale, seeds, rows, processes, limits.

    Returns:
        All figures, and the verdicts on the findings that the study is about.

    Raises:
        DataError: there is no such study, scale or row; the data cannot be used; or `out` holds something else.
        TrainingInterrupted: the user stopped it; what is done stays done.
    """
    options = options or SystemOptions()
    study, path = find_study(name), user_path(out)
    scale = study.scales[find_scale(options.scale).name]
    if options.seeds is not None and options.seeds < 1:
        raise DataError(f"--seeds {options.seeds}: give at least 1.")
    if options.minutes is not None and not 0 <= options.minutes < math.inf:
        raise DataError(f"--minutes {options.minutes:g}: give a number of minutes, or 0 for no limit.")
    choose_jobs(options.jobs)  # before anything is read or written
    cells, begun = study.choose(scale, options.only), time.monotonic()
    precision = check_folder(path, study, scale, BASE) or fast_precision()
    pictures = data if isinstance(data, Cells) else read(data)
    place = "" if isinstance(data, Cells) else str(data)
    folder = begin_folder(path, study, scale, BASE, precision, place, options.store)
    base = load_recipe(BASE)
    material = open_material(folder.material, pictures, base, scale)
    share = min(1.0, material.train / (base.split.train * len(pictures)))
    around = _circumstances(options, scale, material, material_key(pictures, base, scale), share, place, precision)
    planned = plan_systems(study, cells, scale, options.seeds or scale.seeds, around, folder.is_done)
    do_tasks(folder, planned.tasks, around.jobs)
    facts = _facts(study, scale, material, planned, precision, time.monotonic() - begun)
    outcome = summarise_systems(study, scale.name, cells, folder, material, planned, facts)
    judged = [] if scale.name == "smoke" else judge_all(FINDINGS, outcome)  # a few steps teach nothing
    write_system_outcome(path, outcome, judged, options.results)
    tidy(folder.path)
    return outcome, judged


def write_system_outcome(folder: Path, outcome: SystemOutcome, judged: list[Judged], results: Path | None) -> None:
    """Write tables, page and results of a study, the results also to a folder of all studies' results."""
    write_table(folder, outcome)
    write_results(folder / "results", outcome, judged)
    if results is not None:
        write_results(results / outcome.study.name, outcome, judged)
    write_system_page(folder / "report.html", outcome, judged)


def run_all(
    data: str | Path, out: str | Path, options: SystemOptions
) -> Iterator[tuple[str, SystemOutcome | SmearlabError, list[Judged]]]:
    """Run every study of systems, each in a folder of its name; one that fails does not stop the rest.

    Args:
        data: labelled pictures in any form.
        out: the folder of all studies.
        options: as for one study.

    Yields:
        Name, figures or what went wrong, and verdicts, as each study ends.

    Raises:
        DataError: the data cannot be used.
        TrainingInterrupted: the user stopped it; what is done stays done.
    """
    path = user_path(out)
    common = replace(options, store=path / "rows")
    for name in SYSTEMS:
        try:
            yield name, *run_systems(name, data, path / name, common)
        except TrainingInterrupted:
            raise
        except SmearlabError as error:
            yield name, error, []


def _circumstances(
    options: SystemOptions, scale: Scale, material: Material, key: str, share: float, place: str, precision: str
) -> Circumstances:
    return Circumstances(
        base=BASE,
        data=place,
        key=key,
        classes=len(material.class_names),
        pictures=material.train,
        share=share,
        jobs=choose_jobs(options.jobs),
        scratch=options.scratch or scale.name == "smoke",
        minutes=scale.minutes if options.minutes is None else options.minutes,
        precision=precision,
    )


def _facts(
    study: Study, scale: Scale, material: Material, planned: Planned, precision: str, wall: float
) -> list[tuple[str, str]]:
    seeds = len({task.seed for task in planned.tasks})
    most = plural(scale.epochs, "epoch")
    capped = f"at most {most} and batches of {scale.batch}" if scale.batch else "epochs as recipes say"
    severities = " and ".join(map(str, scale.severities))
    found = [
        ("Data", material.name),
        ("Trained on", f"{plural(material.train, 'picture')}, {capped}, {plural(seeds, 'training')} of each row"),
        ("Tested on", f"{plural(len(material.pool_labels), 'picture')} of the test part, as they are"),
        (
            "Altered",
            f"{len(material.conditions)} conditions (severity {severities}), {material.shown.shape[1]} of them each",
        ),
        ("Arithmetic", precision),
        ("Compared with", study.reference),
        ("Time", f"{duration(wall)} of this call"),
    ]
    if scale.name == "smoke":
        found.insert(0, ("Smoke", "a few steps of each row, to see that it runs: the figures mean nothing"))
    elif scale.work:
        limit = f"networks beyond {scale.work:g} · 10⁹ multiply-adds a picture: fewer epochs, at least {FEWEST}"
        found.insert(2, ("Cut", limit))
    return found
