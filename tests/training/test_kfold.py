"""Sharing pictures out to folds: each tested once, nothing in two folds that belongs together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.training.tiny_training import tiny_cells, tiny_recipe

from smearlab.data.cells import Cells
from smearlab.errors import SplitError
from smearlab.training.kfold import OWN_SPLIT, fold_recipe, prepare_folds, with_folds, without_split
from smearlab.training.preparation import Prepared

RECIPE = with_folds(tiny_recipe("split.train=0.6", "split.validation=0.1"), 4)


def with_copies(cells: Cells) -> Cells:
    """Let the pictures 0 to 5 be brightened copies of 10 to 15: near copies, not the same pixels."""
    images = np.array(cells.images)
    images[:6] = np.clip(images[10:16].astype(np.int64) + 1, 0, 255).astype(np.uint8)
    labels = cells.known_labels.copy()
    labels[:6] = labels[10:16]
    return replace(cells, images=images, labels=labels)


def all_tested(folds: list[Prepared]) -> list[int]:
    return sorted(np.concatenate([fold.split.test for fold in folds]).tolist())


def test_every_picture_is_tested_once_and_in_no_other_part_then() -> None:
    folds = prepare_folds(tiny_cells(20), RECIPE)
    assert len(folds) == 4
    assert all_tested(folds) == list(range(60))
    for fold in folds:
        parts = [fold.split.train, fold.split.validation, fold.split.test]
        assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts)) == 60
        assert len(fold.split.validation) > 0
        assert fold.split.report.ok


def test_folds_are_stratified() -> None:
    cells = tiny_cells(20)
    for fold in prepare_folds(cells, RECIPE):
        assert np.bincount(cells.known_labels[fold.split.test]).tolist() == [5, 5, 5]


def test_near_copies_share_a_fold() -> None:
    folds = prepare_folds(with_copies(tiny_cells(20)), RECIPE)
    place = {int(row): number for number, fold in enumerate(folds) for row in fold.split.test}
    assert folds[0].duplicates
    assert all(place[row] == place[row + 10] for row in range(6))


def test_groups_share_a_fold() -> None:
    cells = tiny_cells(20)
    slides = np.array([f"slide {row // 5}" for row in range(60)])
    folds = prepare_folds(replace(cells, groups=slides), RECIPE)
    for fold in folds:
        assert not set(slides[fold.split.test]) & set(slides[fold.split.train])
        assert not set(slides[fold.split.test]) & set(slides[fold.split.validation])
    assert all_tested(folds) == list(range(60))


def test_exact_copies_are_tested_once() -> None:
    cells = tiny_cells(20)
    images = np.array(cells.images)
    images[3] = images[0]  # of the same class
    assert all_tested(prepare_folds(replace(cells, images=images), RECIPE)) == [row for row in range(60) if row != 3]


def test_the_split_that_the_data_brings_is_left_aside() -> None:
    parts = np.array(["train"] * 40 + ["test"] * 20)
    cells = without_split(replace(tiny_cells(20), parts=parts))
    assert cells.notes == (OWN_SPLIT,)
    assert all_tested(prepare_folds(cells, RECIPE)) == list(range(60))
    plain = tiny_cells(20)
    assert without_split(plain) is plain


def test_the_same_seed_gives_the_same_folds() -> None:
    one, other = (prepare_folds(tiny_cells(20), RECIPE)[2].split.test for _ in range(2))
    assert one.tolist() == other.tolist()
    third = prepare_folds(
        tiny_cells(20), with_folds(tiny_recipe("seed=9", "split.train=0.6", "split.validation=0.1"), 4)
    )[2].split.test
    assert one.tolist() != third.tolist()


def test_only_the_fold_differs_between_recipes() -> None:
    first, last = fold_recipe(RECIPE, 0), fold_recipe(RECIPE, 3)
    assert (first.split.fold, last.split.fold) == (0, 3)
    assert last.model_copy(update={"split": first.split}) == first
    assert with_folds(tiny_recipe("split.folds=7")).split.folds == 7


def test_more_folds_than_groups_are_refused() -> None:
    cells = replace(tiny_cells(20), groups=np.array(["a", "b", "c"] * 20))
    with pytest.raises(SplitError, match="too few for 4"):
        prepare_folds(cells, RECIPE)
