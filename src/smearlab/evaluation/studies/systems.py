"""Planning a study of systems: which rows can run here, by what overrides, and why the others are left out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from smearlab.data.progress import progress
from smearlab.errors import RecipeError, SmearlabError
from smearlab.evaluation.studies.budget import capped, from_scratch
from smearlab.evaluation.studies.needs import memory_obstacle, need_of, time_obstacle, weights_obstacle
from smearlab.evaluation.studies.plan import Task
from smearlab.training.local_weights import locate_weights
from smearlab.training.recipe_io import load_recipe, recipe_toml
from smearlab.training.workers import threads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smearlab.evaluation.studies.needs import Need
    from smearlab.evaluation.studies.plan import Cell, Scale, Study
    from smearlab.training.recipe import Recipe

_AGAIN = "Run it with --from-scratch, or where the weights can be had."


@dataclass(frozen=True)
class Circumstances:
    """What a study of systems is planned for.

    Attributes:
        base: recipe of the rows that have none of their own.
        data: where it lies, beside which weight files are looked for.
        key: of the study's pictures.
        classes: number of them.
        pictures: to train on.
        share: of the data's training pictures that these are.
        jobs: processes.
        scratch: train from scratch what wants weights that cannot be had.
        minutes: a row may take; 0 for no limit.
        precision: of the arithmetic.
    """

    base: str
    data: object
    key: str
    classes: int
    pictures: int
    share: float
    jobs: int
    scratch: bool
    minutes: float
    precision: str


@dataclass(frozen=True)
class Planned:
    """The rows of a study of systems.

    Attributes:
        tasks: what is to be done, seed by seed.
        left_out: name to why a row cannot run here.
        scratch: names of rows that are trained from scratch although they want weights.
        recipes: name to the recipe as it will be trained; of rows left out as far as it could be read.
        needs: name to what training costs, where it could be counted.
    """

    tasks: list[Task] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    scratch: set[str] = field(default_factory=set)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    needs: dict[str, Need] = field(default_factory=dict)


def plan_systems(
    study: Study,
    cells: Sequence[Cell],
    scale: Scale,
    seeds: int,
    around: Circumstances,
    is_done: Callable[[Task], bool],
) -> Planned:
    """Find out which rows can run here, and how.

    Args:
        study: whose base the rows without recipes of their own share.
        cells: the rows wanted.
        scale: that their budgets are cut to.
        seeds: trainings of each.
        around: data and machine.
        is_done: whether a task needs nothing any more, so that nobody asks whether it could be run.
    """
    planned, overrides = Planned(), {}
    with progress("Looking at the rows", len(cells)) as advance:
        for cell in sorted(cells, key=lambda cell: bool(cell.of)):
            try:
                overrides[cell.name] = _overrides(study, cell, scale, around, planned)
            except (SmearlabError, RuntimeError) as error:
                planned.left_out[cell.name] = str(error)
            advance(1)
        for cell in cells:
            if cell.name in overrides and cell.name not in planned.left_out:
                tasks = [_task(cell, seed, overrides[cell.name], planned, around) for seed in range(1, seeds + 1)]
                reason = "" if all(map(is_done, tasks)) else _too_much(cell, planned, scale, around)
                planned.tasks.extend(tasks if not reason else ())
                planned.left_out.update({cell.name: reason} if reason else {})
    _leave_out_dependants(cells, planned)
    planned.tasks.sort(key=lambda task: (task.seed, bool(task.cell.of)))
    return planned


def _overrides(study: Study, cell: Cell, scale: Scale, around: Circumstances, planned: Planned) -> tuple[str, ...]:
    """Return a row's overrides without the seed; notes recipe, needs and whether it goes from scratch.

    Raises:
        RecipeError: there is no such recipe, or its weights cannot be had.
    """
    name = cell.recipe or around.base
    own = (*(() if cell.recipe else study.base), *cell.overrides)
    recipe = load_recipe(name, own)
    planned.recipes[cell.name] = recipe
    missing = _missing(recipe, around)
    if missing and not around.scratch:
        raise RecipeError(f"{missing} {_AGAIN}" if "--from-scratch" not in missing else missing)
    if missing:
        own = (*own, *from_scratch(recipe))
        planned.scratch.add(cell.name)
        recipe = load_recipe(name, own)
    need = need_of(recipe, around.classes)
    planned.needs[cell.name] = need
    everything = (*own, *capped(recipe, scale, need.giga, around.share))
    planned.recipes[cell.name] = load_recipe(name, everything)
    return everything


def _missing(recipe: Recipe, around: Circumstances) -> str:
    try:
        return weights_obstacle(locate_weights(recipe, around.data))
    except RecipeError as error:
        return str(error)


def _too_much(cell: Cell, planned: Planned, scale: Scale, around: Circumstances) -> str:
    """Return why a row is too large for this machine; empty where it is not."""
    if not cell.trains:
        return ""
    recipe, need = planned.recipes[cell.name], planned.needs[cell.name]
    try:
        return memory_obstacle(recipe, need, around.jobs) or time_obstacle(
            recipe,
            need,
            around.pictures,
            around.classes,
            around.minutes,
            threads_of(around.jobs),
            around.precision,
        )
    except (SmearlabError, RuntimeError) as error:
        return str(error)


def _task(cell: Cell, seed: int, overrides: tuple[str, ...], planned: Planned, around: Circumstances) -> Task:
    digest = recipe_digest(planned.recipes[cell.name], cell.how, seed, around.key, around.precision)
    return Task(cell, seed, (*overrides, f"seed={seed}", "split.seed=1"), system=True, digest=digest)


def recipe_digest(recipe: Recipe, *further: object) -> str:
    """Identify what a recipe does, whatever it is called and whoever reported what of it."""
    plain = recipe.model_copy(update={"name": "", "description": "", "reported": type(recipe.reported)()})
    return hashlib.blake2b(repr((recipe_toml(plain), *further)).encode(), digest_size=12).hexdigest()


def _leave_out_dependants(cells: Sequence[Cell], planned: Planned) -> None:
    for cell in cells:
        absent = [name for name in cell.of if name in planned.left_out]
        if absent and cell.name not in planned.left_out:
            planned.left_out[cell.name] = f"It rests on {', '.join(absent)}, which is left out."
    planned.tasks[:] = [task for task in planned.tasks if task.cell.name not in planned.left_out]


def fast_precision() -> str:
    """Return the arithmetic of a study of systems: bfloat16 where the device has units for it, float32 elsewhere.

    Asked of the machine and not measured network by network, which could differ between the rows that are compared.
    On a CPU with AMX (Intel, from 2023) networks of all kinds train faster in bfloat16; on others some would be slower
    many times over.
    """
    return "bfloat16" if _on_gpu() or _matrix_units() else "float32"


def _on_gpu() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def _matrix_units() -> bool:
    """Whether the CPU multiplies bfloat16 matrices; older torch does not tell, and then it is taken not to."""
    if torch.cuda.is_available():
        return False
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))
