"""`tune`: search a recipe's values on validation pictures, then measure the best once on the test part."""

from __future__ import annotations

import math
import re
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smearlab.data.atomic import TEMPORARY_PREFIX
from smearlab.data.cells import Cells
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError, SplitError, TrainingError, TrainingInterrupted, did_you_mean
from smearlab.evaluation.tune_outcome import TuneOutcome, conclude
from smearlab.training.choosing import check_same_recipe, choose_recipe
from smearlab.training.devices import processes
from smearlab.training.local_weights import locate_weights
from smearlab.training.preparation import Prepared, prepare
from smearlab.training.run_folder import Run
from smearlab.training.search_plan import Plan
from smearlab.training.search_space import check_space, load_space
from smearlab.training.search_study import PRUNERS, PrunerName, Search
from smearlab.training.train import decide_precision, initial_network
from smearlab.training.tuning import SearchWork, do_trials, take_part
from smearlab.training.workers import in_processes, threads_of

if TYPE_CHECKING:
    from smearlab.training.recipe import Recipe
    from smearlab.training.search_space import Space


@dataclass(frozen=True)
class TuneOptions:
    """How a search is done.

    Attributes:
        recipe: a TOML file, a shipped recipe's name or a `Recipe`, from which all trials start; None takes the one made
            for this kind of data, or that of the search to go on with.
        overrides: ``section.key=value`` each, of that recipe.
        trials: how many in all, those done before included.
        jobs: processes.
        timeout: minutes after which no trial begins or goes on; None for no limit.
        metric: of the validation pictures, one of the recipe's ``selection.metric``; None takes the recipe's.
        pruner: ``median``, ``hyperband`` or ``none``.
        seed: of the draws; None takes the recipe's.
        tolerate_unreadable: go on although a class or more than 5 % of the pictures cannot be decoded.
    """

    recipe: str | Path | Recipe | None = None
    overrides: tuple[str, ...] = ()
    trials: int = 30
    jobs: int = 1
    timeout: float | None = None
    metric: str | None = None
    pruner: str = "median"
    seed: int | None = None
    tolerate_unreadable: bool = False


def tune(
    data: str | Path | Cells, out: str | Path, space: str | Path | Space, options: TuneOptions | None = None
) -> TuneOutcome | None:
    """Search for a better recipe, and write ``best.toml``, ``trials.csv``, ``tune.json`` and ``report.html``.

    Trials see training and validation pictures only. The best and the starting recipe are measured on the test part
    when the search is over. A search that was stopped or killed goes on where it was; several processes, also ones
    started by hand with the same arguments, share its trials.

    Args:
        data: labelled pictures in any form.
        out: the folder to write to: new, or of the same search.
        space: a TOML file, a shipped space's name or a `Space`.
        options: trials, processes, metric, recipe.

    Returns:
        What was found; None where other processes still work on trials, the last of which will write it.

    Raises:
        DataError: the data cannot be used, or `out` holds something else.
        RecipeError: the recipe or the space is not valid, or they do not go together.
        SplitError: the split leaves no validation pictures.
        TrainingError: `out` holds another search, or every trial failed.
        TrainingInterrupted: the user stopped it; what is done stays done.
    """
    options = options or TuneOptions()
    pruner = _checked(options)
    begun, folder = time.monotonic(), Run(user_path(out))
    space = load_space(space) if isinstance(space, str | Path) else space
    base = _starting_recipe(data, folder, options)
    remarks = check_space(space, base)
    _check_folder(folder.path)
    check_same_recipe(base, folder)
    seed = base.seed if options.seed is None else options.seed
    plan = Plan(space.content(), base.selection.metric, pruner, seed)
    plan.check(folder.path)
    cells = read(data, tolerate_unreadable=options.tolerate_unreadable or base.data.tolerate_unreadable)
    maximise = not base.selection.metric.endswith("loss")
    search = Search(folder.path, space, plan.seed, plan.pruner, longest(base, space), maximise)
    folder.path.mkdir(parents=True, exist_ok=True)
    with search.lock():
        base, prepared = _begin(cells, base, folder, plan)
    for remark in remarks:
        print(remark, file=sys.stderr)
    deadline = None if options.timeout is None else time.time() + 60 * options.timeout
    work = SearchWork(search, base, data, options.trials, deadline, tolerate_unreadable=options.tolerate_unreadable)
    _search(work, prepared, options.jobs)
    busy = search.others_at_work()
    if busy:
        numbers = ", ".join(map(str, busy))
        print(f"Another process still works on trial {numbers}; the last to finish writes the report.", file=sys.stderr)
        return None
    with search.lock("conclusion"):
        return conclude(work, prepared, remarks, time.monotonic() - begun)


def _checked(options: TuneOptions) -> PrunerName:
    """Check what was asked for, and return the pruner.

    Raises:
        DataError: a number that makes no sense, or no such pruner.
        TrainingError: several processes were launched together.
    """
    for name, value in (("trials", options.trials), ("jobs", options.jobs)):
        if value < 1:
            raise DataError(f"--{name} {value}: give at least 1.")
    if options.timeout is not None and not (options.timeout > 0 and math.isfinite(options.timeout)):
        raise DataError(f"--timeout {options.timeout:g}: give minutes above 0.")
    if processes().num_processes > 1:
        raise TrainingError("A search gives each process a trial of its own: use --jobs, not a launcher of processes.")
    for pruner in PRUNERS:
        if pruner == options.pruner:
            return pruner
    hint = did_you_mean(options.pruner, PRUNERS)
    raise DataError(f"--pruner {options.pruner}: choose one of {', '.join(PRUNERS)}.{hint}")


def _starting_recipe(data: str | Path | Cells, folder: Run, options: TuneOptions) -> Recipe:
    source = data.name if isinstance(data, Cells) else data
    overrides = [*options.overrides, *([f"selection.metric={options.metric}"] if options.metric else [])]
    chosen = choose_recipe(source, options.recipe, overrides, folder, resume=folder.recipe.is_file())
    return locate_weights(chosen, source)


def _check_folder(folder: Path) -> None:
    """Make sure that a search may begin or go on here; nothing is written.

    Raises:
        DataError: the folder holds other files, or is a file.
    """
    choose = "Choose another --out."
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file. {choose}")
    if not folder.exists() or Plan.path(folder).is_file():
        return
    strangers = [path.name for path in folder.iterdir() if not path.name.startswith(TEMPORARY_PREFIX)]
    # Another process may have begun this very search a moment ago.
    if any(name not in ("locks", "recipe.toml", "split.json", "copies.json") for name in strangers):
        raise DataError(f"{folder} holds '{min(strangers)}', which no search has written. {choose}")


def longest(base: Recipe, space: Space) -> int:
    """Return the epochs of the longest training that a space allows."""
    epochs = [phase.epochs for phase in base.phases]
    for key, dimension in space.dimensions.items():
        found = re.fullmatch(r"phases\.(\d+)\.epochs", key)
        if found:
            epochs[int(found[1])] = int(max(dimension.probes()))
    return sum(epochs)


def _begin(cells: Cells, base: Recipe, folder: Run, plan: Plan) -> tuple[Recipe, Prepared]:
    """Find the search begun, or begin it: split, precision and plan, the last of which marks it as begun."""
    prepared = Prepared.load(cells, folder) or prepare(cells, base)
    if not len(prepared.split.validation):
        raise SplitError(
            "A search compares trials on validation pictures, but the split leaves none. Set split.validation above 0."
        )
    network = initial_network(base, len(cells.class_names))
    base = decide_precision(network, base, folder)
    if not (folder.split.is_file() and folder.copies.is_file()):
        prepared.save(folder)
    plan.write(folder.path)
    return base, prepared


def _search(work: SearchWork, prepared: Prepared, jobs: int) -> None:
    """Do the trials, here or in processes of their own.

    Raises:
        TrainingInterrupted: the user stopped it.
    """
    work.search.begin_with(work.search.space.labels_of(work.base))
    try:
        if jobs == 1:
            do_trials(work, prepared)
            return
        shared = replace(work, search=replace(work.search), threads=threads_of(jobs))  # each opens the study anew
        with closing(in_processes(take_part, [shared] * jobs, jobs)) as ended:
            for _ in ended:
                pass
    except (KeyboardInterrupt, TrainingInterrupted):
        done = len(work.search.finished())
        raise TrainingInterrupted(
            f"Stopped with {done} of {work.trials} trials done. To go on, give the same command again."
        ) from None
