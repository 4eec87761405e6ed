"""`write_sheet`: what a policy does to a collection's own pictures, as one PNG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab import celltypes
from smearlab.augment.config import AugmentConfig
from smearlab.augment.sets import policy_of
from smearlab.augment.sheet import (
    draw_sheet,
    every_operation,
    every_policy,
    operation_columns,
    policy_columns,
    progress_columns,
)
from smearlab.data.atomic import atomic_path
from smearlab.data.framing import Framing, frame_pictures
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError, RecipeError
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from smearlab.data.cells import Cells, IntArray, UInt8Array

_MOST = 64
EVERY = "all"
"""Stands for every operation or policy, one a row, on one and the same picture."""


@dataclass(frozen=True)
class SheetOptions:
    """What a sheet shows.

    Attributes:
        policy: of augmentation, or moderate or heavy as of an augmented set, or all; None takes the recipe's, or ours.
        recipe: whose settings of augmentation and framing are used; None takes the defaults.
        operation: shown alone from mild to full, instead of a policy, or all; None for a policy.
        progress: the columns are the way through a training instead of several draws.
        seed: of the draws.
        size: of a picture in pixels; None takes the recipe's.
        rows: pictures; where all operations or policies are shown, the first is, and MixUp mixes it with the others.
        columns: draws, amounts or steps of the way.
    """

    policy: str | None = None
    recipe: str | None = None
    operation: str | None = None
    progress: bool = False
    seed: int = 0
    size: int | None = None
    rows: int = 8
    columns: int = 8


def write_sheet(data: str | Path | Cells, out: str | Path, options: SheetOptions | None = None) -> Path:
    """Write a sheet of examples as PNG, atomically.

    Args:
        data: labelled pictures in any form; each class gives pictures in turn.
        out: the file, ending in ``.png``.
        options: what it shows.

    Returns:
        The file.

    Raises:
        DataError: the data cannot be read, or the file cannot be written or is no ``.png``.
        RecipeError: no such policy, operation or recipe, or options that do not go together.
    """
    options, path = options or SheetOptions(), user_path(out)
    if path.suffix.lower() != ".png":
        raise DataError(f"--sheet {path.name}: give a file that ends in .png.")
    config, framing = _settings(options)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    chosen = in_turn(cells.known_labels, options.rows)
    pictures = np.array(frame_pictures([np.asarray(cells.images[int(row)]) for row in chosen], framing))
    titles = [celltypes.title(cells.class_names[cells.known_labels[row]]) for row in chosen]
    sheet = _drawn(pictures, titles, config, options)
    with atomic_path(path) as temporary:
        sheet.save(temporary, "PNG")
    return path


def _drawn(pictures: UInt8Array, titles: list[str], config: AugmentConfig, options: SheetOptions) -> Image.Image:
    if options.operation == EVERY:
        columns, captions, names = every_operation(pictures[0], options.columns, options.seed, config.magnitude)
        captions[0] = [""] * len(names)
        return draw_sheet(columns, [titles[0], *[""] * (len(columns) - 1)], names, captions)
    if options.policy == EVERY:
        columns, captions, names = every_policy(pictures, options.columns, options.seed, config)
        return draw_sheet(columns, [titles[0], *(column[0] for column in captions[1:])], names)
    if options.operation is not None:
        shown = operation_columns(pictures, options.operation, options.columns, options.seed, config.magnitude)
    else:
        draws = progress_columns if options.progress else policy_columns
        shown = draws(pictures, config, options.columns, options.seed)
    return draw_sheet(*shown, titles)


def in_turn(labels: IntArray, wanted: int) -> IntArray:
    """Return the first picture of every class, then the second, until there are enough: ``int64 (n,)``."""
    place = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = np.arange(len(members))
    return np.lexsort((labels, place))[:wanted].astype(np.int64)


def _settings(options: SheetOptions) -> tuple[AugmentConfig, Framing]:
    """Return the policy and the framing that the options ask for."""
    for name, number in (("--rows", options.rows), ("--columns", options.columns)):
        if not 1 <= number <= _MOST:
            raise RecipeError(f"{name} {number}: give a number from 1 to {_MOST}.")
    if options.size is not None and not 8 <= options.size <= 2048:
        raise RecipeError(f"--size {options.size}: give a side from 8 to 2048 pixels.")
    if options.operation is not None and (options.policy or options.progress):
        raise RecipeError("--operation shows one operation alone: leave out --policy and --progress.")
    if options.policy == EVERY and options.progress:
        raise RecipeError("--progress shows the way of one policy: name it instead of all.")
    policy = options.policy or ("ours" if options.recipe is None else None)
    config, framing = AugmentConfig(), Framing()
    if options.recipe is not None:
        recipe = load_recipe(options.recipe)
        config, framing = recipe.augment, recipe.framing
    if policy is not None and policy != EVERY:
        config = policy_of(policy, config)
    if options.size is not None:
        framing = framing.model_copy(update={"size": options.size})
    if options.progress and not config.curriculum:
        # A policy without a curriculum looks the same all the way; the usual one shows what it could be.
        config = config.model_copy(update={"curriculum": 1.0})
    return config, framing
