"""The pictures of a study, prepared once and mapped by every worker: to train on, to test on, and altered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.atomic import atomic_folder, write_json
from smearlab.data.framing import frame_cells
from smearlab.data.progress import progress
from smearlab.errors import DataError
from smearlab.evaluation.conditions import Condition, alter, conditions_of
from smearlab.training.preparation import prepare

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, IntArray, UInt8Array
    from smearlab.evaluation.studies.plan import Scale
    from smearlab.training.recipe import Recipe

_SEED = 1
_VALIDATION = 0.1  # of the number of training pictures


@dataclass(frozen=True)
class Material:
    """A folder with the pictures of a study.

    Positions count the pictures of this folder: first those to train on, then those to validate, then the test pool.

    Attributes:
        folder: where they lie.
        class_names: identifiers.
        train: number of training pictures.
        validation: number of validation pictures.
        conditions: in the order of `altered`.
        name: of the data.
    """

    folder: Path
    class_names: tuple[str, ...]
    train: int
    validation: int
    conditions: tuple[Condition, ...]
    name: str

    @cached_property
    def images(self) -> UInt8Array:
        """``uint8 (N, size, size, 3)``, mapped."""
        return _mapped(self.folder / "images.npy")

    @cached_property
    def labels(self) -> IntArray:
        """``int64 (N,)``."""
        return np.asarray(np.load(self.folder / "labels.npy", allow_pickle=False), np.int64)

    @cached_property
    def shown(self) -> IntArray:
        """``int64 (C, n)``: which pictures of the pool each condition shows, counted from the first of the pool."""
        return np.asarray(np.load(self.folder / "shown.npy", allow_pickle=False), np.int64)

    @cached_property
    def altered(self) -> UInt8Array:
        """``uint8 (C, n, size, size, 3)``, mapped."""
        return _mapped(self.folder / "altered.npy")

    @property
    def pool_images(self) -> UInt8Array:
        """``uint8 (P, size, size, 3)``: the test pictures as they are."""
        return self.images[self.train + self.validation :]

    @property
    def pool_labels(self) -> IntArray:
        """``int64 (P,)``."""
        return self.labels[self.train + self.validation :]

    @classmethod
    def load(cls, folder: Path) -> Material:
        """Open what `build_material` wrote."""
        content = json.loads((folder / "material.json").read_text(encoding="utf-8"))
        conditions = tuple(Condition(**values) for values in content.pop("conditions"))
        content.pop("key")
        return cls(folder, tuple(content.pop("class_names")), conditions=conditions, **content)


def material_key(cells: Cells, recipe: Recipe, scale: Scale) -> str:
    """Identify a study's pictures: another key means that no result of one may stand beside one of the other."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((asdict(scale), recipe.framing, recipe.split, recipe.data, cells.class_names)).encode())
    digest.update(np.ascontiguousarray(cells.known_labels).tobytes())
    for position in np.linspace(0, len(cells) - 1, min(len(cells), 256)).astype(int):
        digest.update(np.ascontiguousarray(cells.images[int(position)]).tobytes())
    return digest.hexdigest()


def open_material(folder: Path, cells: Cells, recipe: Recipe, scale: Scale) -> Material:
    """Open the pictures of a study, or build them where they are not there or are of other data."""
    key = material_key(cells, recipe, scale)
    described = folder / "material.json"  # the folder appears whole, so what is there can be read
    if not described.is_file() or json.loads(described.read_text(encoding="utf-8"))["key"] != key:
        build_material(folder, cells, recipe, scale, key)
    return Material.load(folder)


def build_material(folder: Path, cells: Cells, recipe: Recipe, scale: Scale, key: str) -> None:
    """Split, sample and alter the pictures of a study, and write them as a folder, atomically.

    Raises:
        DataError: the test part has no picture.
    """
    prepared = prepare(cells, recipe.model_copy(update={"seed": _SEED}))
    split, labels = prepared.split, cells.known_labels
    if not len(split.test):
        raise DataError("The split leaves no picture to test on. Give split.test a share.")
    train = stratified(labels, split.train, scale.pictures)
    validation = stratified(labels, split.validation, round(scale.pictures * _VALIDATION))
    pool = balanced(labels, split.test, scale.pool)
    everything = np.concatenate([train, validation, pool])
    framed = frame_cells(cells.take(everything), recipe.framing.place)  # what is seen of it is chosen after alteration
    conditions = conditions_of(scale.suites, scale.severities)
    shown = shares(labels[pool], scale.shown, len(conditions))
    with atomic_folder(folder) as temporary:
        np.save(temporary / "images.npy", framed)
        np.save(temporary / "labels.npy", labels[everything])
        np.save(temporary / "shown.npy", shown)
        _write_altered(temporary / "altered.npy", framed[len(train) + len(validation) :], shown, conditions)
        content = {
            "key": key,
            "name": cells.name,
            "class_names": list(cells.class_names),
            "train": len(train),
            "validation": len(validation),
            "conditions": [asdict(condition) for condition in conditions],
        }
        write_json(temporary / "material.json", content)


def stratified(labels: IntArray, members: IntArray, wanted: int) -> IntArray:
    """Draw about `wanted` of some positions, each class in its share and at least one of each; all where there are few.

    Args:
        labels: ``int64 (N,)`` of all pictures.
        members: ``int64 (m,)`` positions to draw from.
        wanted: how many.
    """
    if len(members) <= wanted:
        return members
    rng, chosen = np.random.default_rng(_SEED), []
    for label in np.unique(labels[members]):
        of_class = rng.permutation(members[labels[members] == label])
        chosen.append(of_class[: max(1, round(wanted * len(of_class) / len(members)))])
    return np.sort(np.concatenate(chosen))


def balanced(labels: IntArray, members: IntArray, per_class: int) -> IntArray:
    """Draw as many positions of each class, or all it has: ``int64``, sorted."""
    rng = np.random.default_rng(_SEED)
    chosen = [rng.permutation(members[labels[members] == label])[:per_class] for label in np.unique(labels[members])]
    return np.sort(np.concatenate(chosen))


def shares(labels: IntArray, per_class: int, conditions: int) -> IntArray:
    """Share the pictures of a pool out to conditions, class by class, in turn.

    Different pictures under every condition make the mean over conditions rest on all of the pool.

    Args:
        labels: ``int64 (P,)`` of the pool.
        per_class: pictures of a class that a condition is shown; all where the class has fewer.
        conditions: number of conditions C.

    Returns:
        ``int64 (C, n)`` positions within the pool.
    """
    rng, rows = np.random.default_rng(_SEED), []
    orders = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    for number in range(conditions):
        part = [
            np.take(order, np.arange(number * per_class, (number + 1) * per_class), mode="wrap") for order in orders
        ]
        rows.append(np.concatenate([np.unique(share) for share in part]))
    return np.stack(rows).astype(np.int64)


def _write_altered(path: Path, pool: UInt8Array, shown: IntArray, conditions: list[Condition]) -> None:
    size = pool.shape[1]
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(*shown.shape, size, size, 3))
    with progress("Altering pictures", len(conditions)) as advance:
        for number, condition in enumerate(conditions):
            written[number] = alter(pool[shown[number]], condition, shown[number], _SEED)
            advance(1)
    written.flush()


def _mapped(path: Path) -> UInt8Array:
    images: UInt8Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return images
