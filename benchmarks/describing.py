"""How well nuclei and smears are told on drawn cells, whose masks and slides are known.

python -m benchmarks.describing
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from smearlab.audit.measurements import measure
from smearlab.audit.same_smear import group_by_light
from smearlab.data.cells import BoolArray, Cells, IntArray, StrArray
from smearlab.data.demo import demo_cells, demo_masks
from smearlab.data.imaging import segment_nuclei

PER_CLASS, SEEDS = 60, 6


def main() -> None:
    """Print both tables."""
    nuclei()
    for seed in range(SEEDS):
        smears(seed)


def drawn(seed: int) -> Cells:
    """Return a drawn set without its pictures of no cell."""
    cells = demo_cells(seed, PER_CLASS)
    return cells.take(np.flatnonzero(np.asarray(cells.groups) != "stray"))


def nuclei() -> None:
    """Print the Dice coefficient of found and drawn nuclei, per class."""
    cells = drawn(0)
    masks = demo_masks(0, PER_CLASS)[0]
    for label, name in enumerate(cells.class_names):
        members = np.flatnonzero(cells.known_labels == label)
        found = segment_nuclei(np.asarray(cells.images)[members]) > 0
        truth = np.asarray(masks)[cells.rows[members]]
        if name != "platelet":  # it has none
            both = 2 * (found & truth).sum((1, 2)) / (found.sum((1, 2)) + truth.sum((1, 2)))
            print(
                f"{name:22} {len(members):3} cells: mean {both.mean():.2f}, 5th percentile {np.percentile(both, 5):.2f}"
            )


def smears(seed: int) -> None:
    """Print how far groups of light are slides, for all groups and for those that a report names."""
    cells = drawn(seed)
    slides = np.asarray(cells.groups)
    groups = group_by_light(measure(cells))
    named = np.isin(groups.numbers, groups.named())
    shares = {"all": np.ones(len(slides), dtype=np.bool_), "named": named, "others": ~named}
    told = ", ".join(f"{name} {pairs(groups.numbers, slides, which)}" for name, which in shares.items())
    index = adjusted_rand_score(slides, groups.numbers)
    print(f"set {seed}: {len(groups)} groups of 12 slides, adjusted Rand index {index:.2f}; {told}")


def pairs(numbers: IntArray, slides: StrArray, which: BoolArray) -> str:
    """Return precision and recall of "these two are of one slide" over the pairs within some of the groups."""
    places = np.unique(slides, return_inverse=True)[1]
    table = np.zeros((numbers.max() + 1, places.max() + 1))
    np.add.at(table, (numbers[which], places[which]), 1)
    right, said, there = (float((n * (n - 1)).sum()) for n in (table, table.sum(1), np.bincount(places)))
    return f"{right / max(said, 1):.0%} right, {right / there:.0%} found"


if __name__ == "__main__":
    main()
