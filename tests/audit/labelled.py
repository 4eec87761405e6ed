"""Cells whose class is their colour, some of them under a wrong label."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smearlab.data.cells import BoolArray, Cells, IntArray

NAMES = ("monocyte", "neutrophil", "platelet")


@dataclass(frozen=True, eq=False)
class Flipped:
    """Cells, which of their labels are wrong, and the right ones."""

    cells: Cells
    wrong: BoolArray
    right: IntArray


def coloured_cells(per_class: int = 40, *, noise: float = 12.0, seed: int = 0) -> Cells:
    """Return 24×24 pictures whose brightest channel is their class; rows count from 100, as if some were skipped."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(3), per_class).astype(np.int64)
    means = np.where(np.eye(3, dtype=np.bool_)[labels], 190, 70)[:, None, None, :]
    images = np.clip(rng.normal(means, noise, (len(labels), 24, 24, 3)), 0, 255).astype(np.uint8)
    sources = np.array([f"{row}.png" for row in range(len(labels))])
    return Cells(images, labels, sources, NAMES, np.arange(len(labels)) + 100, name="coloured")


def flipped(cells: Cells, count: int = 6, seed: int = 0) -> Flipped:
    """Put some cells under the next class."""
    right = cells.known_labels
    wrong = np.zeros(len(cells), dtype=np.bool_)
    wrong[np.random.default_rng(seed).choice(len(cells), count, replace=False)] = True
    labels = np.where(wrong, (right + 1) % len(cells.class_names), right)
    return Flipped(replace(cells, labels=labels), wrong, right)


def alone(cells: Cells) -> IntArray:
    """Return groups in which no picture has a copy."""
    return np.arange(len(cells))
