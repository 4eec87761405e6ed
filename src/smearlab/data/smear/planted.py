"""The plan of a drawn set, and the defects planted in it: copies, altered copies, wrong copies, junk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import BoolArray, IntArray, StrArray, UInt8Array
from smearlab.data.smear.doodle import draw_doodle
from smearlab.data.smear.slide import reencode

SLIDES = 12
STRAY = "stray"
"""The group of pictures that come from no slide."""

_CLASS_SIZES = np.array([0.78, 1.2, 0.9, 1.15, 0.78, 0.84, 1.28, 1.07])
"""Class sizes relative to their mean: those of the PBC collection (Acevedo et al. 2020), drawn half-way to equal."""

_FULL_SET = 50
"""Cells per class from which on all defects are planted; smaller sets get fewer."""


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What stands in each row of a set, in its final order.

    Attributes:
        labels: class index, ``int64 (N,)``.
        numbers: the picture's number, which seeds its drawing, ``int64 (N,)``.
        slides: the slide it lies on, ``str (N,)``.
        kinds: ``""`` for a drawn cell, else the kind of defect, ``str (N,)``.
        partners: for a defect the row it is a copy of, else -1, ``int64 (N,)``.
        slide_names: all slides, in the order of their numbers.
    """

    labels: IntArray
    numbers: IntArray
    slides: StrArray
    kinds: StrArray
    partners: IntArray
    slide_names: tuple[str, ...]

    @property
    def drawn(self) -> BoolArray:
        """Which rows hold a drawn cell."""
        return np.asarray(self.kinds == "")


def blueprint(seed: int, per_class: int) -> Blueprint:
    """Plan a set: how many cells of each type lie on which slide, what is planted, and the random order of rows."""
    rng = np.random.default_rng((seed, 0))
    names = tuple(f"slide{number:02d}" for number in range(SLIDES))
    counts = np.maximum((_CLASS_SIZES * per_class).round().astype(int), 1)
    labels = np.repeat(np.arange(len(CLASS_NAMES)), counts)
    slides = np.concatenate([np.array(names)[rng.permutation(count) % SLIDES] for count in counts])
    rows = [(int(label), str(slide), "", -1) for label, slide in zip(labels, slides, strict=True)]
    rows += _defects(rng, rows, min(per_class / _FULL_SET, 1.0))
    order = rng.permutation(len(rows))
    place = np.argsort(order)
    chosen = [rows[index] for index in order]
    return Blueprint(
        labels=np.array([label for label, *_ in chosen], dtype=np.int64),
        numbers=order.astype(np.int64),
        slides=np.array([slide for _, slide, *_ in chosen]),
        kinds=np.array([kind for *_, kind, _ in chosen]),
        partners=np.array([place[partner] if partner >= 0 else -1 for *_, partner in chosen], dtype=np.int64),
        slide_names=names,
    )


def _defects(
    rng: np.random.Generator, rows: list[tuple[int, str, str, int]], scale: float
) -> list[tuple[int, str, str, int]]:
    """Return the rows to plant: (label, slide, kind, row it copies). No cell is copied twice."""
    amounts = {"exact_duplicate": 8, "near_duplicate": 8, "conflicting_duplicate": 3}
    kinds = [kind for kind, amount in amounts.items() for _ in range(max(1, round(amount * scale)))]
    originals = rng.choice(len(rows), size=len(kinds), replace=False)
    planted = []
    for kind, original in zip(kinds, originals.tolist(), strict=True):
        label, slide, _, _ = rows[original]
        if kind == "conflicting_duplicate":
            label = (label + int(rng.integers(1, len(CLASS_NAMES)))) % len(CLASS_NAMES)
        planted.append((label, slide, kind, original))
    junk = len(rows) + len(planted)
    copies = max(1, round(3 * scale))
    return planted + [(label, STRAY, "off_topic", junk) for label in range(len(CLASS_NAMES)) for _ in range(copies)]


def plant(
    seed: int, plan: Blueprint, images: UInt8Array, nucleus: BoolArray, cell: BoolArray
) -> dict[str, list[tuple[int, int]]]:
    """Fill the rows of planted defects, in place, and return them: kind → pairs (row, row it is a copy of)."""
    planted: dict[str, list[tuple[int, int]]] = {}
    junk = draw_doodle()
    for row in np.flatnonzero(~plan.drawn).tolist():
        kind, partner = str(plan.kinds[row]), int(plan.partners[row])
        planted.setdefault(kind, []).append((row, partner))
        if kind == "off_topic":
            images[row] = junk
            continue
        images[row], nucleus[row], cell[row] = images[partner], nucleus[partner], cell[partner]
        if kind == "near_duplicate":
            _alter(np.random.default_rng((seed, 3, int(plan.numbers[row]))), row, images, nucleus, cell)
    return planted


def _alter(rng: np.random.Generator, row: int, images: UInt8Array, nucleus: BoolArray, cell: BoolArray) -> None:
    """Make a row's picture a near duplicate, in place; a shift moves its masks too."""
    alterations: list[Callable[[UInt8Array], UInt8Array]] = [
        lambda image: reencode(image, 60),
        lambda image: np.clip(image * rng.uniform(0.88, 0.95), 0, 255).astype(np.uint8),
        lambda image: np.clip(image * rng.uniform(1.04, 1.1), 0, 255).astype(np.uint8),
    ]
    choice = int(rng.integers(len(alterations) + 1))
    if choice < len(alterations):
        images[row] = alterations[choice](images[row])
        return
    down, right = (int(step) for step in rng.choice([-3, -2, 2, 3], size=2))
    for array in (images, nucleus, cell):
        array[row] = _shifted(array[row], down, right)


def _shifted(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move a picture or mask by whole pixels; its border is repeated where nothing is known."""
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return np.asarray(picture[np.ix_(rows, columns)])
