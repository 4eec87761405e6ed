"""Planted defects are where the truth says, and are what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted import CONFUSABLE, KINDS, Amounts, Planted, junk_pictures, main, plant
from benchmarks.planted_copies import NEAR_WAYS
from benchmarks.planted_hard import HARD, HARD_PHOTOS
from benchmarks.planted_junk import MEASURING, TUNING
from benchmarks.planted_photos import MEASURING_PHOTOS, TUNING_PHOTOS
from benchmarks.planted_unreadable import UNREADABLE_WAYS
from benchmarks.same_picture import SAME, likeness, shows_same
from tests.data.alterations import stained_cells

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells

FEW = Amounts(
    exact=4, conflicting=3, near=9, junk=14, junk_copies=6, unreadable=8, random_labels=5, confusable_labels=4
)


@pytest.fixture(scope="module")
def cells() -> Cells:
    labels = np.arange(48, dtype=np.int64) % 8
    return Cells(stained_cells(48), labels, np.array([f"{row}.png" for row in range(48)]), CLASS_NAMES, np.arange(48))


@pytest.fixture(scope="module")
def planted(cells: Cells) -> Planted:
    return plant(cells, FEW, seed=5)


def test_every_kind_has_its_number(planted: Planted) -> None:
    assert {kind: len(planted.truth[kind]) for kind in KINDS} == {
        "off_topic": 20,
        "exact_duplicate": 4,
        "conflicting_duplicate": 3,
        "near_duplicate": 9,
        "label_error": 9,
        "unreadable_content": 8,
    }
    assert len(planted.images) == len(planted.labels) == 48 + 20 + 4 + 3 + 9 + 8


def test_the_truth_holds(planted: Planted, cells: Cells) -> None:
    images, labels = planted.images, planted.labels
    for row, original in planted.truth["exact_duplicate"]:
        assert original is not None
        assert (images[row] == images[original]).all()
        assert labels[row] == labels[original]
    for row, original in planted.truth["conflicting_duplicate"]:
        assert original is not None
        assert (images[row] == images[original]).all()
        assert labels[row] != labels[original]
    for row, original in planted.truth["near_duplicate"]:
        assert original is not None
        assert (images[row] != images[original]).any()
        assert labels[row] == labels[original]
    for row, _ in planted.truth["label_error"]:
        assert labels[row] != planted.true_labels[row]
        assert cells.known_labels[planted.originals[row]] == planted.true_labels[row]


def test_no_cell_has_two_defects_and_the_rest_is_as_it_was(planted: Planted, cells: Cells) -> None:
    rows = [row for pairs in planted.truth.values() for pair in pairs for row in pair if row is not None]
    assert len(rows) == len(set(rows))
    untouched = np.setdiff1d(np.arange(len(planted.labels)), rows)
    assert (planted.images[untouched] == np.asarray(cells.images)[planted.originals[untouched]]).all()
    assert (planted.labels[untouched] == planted.true_labels[untouched]).all()


def test_confusable_classes_are_confusable(planted: Planted) -> None:
    for row, _ in planted.truth["label_error"]:
        if planted.ways[row] == "confusable class":
            assert CLASS_NAMES[planted.labels[row]] in CONFUSABLE[CLASS_NAMES[planted.true_labels[row]]]


def test_the_seed_decides_everything(planted: Planted, cells: Cells) -> None:
    again, other = plant(cells, FEW, seed=5), plant(cells, FEW, seed=6)
    assert (again.images == planted.images).all()
    assert again.truth == planted.truth
    assert other.truth != planted.truth


def test_too_few_cells_are_refused(cells: Cells) -> None:
    with pytest.raises(ValueError, match="48 clean cells are too few"):
        plant(cells, FEW.times(3))


@pytest.mark.parametrize("way", NEAR_WAYS)
def test_a_near_copy_is_another_picture_of_the_same_cell(way: str, cells: Cells) -> None:
    rng = np.random.default_rng(1)
    picture = cells.images[3]
    copy = NEAR_WAYS[way](picture, rng)
    assert copy.shape == picture.shape
    assert copy.dtype == np.uint8
    assert (copy != picture).any()
    assert shows_same(picture, copy)


def test_other_cells_are_not_the_same(cells: Cells) -> None:
    assert max(likeness(cells.images[3], cells.images[row]) for row in (4, 11, 20)) < SAME - 0.1


@pytest.mark.parametrize("way", UNREADABLE_WAYS)
def test_a_ruined_cell_is_a_picture_of_the_same_size(way: str, cells: Cells) -> None:
    ruined = UNREADABLE_WAYS[way](cells.images[0], np.random.default_rng(2))
    assert ruined.shape == cells.images[0].shape
    assert ruined.dtype == np.uint8
    assert np.abs(ruined.astype(int) - cells.images[0]).mean() > 10


def test_junk_to_measure_with_is_other_junk_than_to_tune_with() -> None:
    assert not TUNING.keys() & MEASURING.keys() | TUNING.keys() & HARD.keys()
    assert not set(TUNING_PHOTOS.values()) & {*MEASURING_PHOTOS.values(), *HARD_PHOTOS.values()}
    assert {name for name, _ in junk_pictures(20, 64, np.random.default_rng(0), "hard")} == {*HARD_PHOTOS, *HARD}
    made = junk_pictures(30, 96, np.random.default_rng(0))
    assert {name for name, _ in made} == MEASURING.keys() | MEASURING_PHOTOS.keys()
    assert len({picture.tobytes() for _, picture in made}) == 30


def test_the_command_writes_what_the_competition_has(tmp_path: Path, cells: Cells) -> None:
    np.savez(tmp_path / "clean.npz", images=cells.images, labels=cells.known_labels)
    main([str(tmp_path / "clean.npz"), "--out", str(tmp_path / "p"), "--cells", "40", "--times", "0.1", "--seed", "2"])
    with np.load(tmp_path / "p" / "cells.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    truth = json.loads((tmp_path / "p" / "truth.json").read_text(encoding="utf-8"))
    ways = json.loads((tmp_path / "p" / "ways.json").read_text(encoding="utf-8"))
    assert labels.shape == (len(images), 1)
    assert labels.dtype == np.uint8
    assert set(truth) == set(KINDS)
    assert {str(row) for pairs in truth.values() for row, _ in pairs} == set(ways)
    assert all(0 <= row < len(images) for pairs in truth.values() for row, _ in pairs)
