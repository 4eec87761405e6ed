"""The embedded default data: a procedural blood smear with a few planted defects.

Eight cell types, drawn from their textbook morphology on twelve slides, so that everything can be tried without any
data at hand. What is wrong with it is known, and so are the masks that the cells were drawn from.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cache import open_or_build
from smearlab.data.cells import BoolArray, Cells, IntArray, StrArray, UInt8Array
from smearlab.data.progress import progress
from smearlab.data.smear.canvas import SIZE
from smearlab.data.smear.picture import draw_picture
from smearlab.data.smear.planted import Blueprint, blueprint, plant
from smearlab.data.smear.slide import make_slide
from smearlab.errors import DataError

DEFAULT_PER_CLASS = 150

Planted: TypeAlias = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, eq=False)
class Demo:
    """A drawn set and all that is known about it.

    Attributes:
        cells: N pictures of 96×96 in random order; their groups are the slides they lie on.
        nucleus: where each nucleus is, ``bool (N, 96, 96)``; empty for platelets and for pictures that are no cell.
        cell: where each cell is, ``bool (N, 96, 96)``.
        planted: the defects, kind → pairs (row, row it is a copy of). Kinds are `exact_duplicate`, `near_duplicate`,
            `conflicting_duplicate` and `off_topic`, whose first copy names itself.
    """

    cells: Cells
    nucleus: BoolArray
    cell: BoolArray
    planted: Planted


def draw_demo(seed: int = 0, per_class: int = DEFAULT_PER_CLASS) -> Demo:
    """Draw the set; the same seed gives the same bytes, however many cores draw.

    Args:
        seed: another seed gives other cells, slides and defects.
        per_class: mean number of cells per class, at least 2. Classes differ in size as mildly as in a real collection.
            About 40 planted pictures come on top, fewer in a small set.

    Raises:
        DataError: ``per_class`` is below 2, or the seed is negative.
    """
    if per_class < 2 or seed < 0:
        raise DataError(f"A demo set needs per_class >= 2 and seed >= 0; got per_class={per_class}, seed={seed}.")
    plan = blueprint(seed, per_class)
    images, nucleus, cell = _draw_all(seed, plan)
    planted = plant(seed, plan, images, nucleus, cell)
    names = np.array(CLASS_NAMES)[plan.labels]
    sources = [
        f"{slide}/{name}_{number:04d}.png" for slide, name, number in zip(plan.slides, names, plan.numbers, strict=True)
    ]
    cells = Cells(
        images, plan.labels, np.array(sources), CLASS_NAMES, np.arange(len(images)), groups=plan.slides, name="demo"
    )
    return Demo(cells, nucleus, cell, planted)


def _draw_all(seed: int, plan: Blueprint) -> tuple[UInt8Array, BoolArray, BoolArray]:
    """Draw all cells of a plan into their rows; the rows of planted pictures stay empty."""
    count = len(plan.labels)
    images = np.zeros((count, SIZE, SIZE, 3), dtype=np.uint8)
    nucleus, cell = np.zeros((2, count, SIZE, SIZE), dtype=bool)
    slides = {name: make_slide(seed, number) for number, name in enumerate(plan.slide_names)}

    def draw(row: int) -> None:
        picture = draw_picture(
            seed, int(plan.numbers[row]), CLASS_NAMES[plan.labels[row]], slides[str(plan.slides[row])]
        )
        images[row], nucleus[row], cell[row] = picture.image, picture.nucleus, picture.cell

    # Threads suffice, since NumPy and Pillow work outside the interpreter's lock; and unlike processes they need
    # nothing of the user's main script.
    rows = np.flatnonzero(plan.drawn).tolist()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 16)) as pool, progress("Drawing the demo", len(rows)) as advance:
        for _ in pool.map(draw, rows):
            advance(1)
    return images, nucleus, cell


def demo_cells(seed: int = 0, per_class: int = DEFAULT_PER_CLASS) -> Cells:
    """Return the set's pictures as a memory map, drawn on first use and kept in the cache.

    Args:
        seed: see `draw_demo`.
        per_class: see `draw_demo`.
    """
    folder = _cached(seed, per_class)
    labels: IntArray = np.load(folder / "labels.npy", allow_pickle=False)
    sources: StrArray = np.load(folder / "sources.npy", allow_pickle=False)
    groups: StrArray = np.load(folder / "groups.npy", allow_pickle=False)
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    return Cells(images, labels, sources, CLASS_NAMES, np.arange(len(labels)), groups=groups, name="demo")


def demo_masks(seed: int = 0, per_class: int = DEFAULT_PER_CLASS) -> tuple[BoolArray, BoolArray]:
    """Return the masks ``(nucleus, cell)``, both ``bool (N, 96, 96)`` memory maps, of the rows of `demo_cells`."""
    folder = _cached(seed, per_class)
    nucleus = np.load(folder / "nucleus.npy", mmap_mode="r", allow_pickle=False)
    return nucleus, np.load(folder / "cell.npy", mmap_mode="r", allow_pickle=False)


def demo_planted(seed: int = 0, per_class: int = DEFAULT_PER_CLASS) -> Planted:
    """Return the defects planted in `demo_cells`, as `Demo.planted` lists them."""
    content = json.loads((_cached(seed, per_class) / "planted.json").read_text(encoding="utf-8"))
    return {kind: [(row, partner) for row, partner in pairs] for kind, pairs in content.items()}


def _cached(seed: int, per_class: int) -> Path:
    def build(folder: Path) -> None:
        demo = draw_demo(seed, per_class)
        arrays = {"images": demo.cells.images, "nucleus": demo.nucleus, "cell": demo.cell}
        columns = {"labels": demo.cells.known_labels, "sources": demo.cells.sources, "groups": demo.cells.groups}
        for name, array in {**arrays, **columns}.items():
            np.save(folder / f"{name}.npy", np.asarray(array), allow_pickle=False)
        (folder / "planted.json").write_text(json.dumps(demo.planted), encoding="utf-8")

    return open_or_build(f"demo-{_drawing_version()}-seed{seed}-{per_class}", build)


def _drawing_version() -> str:
    """Return a digest of the drawing code, so that a release that draws otherwise never reads an older set."""
    digest = hashlib.sha256()
    for file in [Path(__file__), *sorted((Path(__file__).parent / "smear").glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
