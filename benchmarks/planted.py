"""Plants defects among clean cells, with the truth of where they are.

    python -m benchmarks.planted pbc96.parquet --out planted --cells 2000 --seed 1

writes ``planted/cells.npz`` in the competition's form (`images`, `labels`), ``planted/truth.json`` (kind → list of
``[row, row of the original or null]``) and ``planted/ways.json`` (row → how it was made). The kinds are those of
`smearlab.audit.findings`, except that unreadable pictures stand under ``unreadable_content``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from benchmarks.planted_copies import NEAR_WAYS
from benchmarks.planted_hard import HARD, HARD_PHOTOS
from benchmarks.planted_junk import MEASURING, TUNING, Drawing, drawn
from benchmarks.planted_photos import MEASURING_PHOTOS, TUNING_PHOTOS, photograph
from benchmarks.planted_unreadable import UNREADABLE_WAYS
from smearlab.celltypes import CLASS_NAMES
from smearlab.data.atomic import write_text
from smearlab.data.read import read

if TYPE_CHECKING:
    from smearlab.data.cells import Cells, IntArray, UInt8Array

JunkPart = Literal["tuning", "measuring", "hard"]
Truth: TypeAlias = dict[str, list[tuple[int, int | None]]]
KINDS = (
    "off_topic",
    "exact_duplicate",
    "conflicting_duplicate",
    "near_duplicate",
    "label_error",
    "unreadable_content",
)
CONFUSABLE = {
    "basophil": ("immature_granulocyte", "eosinophil"),
    "eosinophil": ("neutrophil", "basophil"),
    "erythroblast": ("lymphocyte", "platelet"),
    "immature_granulocyte": ("neutrophil", "monocyte"),
    "lymphocyte": ("monocyte", "erythroblast"),
    "monocyte": ("lymphocyte", "immature_granulocyte"),
    "neutrophil": ("immature_granulocyte", "eosinophil"),
    "platelet": ("erythroblast", "lymphocyte"),
}
"""What a person takes a cell for by mistake."""


_PARTS: dict[JunkPart, tuple[dict[str, str], dict[str, Drawing]]] = {
    "tuning": (TUNING_PHOTOS, TUNING),
    "measuring": (MEASURING_PHOTOS, MEASURING),
    "hard": (HARD_PHOTOS, HARD),
}


@dataclass(frozen=True)
class Amounts:
    """How many defects of each kind are planted.

    Attributes:
        exact: copies with the same label.
        conflicting: copies with another label.
        near: near copies, of all ways in turn.
        junk: distinct pictures that are no cells.
        junk_copies: further exact copies of the first two of them, spread over all classes.
        unreadable: pictures on which nothing can be seen, of all ways in turn.
        random_labels: labels changed to any other class.
        confusable_labels: labels changed to a class that is taken for it.
    """

    exact: int = 25
    conflicting: int = 16
    near: int = 45
    junk: int = 120
    junk_copies: int = 180
    unreadable: int = 16
    random_labels: int = 30
    confusable_labels: int = 15

    def times(self, factor: float) -> Amounts:
        """Return so many times as many; at least one where there was one."""
        return Amounts(*(math.ceil(getattr(self, item.name) * factor) for item in fields(self)))


@dataclass(frozen=True, eq=False)
class Planted:
    """A collection with planted defects.

    Attributes:
        images: ``uint8 (N, H, W, 3)``.
        labels: ``int64 (N,)`` indices into `class_names`, wrong where a label error was planted.
        true_labels: ``int64 (N,)``; -1 for what is no cell or cannot be seen.
        class_names: identifiers.
        truth: see the module.
        ways: row → how the defect was made.
        originals: ``int64 (N,)`` position in the clean cells of what is shown, -1 for what is drawn.
    """

    images: UInt8Array
    labels: IntArray
    true_labels: IntArray
    class_names: tuple[str, ...]
    truth: Truth
    ways: dict[int, str]
    originals: IntArray


@dataclass
class _Extra:
    """A picture that is added: its base is the position of its cell, or -1."""

    picture: UInt8Array
    label: int
    kind: str
    way: str
    base: int = -1


@dataclass
class _Planter:
    """Takes clean cells, no cell twice, and keeps what is made of them."""

    images: UInt8Array
    labels: IntArray
    names: tuple[str, ...]
    rng: np.random.Generator
    extras: list[_Extra] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free = [int(position) for position in self.rng.permutation(len(self.labels))]

    def cells(self, count: int) -> list[int]:
        if count > len(self._free):
            raise ValueError(f"{len(self.labels)} clean cells are too few for so many defects; plant fewer.")
        taken, self._free = self._free[:count], self._free[count:]
        return taken

    def other_label(self, label: int) -> int:
        return int((label + self.rng.integers(1, len(self.names))) % len(self.names))

    def any_label(self) -> int:
        return int(self.rng.integers(len(self.names)))

    def add_copies(self, amounts: Amounts) -> None:
        for base in self.cells(amounts.exact):
            self._copy(base, "exact_duplicate", "the same", int(self.labels[base]))
        for base in self.cells(amounts.conflicting):
            self._copy(base, "conflicting_duplicate", "another label", self.other_label(int(self.labels[base])))
        for number, base in enumerate(self.cells(amounts.near)):
            self._copy(base, "near_duplicate", list(NEAR_WAYS)[number % len(NEAR_WAYS)], int(self.labels[base]))

    def _copy(self, base: int, kind: str, way: str, label: int) -> None:
        picture = self.images[base].copy()
        altered = NEAR_WAYS[way](picture, self.rng) if way in NEAR_WAYS else picture
        self.extras.append(_Extra(altered, label, kind, way, base))

    def add_junk(self, amounts: Amounts, part: JunkPart) -> None:
        made = junk_pictures(amounts.junk, self.images.shape[1], self.rng, part)
        repeated = [made[number % min(2, len(made))] for number in range(amounts.junk_copies if made else 0)]
        for way, picture in [*made, *((f"{way}, repeated", picture) for way, picture in repeated)]:
            self.extras.append(_Extra(picture, self.any_label(), "off_topic", way))

    def add_unreadable(self, amounts: Amounts) -> None:
        for number, base in enumerate(self.rng.integers(0, len(self.labels), amounts.unreadable)):
            way = list(UNREADABLE_WAYS)[number % len(UNREADABLE_WAYS)]
            picture = UNREADABLE_WAYS[way](self.images[base], self.rng)
            self.extras.append(_Extra(picture, int(self.labels[base]), "unreadable_content", way, int(base)))

    def wrong_labels(self, amounts: Amounts) -> dict[int, tuple[int, str]]:
        """Return what is to be changed: position → wrong label and how."""
        changed = {b: (self.other_label(int(self.labels[b])), "any class") for b in self.cells(amounts.random_labels)}
        for base in self.cells(amounts.confusable_labels):
            name = str(self.rng.choice(CONFUSABLE[self.names[int(self.labels[base])]]))
            changed[base] = (self.names.index(name), "confusable class")
        return changed


def plant(cells: Cells, amounts: Amounts | None = None, seed: int = 0, junk: JunkPart = "measuring") -> Planted:
    """Plant defects among clean cells, in random places.

    Args:
        cells: labelled pictures of one size, square.
        amounts: how many of each kind; see `Amounts` for the default.
        seed: of everything that is drawn.
        junk: which part of the junk; see `benchmarks.planted_junk` and `benchmarks.planted_hard`.

    Raises:
        ValueError: there are too few cells; no cell gets two defects.
    """
    amounts, rng = amounts or Amounts(), np.random.default_rng(seed)
    planter = _Planter(np.asarray(cells.images[:]), cells.known_labels, cells.class_names, rng)
    planter.add_copies(amounts)
    planter.add_junk(amounts, junk)
    planter.add_unreadable(amounts)
    return _mixed(planter, planter.wrong_labels(amounts))


def junk_pictures(
    count: int, side: int, rng: np.random.Generator, part: JunkPart = "measuring"
) -> list[tuple[str, UInt8Array]]:
    """Return distinct pictures that are no cells, with what they show: each photograph once, then drawings in turn."""
    photos, families = _PARTS[part]
    made = [(name, photograph(place, side)) for name, place in photos.items()][:count]
    names = list(families)
    for number in range(count - len(made)):
        name = names[number % len(names)]
        made.append((name, drawn(families[name], side, rng)))
    return made


def _mixed(planter: _Planter, wrong: dict[int, tuple[int, str]]) -> Planted:
    clean, extras = len(planter.labels), planter.extras
    order = planter.rng.permutation(clean + len(extras))
    row_of = np.argsort(order)  # where each clean cell, then each added picture, goes
    labels = np.concatenate([planter.labels, np.array([extra.label for extra in extras], dtype=np.int64)])
    bases = np.array([extra.base for extra in extras], dtype=np.int64)
    kept = np.array([extra.kind.endswith("duplicate") for extra in extras], dtype=np.bool_)
    true_labels = np.concatenate([planter.labels, np.where(kept, planter.labels[bases], -1)])
    truth: Truth = {kind: [] for kind in KINDS}
    ways: dict[int, str] = {}
    for extra, row in zip(extras, row_of[clean:].tolist(), strict=True):
        copied = extra.kind.endswith("duplicate")
        truth[extra.kind].append((row, int(row_of[extra.base]) if copied else None))
        ways[row] = extra.way
    for base, (label, way) in wrong.items():
        labels[base] = label
        truth["label_error"].append((int(row_of[base]), None))
        ways[int(row_of[base])] = way
    images = np.concatenate([planter.images, *(extra.picture[None] for extra in extras)])[order]
    return Planted(
        images=images,
        labels=labels[order],
        true_labels=true_labels[order],
        class_names=planter.names,
        truth={kind: sorted(pairs, key=lambda pair: pair[0]) for kind, pairs in truth.items()},
        ways=dict(sorted(ways.items())),
        originals=np.concatenate([np.arange(clean), bases])[order],
    )


def write_planted(planted: Planted, folder: Path) -> None:
    """Write ``cells.npz``, ``truth.json`` and ``ways.json`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.array([CLASS_NAMES.index(name) for name in planted.class_names])[planted.labels]
    np.savez(folder / "cells.npz", images=planted.images, labels=numbers.astype(np.uint8)[:, None])
    write_text(folder / "truth.json", json.dumps(planted.truth) + "\n")
    write_text(folder / "ways.json", json.dumps(planted.ways) + "\n")


def chosen_cells(data: str, count: int, seed: int) -> Cells:
    """Read a collection and choose some of its cells at random, in their order; all where there are not more."""
    cells = read(data)
    if count >= len(cells):
        return cells
    return cells.take(np.sort(np.random.default_rng(seed).permutation(len(cells))[:count]))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", help="clean labelled cells of one size, in any form")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--cells", type=int, default=2000, help="clean cells to choose")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--junk", choices=get_args(JunkPart), default="measuring")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the usual number of defects")
    options = parser.parse_args(arguments)
    cells = chosen_cells(options.data, options.cells, options.seed)
    planted = plant(cells, Amounts().times(options.times), options.seed, options.junk)
    write_planted(planted, options.out)
    counts = ", ".join(f"{len(pairs)} {kind}" for kind, pairs in planted.truth.items())
    print(f"{len(planted.labels):,} pictures in {options.out}: {counts}")


if __name__ == "__main__":
    main()
