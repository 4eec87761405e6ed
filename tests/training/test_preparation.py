"""Copies set aside, and a split that does not leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smearlab.data.cells import Cells
from smearlab.training.preparation import prepare
from smearlab.training.recipe import Recipe
from smearlab.training.recipe_io import load_recipe

CLASSES = ("basophil", "eosinophil", "monocyte")
COPY, ORIGINAL = 30, 3  # same picture, same label
CONFLICT, OTHER = 31, 7  # same picture, other label


def cells(parts: np.ndarray | None = None) -> Cells:
    """Return 30 different pictures, a copy of one, and a copy of another under a wrong label."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (32, 24, 24, 3), dtype=np.uint8)
    labels = np.arange(32) % 3
    images[COPY], labels[COPY] = images[ORIGINAL], labels[ORIGINAL]
    images[CONFLICT], labels[CONFLICT] = images[OTHER], (labels[OTHER] + 1) % 3
    sources = np.array([f"{row}.png" for row in range(32)])
    return Cells(images, labels.astype(np.int64), sources, CLASSES, np.arange(32), parts=parts)


def recipe(*overrides: str) -> Recipe:
    shares = ("split.train=0.6", "split.validation=0.2", "split.test=0.2")
    return load_recipe(Recipe(), [*shares, *overrides])


def in_parts(prepared: object) -> list[int]:
    split = prepared.split  # type: ignore[attr-defined]
    return sorted(np.concatenate([split.train, split.validation, split.test]).tolist())


def test_copies_and_conflicts_are_left_out() -> None:
    prepared = prepare(cells(), recipe())
    assert prepared.dropped.tolist() == [OTHER, COPY, CONFLICT]
    assert in_parts(prepared) == [row for row in range(30) if row != OTHER]
    assert prepared.parts[[OTHER, COPY, CONFLICT]].tolist() == ["dropped"] * 3
    assert set(prepared.parts[:7].tolist()) <= {"train", "validation", "test"}
    assert any("1 exact copies were left out" in note for note in prepared.notes)
    assert any("2 identical pictures that stand under several labels" in note for note in prepared.notes)
    assert {(pair.kind, pair.row, pair.partner) for pair in prepared.duplicates} >= {
        ("exact_duplicate", COPY, ORIGINAL),
        ("conflicting_duplicate", CONFLICT, OTHER),
    }


def test_copies_may_stay_but_never_across_a_border() -> None:
    prepared = prepare(cells(), recipe("data.drop_duplicates=false"))
    assert not len(prepared.dropped)
    assert prepared.notes == []
    assert in_parts(prepared) == list(range(32))
    assert prepared.parts[COPY] == prepared.parts[ORIGINAL]
    assert prepared.parts[CONFLICT] == prepared.parts[OTHER]
    assert prepared.split.report.ok


def test_the_datas_own_split_is_left_whole_and_its_leak_is_told() -> None:
    parts = np.array(["train"] * 20 + ["validation"] * 5 + ["test"] * 7)
    prepared = prepare(cells(parts), recipe())
    assert not len(prepared.dropped)
    assert prepared.parts.tolist() == parts.tolist()
    assert not prepared.split.report.ok
    assert {(leak.row, leak.partner) for leak in prepared.split.report.leaks} <= {
        *((COPY, ORIGINAL), (ORIGINAL, COPY)),
        *((CONFLICT, OTHER), (OTHER, CONFLICT)),
    }


def test_leaks_are_told_as_positions_into_all_cells() -> None:
    some = cells()
    grouped = replace(some, groups=np.array([f"patient {row % 4}" for row in range(32)]))
    prepared = prepare(grouped, recipe("split.group_by=none"))
    assert prepared.split.report.leaks
    for leak in prepared.split.report.leaks:
        assert leak.row % 4 == leak.partner % 4
        assert prepared.parts[leak.row] != prepared.parts[leak.partner]


def test_the_recipes_seed_decides_the_split() -> None:
    first, again, other = (prepare(cells(), recipe(f"seed={seed}")).parts.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_search_for_near_copies_can_be_left_out() -> None:
    prepared = prepare(cells(), recipe("data.near_duplicates=false"))
    assert prepared.dropped.tolist() == [OTHER, COPY, CONFLICT]
