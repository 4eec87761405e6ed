"""`write_set`: augmented pictures made once and written as data that anything can train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.augment.config import AugmentConfig
from smearlab.augment.copies import Made, bundles, copies_per_class, draw_mixing, make_pictures
from smearlab.augment.sets import SETS, policy_of
from smearlab.data.cells import Cells
from smearlab.data.framing import Framing, frame_picture
from smearlab.data.paths import expanded, user_path
from smearlab.data.progress import progress
from smearlab.data.read import read
from smearlab.errors import DataError, RecipeError, counted, did_you_mean
from smearlab.evaluation.set_files import SetLine, set_writer, table_of
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.data.cells import IntArray, StrArray, UInt8Array
    from smearlab.training.recipe import Recipe

_FILES = (".npz", ".parquet")
_MOST = 1_000_000


@dataclass(frozen=True)
class SetOptions:
    """What an augmented set shall be.

    Attributes:
        policy: of augmentation, or the name of a set (light, moderate, heavy); None takes the recipe's.
        recipe: whose policy is used; None where `policy` says enough.
        per_class: pictures of each class in the end.
        per_image: copies of each picture.
        originals: whether the pictures themselves are written too.
        seed: of all draws.
        size: side in pixels that pictures are framed to first; None leaves them as they are.
    """

    policy: str | None = None
    recipe: str | None = None
    per_class: int | None = None
    per_image: int | None = None
    originals: bool = True
    seed: int = 0
    size: int | None = None


@dataclass(frozen=True)
class WrittenSet:
    """What was written.

    Attributes:
        out: the folder or file.
        table: ``augmented.csv``, one line per picture.
        originals: pictures written as they are.
        copies: augmented ones.
        per_class: pictures of each class.
        notes: what a person should know, in sentences.
    """

    out: Path
    table: Path
    originals: int
    copies: int
    per_class: dict[str, int]
    notes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Say it in a few lines."""
        total = counted(self.originals + self.copies, "picture")
        classes = [f"  {number:>8,} {name}" for name, number in self.per_class.items()]
        return [f"{total}: {self.originals:,} as they are, {self.copies:,} augmented.", *classes, *self.notes]


def write_set(data: str | Path | Cells, out: str | Path, options: SetOptions) -> WrittenSet:
    """Make augmented copies of labelled pictures and write them, atomically.

    Where the data brings a split, only pictures of its training part are copied and count for `per_class`. Copies of a
    picture are in its group; where pictures are mixed, so are those they may be mixed with.

    Args:
        data: labelled pictures in any form.
        out: a ``.npz`` or ``.parquet`` file, or a folder for class folders of PNG; it must not exist, or be empty.
        options: how many of what.

    Returns:
        What was written.

    Raises:
        DataError: the data cannot be read, `out` exists or lies in the data, or pictures of mixed sizes are to be mixed
            or to go into an ``.npz``.
        RecipeError: no such policy or recipe, or options that do not go together.
        MissingExtraError: Parquet is wanted and pyarrow is not installed.
    """
    config, name = _policy(options)
    target = user_path(out)
    _check_target(target, data)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    plan = _Plan.of(cells, config, options)
    _check_sizes(cells, target, config, options)
    written = _write(target, cells, plan, config, options, name)
    return WrittenSet(target, table_of(target), *written, notes=tuple(_notes(cells, target, plan, options)))


@dataclass(frozen=True)
class _Plan:
    """How often each picture is copied, and what a split must keep together."""

    counts: IntArray
    eligible: IntArray
    groups: StrArray
    bundle: IntArray | None

    @classmethod
    def of(cls, cells: Cells, config: AugmentConfig, options: SetOptions) -> _Plan:
        labels, everyone = cells.known_labels, np.arange(len(cells))
        in_train = everyone if cells.parts is None else np.flatnonzero(np.isin(cells.parts, ["train", ""]))
        counts = np.zeros(len(cells), np.int64)
        if options.per_class is not None:
            counts = copies_per_class(labels, in_train, options.per_class, options.seed, originals=options.originals)
        else:
            counts[in_train] = options.per_image or SETS[str(options.policy)].per_image
        own = np.array([f"row_{row}" for row in cells.rows.tolist()])
        groups = own if cells.groups is None else np.where(cells.groups == "", own, cells.groups)
        if not (config.mixup or config.cutmix):
            return cls(counts, in_train, groups, None)
        bundle = bundles(in_train, groups, options.seed)
        return cls(counts, in_train, _named(bundle, groups), bundle)


def _named(bundle: IntArray, groups: StrArray) -> StrArray:
    """Return groups with bundles in their place: a bundle of one group keeps its name."""
    named = groups.astype(object)
    for number in np.unique(bundle[bundle >= 0]).tolist():
        members = bundle == number
        if len(set(groups[members].tolist())) > 1:
            named[members] = f"bundle_{number}"
    return named.astype(np.str_)


def _policy(options: SetOptions) -> tuple[AugmentConfig, str]:
    """Return the policy and what the table calls it.

    Raises:
        RecipeError: options that do not go together, or no such policy or recipe.
    """
    if options.policy is None and options.recipe is None:
        raise RecipeError(
            "Say what to do to the pictures: --policy NAME, such as light, moderate or heavy, or --recipe."
        )
    base = None if options.recipe is None else load_recipe(options.recipe)
    config = _named_policy(options.policy, base)
    if options.per_class is not None and options.per_image is not None:
        raise RecipeError("Give --per-class or --per-image, not both.")
    if options.per_class is None and options.per_image is None and options.policy not in SETS:
        raise RecipeError(
            "Say how many: --per-class N pictures of each class, or --per-image N copies of each picture."
        )
    for name, number in (("--per-class", options.per_class), ("--per-image", options.per_image)):
        if number is not None and not 1 <= number <= _MOST:
            raise RecipeError(f"{name} {number}: give a number from 1 to {_MOST:,}.")
    if options.size is not None and not 8 <= options.size <= 2048:
        raise RecipeError(f"--size {options.size}: give a side from 8 to 2048 pixels.")
    return config, options.policy or config.policy


def _named_policy(name: str | None, recipe: Recipe | None) -> AugmentConfig:
    """Return the policy of a name, or of a recipe: what it does while training, else to the copies that it makes."""
    if name is not None:
        return policy_of(name, None if recipe is None else recipe.augment)
    assert recipe is not None
    if recipe.augment.policy != "none" or recipe.augment.mixup or recipe.augment.cutmix:
        return recipe.augment
    balance = recipe.balance
    if balance.kind == "synthetic":
        return AugmentConfig(policy=balance.policy, steps=balance.steps)
    raise RecipeError(f"The recipe {recipe.name} alters no picture. Name a policy, such as --policy light.")


def _check_target(target: Path, data: str | Path | Cells) -> None:
    suffix = target.suffix.lower()
    if suffix and suffix not in _FILES and (did_you_mean(suffix, _FILES) or len(suffix) == 4):
        raise DataError(f"{target}: nothing can be written as {suffix}. Give a .npz or .parquet file, or a folder.")
    for path in (target, table_of(target)):
        if path.exists() and not (
            path == target and path.is_dir() and not any(path.iterdir()) and suffix not in _FILES
        ):
            raise DataError(f"{path} exists already, and nothing is written over. Choose another --out.")
    source = None if isinstance(data, Cells) else expanded(data)
    if source is not None and source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} lies in the data itself, which is not touched. Choose an --out elsewhere.")


def _check_sizes(cells: Cells, target: Path, config: AugmentConfig, options: SetOptions) -> None:
    if options.size is not None or cells.picture_shape is not None:
        return
    if config.mixup or config.cutmix:
        raise DataError(f"{cells.name} has pictures of several sizes, which cannot be mixed. Give --size, such as 96.")
    if target.suffix.lower() == ".npz":
        raise DataError(f"{cells.name} has pictures of several sizes, which no .npz can hold. Give --size, such as 96.")


def _write(
    target: Path, cells: Cells, plan: _Plan, config: AugmentConfig, options: SetOptions, name: str
) -> tuple[int, int, dict[str, int]]:
    """Write the set; return how many pictures as they are, how many copies, and how many of each class."""
    names = [cells.class_names[label] for label in cells.known_labels.tolist()]
    written = plan.counts + options.originals
    labels = np.repeat(np.array(names), written).tolist()
    side = (options.size, options.size) if options.size else cells.picture_shape
    mixing = None
    if plan.bundle is not None:
        sources = np.repeat(np.arange(len(cells)), plan.counts)
        mixing = draw_mixing(sources, plan.bundle, config, options.seed)
    made = make_pictures(
        lambda positions: _look_up(cells, positions, options.size),
        plan.counts,
        config,
        options.seed,
        originals=options.originals,
        mixing=mixing,
    )
    with (
        set_writer(target, labels, cells.class_names, side) as put,
        progress(f"Writing {target.name}", len(labels)) as advance,
    ):
        for one in made:
            put(_line(one, cells, plan, names, name), one.picture)
            advance(1)
    per_class = {one: labels.count(one) for one in cells.class_names}
    return len(cells) * options.originals, int(plan.counts.sum()), per_class


def _look_up(cells: Cells, positions: Sequence[int], size: int | None) -> list[UInt8Array]:
    pictures = [np.asarray(cells.images[position]) for position in positions]
    return pictures if size is None else [frame_picture(picture, Framing(size=size)) for picture in pictures]


def _line(made: Made, cells: Cells, plan: _Plan, names: Sequence[str], policy: str) -> SetLine:
    place, mixed = made.position, made.partner >= 0
    row, part = int(cells.rows[place]), "" if cells.parts is None else str(cells.parts[place])
    folder = f"{part}/{names[place]}" if cells.parts is not None and (cells.parts != "").all() else names[place]
    return SetLine(
        path=f"{folder}/{row:06}_{made.number}.png",
        label=names[place],
        group=str(plan.groups[place]),
        split=part,
        row=row,
        source=str(cells.sources[place]),
        number=made.number,
        policy=policy if made.number else "original",
        partner=str(int(cells.rows[made.partner])) if mixed else "",
        partner_label=names[made.partner] if mixed else "",
        share=made.share,
    )


def _notes(cells: Cells, target: Path, plan: _Plan, options: SetOptions) -> list[str]:
    notes = []
    if cells.unreadable:
        notes.append(f"{counted(len(cells.unreadable), 'picture')} that cannot be decoded could not be taken along.")
    if len(plan.eligible) < len(cells):
        notes.append("The data brings a split: pictures of its training part alone were copied.")
    if options.per_class is not None and options.originals:
        counts = np.bincount(cells.known_labels[plan.eligible], minlength=len(cells.class_names)).tolist()
        larger = [name for name, count in zip(cells.class_names, counts, strict=True) if count > options.per_class]
        if larger:
            notes.append(f"More than {options.per_class:,} already, and kept whole: {', '.join(larger)}.")
    if target.suffix.lower() != ".parquet":
        keeping = "Groups have no place in an .npz: " if target.suffix.lower() == ".npz" else "Train on the table: "
        notes.append(f"{keeping}{table_of(target).name} says which pictures a split must keep together.")
    return notes
