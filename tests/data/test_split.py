"""Splits are stratified, repeatable and leak nothing, whatever is asked of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.data.alterations import as_cells

from smearlab.data.leakage import check_leakage
from smearlab.data.split import Split, SplitConfig, kfold_splits, split_cells
from smearlab.errors import SplitError

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells, IntArray


def _cells(counts: list[int], seed: int = 0) -> Cells:
    """Make pictures of one pixel each, all different, in random order of classes."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    pixels = np.arange(len(labels))
    images = np.stack([pixels % 256, pixels // 256, np.zeros_like(pixels)], axis=1).astype(np.uint8)
    return as_cells(images.reshape(-1, 1, 1, 3), labels.astype(np.int64), tuple("abcdefgh"[: len(counts)]))


def _split(cells: Cells, near: IntArray | None = None, **settings: Any) -> Split:
    alone = np.arange(len(cells))
    return split_cells(cells, SplitConfig(**settings), alone if near is None else near)


def _per_class(cells: Cells, part: IntArray) -> list[int]:
    return list(np.bincount(cells.known_labels[part], minlength=len(cells.class_names)))


def _assert_whole(cells: Cells, split: Split) -> None:
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(len(cells)))


def test_default_fractions_are_exact_in_every_class() -> None:
    cells = _cells([100, 50, 25])
    split = _split(cells)
    assert _per_class(cells, split.train) == [72, 36, 18]
    assert _per_class(cells, split.validation) == [8, 4, 2]
    assert _per_class(cells, split.test) == [20, 10, 5]
    assert split.report.ok
    _assert_whole(cells, split)


@pytest.mark.parametrize(
    ("train", "validation", "test", "sizes"),
    [
        (0.8, 0.2, 0.0, (80, 20, 0)),
        (0.8, 0.0, 0.2, (80, 0, 20)),
        (90, 0, 10, (90, 0, 10)),
        (72, 8, 20, (72, 8, 20)),
        (99, 1, 0, (98, 2, 0)),
        (0.5, 0.1, 0.1, (50, 10, 10)),
        (1.0, 0.0, 0.0, (100, 0, 0)),
    ],
)
def test_fractions_and_percent(train: float, validation: float, test: float, sizes: tuple[int, int, int]) -> None:
    split = _split(_cells([50, 50]), train=train, validation=validation, test=test)
    assert (len(split.train), len(split.validation), len(split.test)) == sizes


def test_pictures_left_out_are_mentioned() -> None:
    split = _split(_cells([50, 50]), train=0.5, validation=0.1, test=0.1)
    assert any("30 pictures are in none" in note for note in split.notes)
    assert (split.part_names(100) == "").sum() == 30


@pytest.mark.parametrize(
    "settings",
    [
        {"train": 0.9, "validation": 0.1, "test": 0.1},
        {"train": 90, "validation": 8, "test": 20},
        {"train": 0.0},
        {"train": -0.1},
        {"folds": 1},
        {"kind": "folds", "folds": 3, "fold": 3},
        {"tset": 0.2},
        {"seed": -1},
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig(**settings)


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    cells = _cells([40, 40])
    first, again, other = _split(cells), _split(cells), _split(cells, seed=1)
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_a_class_of_three_stands_in_every_part() -> None:
    cells = _cells([200, 3])
    split = _split(cells)
    assert [_per_class(cells, part)[1] for part in (split.train, split.validation, split.test)] == [1, 1, 1]


def test_a_class_of_one_or_two_goes_to_train_with_a_note() -> None:
    cells = _cells([50, 2, 1])
    split = _split(cells)
    assert _per_class(cells, split.train)[1:] == [2, 1]
    assert any("b (2)" in note for note in split.notes)
    assert any("c (1)" in note for note in split.notes)


def test_near_copies_stay_on_one_side() -> None:
    cells = _cells([120, 80])
    near = np.arange(200)
    near[np.random.default_rng(0).choice(200, 90, replace=False)] = np.repeat(np.arange(200, 230), 3)
    split = _split(cells, near)
    assert split.report.ok
    assert np.abs(np.array(_per_class(cells, split.test)) - [24, 16]).max() <= 1
    _assert_whole(cells, split)


def test_conflicting_copies_go_to_train_with_a_note() -> None:
    cells = _cells([60, 60])
    images = np.array(cells.images)
    labels = cells.known_labels.copy()
    images[1::10], labels[::10], labels[1::10] = images[::10], 0, 1
    cells = replace(cells, images=images, labels=labels)
    split = _split(cells)
    assert np.isin(np.concatenate([np.arange(0, 120, 10), np.arange(1, 120, 10)]), split.train).all()
    assert any("24 pictures whose very pixels" in note for note in split.notes)


def test_groups_stay_together_and_sizes_come_close() -> None:
    cells = replace(_cells([300, 200]), groups=np.random.default_rng(1).integers(0, 40, 500).astype(str))
    split = _split(cells)
    assert split.report.ok
    assert split.report.counts["group"] == 0
    assert abs(len(split.test) - 100) <= 15
    assert abs(len(split.validation) - 40) <= 15
    _assert_whole(cells, split)


def test_groups_can_be_ignored_and_the_report_says_that_they_leak() -> None:
    cells = replace(_cells([300, 200]), groups=np.random.default_rng(1).integers(0, 40, 500).astype(str))
    assert _split(cells, group_by="none").report.counts["group"] > 0


def test_pictures_without_a_group_are_free() -> None:
    cells = replace(_cells([50, 50]), groups=np.full(100, ""))
    assert len(_split(cells).test) == 20


def test_groups_that_are_asked_for_must_exist() -> None:
    with pytest.raises(SplitError, match="group column"):
        _split(_cells([9, 9]), group_by="group")


def test_copies_join_groups() -> None:
    cells = replace(_cells([30, 30]), groups=np.repeat(np.arange(10), 6).astype(str))
    near = np.arange(60)
    near[6] = 0
    split = _split(cells, near)
    names = split.part_names(60)
    assert len(set(names[:12])) == 1


def test_fewer_groups_than_parts_is_an_error() -> None:
    cells = replace(_cells([10, 10]), groups=np.repeat(["x", "y"], 10))
    with pytest.raises(SplitError, match="2 independent groups"):
        _split(cells)


def test_three_uneven_groups_fill_three_parts() -> None:
    cells = replace(_cells([60, 60]), groups=np.repeat(["x", "y", "z"], [80, 30, 10]))
    split = _split(cells)
    assert min(len(split.train), len(split.validation), len(split.test)) == 10
    assert len(split.train) == 80


def test_balanced_test_has_equal_counts() -> None:
    cells = _cells([400, 100, 60])
    split = _split(cells, balanced_test=True)
    assert _per_class(cells, split.test) == [30, 30, 30]
    assert min(_per_class(cells, split.train)) > 20
    _assert_whole(cells, split)


def test_balanced_test_reaches_the_share_asked_for_where_classes_allow() -> None:
    cells = _cells([100, 100, 100])
    assert _per_class(cells, _split(cells, balanced_test=True).test) == [20, 20, 20]


def test_balanced_test_with_groups_leaves_the_surplus_out() -> None:
    cells = replace(_cells([300, 200]), groups=np.random.default_rng(1).integers(0, 30, 500).astype(str))
    split = _split(cells, balanced_test=True)
    first, second = _per_class(cells, split.test)
    assert first == second > 0
    assert split.report.ok


def test_folds_test_every_picture_once() -> None:
    cells = _cells([53, 31])
    splits = kfold_splits(cells, SplitConfig(kind="folds", folds=5, validation=0.1), np.arange(84))
    assert np.array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(84))
    for split in splits:
        _assert_whole(cells, split)
        assert 6 <= len(split.validation) <= 11
        assert split.report.ok
    assert np.ptp([len(split.test) for split in splits]) <= 2


def test_folds_without_validation() -> None:
    splits = kfold_splits(_cells([20, 20]), SplitConfig(folds=4, validation=0), np.arange(40))
    assert [len(split.validation) for split in splits] == [0, 0, 0, 0]
    assert [len(split.train) for split in splits] == [30, 30, 30, 30]


def test_folds_keep_copies_together_and_note_small_classes() -> None:
    cells = _cells([60, 4])
    near = np.arange(64)
    near[:32] = np.repeat(np.arange(100, 116), 2)
    for split in kfold_splits(cells, SplitConfig(folds=5, validation=0), near):
        assert split.report.ok
        assert any("Fewer pictures than folds" in note for note in split.notes)


def test_more_folds_than_pictures_is_an_error() -> None:
    with pytest.raises(SplitError, match="too few for 10 parts"):
        _split(_cells([4, 4]), kind="folds", folds=10)


def test_the_split_of_the_data_is_kept_and_leaks_are_told() -> None:
    parts = np.repeat(["train", "validation", "test"], [60, 20, 20])
    cells = replace(_cells([50, 50]), parts=parts)
    near = np.arange(100)
    near[[5, 90]] = 5
    split = _split(cells, near)
    assert np.array_equal(split.part_names(100), parts)
    assert split.report.counts["near"] == 1
    assert "near copy in test is also in train, e.g. rows 90 and 5" in split.report.summary()


def test_a_missing_validation_part_is_taken_out_of_train() -> None:
    cells = replace(_cells([50, 50]), parts=np.repeat(["train", "test"], [80, 20]))
    split = _split(cells)
    assert np.array_equal(split.test, np.arange(80, 100))
    assert len(split.validation) == 8
    assert any("no validation part" in note for note in split.notes)


def test_missing_test_and_validation_parts_take_their_shares() -> None:
    cells = replace(_cells([50, 50]), parts=np.full(100, "train"))
    split = _split(cells)
    assert (len(split.train), len(split.validation), len(split.test)) == (72, 8, 20)


def test_pictures_without_a_part_are_trained_on() -> None:
    cells = replace(_cells([50, 50]), parts=np.repeat(["", "validation", "test"], [60, 20, 20]))
    assert np.array_equal(_split(cells).train, np.arange(60))


def test_copies_of_test_pictures_are_not_carved_into_validation() -> None:
    cells = replace(_cells([50, 50]), parts=np.repeat(["train", "test"], [80, 20]))
    near = np.arange(100)
    near[:20] = np.arange(80, 100)
    split = _split(cells, near)
    assert set(np.arange(20)) <= set(split.train.tolist())


def test_fractions_may_override_the_split_of_the_data() -> None:
    cells = replace(_cells([50, 50]), parts=np.repeat(["train", "test"], [10, 90]))
    assert len(_split(cells, kind="fractions").train) == 72


def test_a_given_split_must_exist_and_must_train() -> None:
    with pytest.raises(SplitError, match="brings no split"):
        _split(_cells([9, 9]), kind="given")
    with pytest.raises(SplitError, match="train part"):
        _split(replace(_cells([9, 9]), parts=np.full(18, "test")))


def test_a_split_survives_its_file(tmp_path: Path) -> None:
    split = _split(_cells([30, 2]))
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(loaded, name), getattr(split, name))
        assert getattr(loaded, name).dtype == np.int64
    assert loaded.report == split.report
    assert loaded.notes == split.notes


@pytest.mark.parametrize("text", ["", "[]", '{"train": "abc"}', '{"train": [1], "validation": [], "test": []}'])
def test_a_broken_split_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SplitError, match=r"split\.json"):
        Split.load(path)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 40), min_size=2, max_size=5).filter(lambda counts: sum(counts) >= 12),
    copies=st.integers(0, 12),
    balanced=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_no_split_leaks_or_repeats_a_picture(counts: list[int], copies: int, balanced: bool, seed: int) -> None:
    cells = _cells(counts, seed)
    rng = np.random.default_rng(seed)
    near = np.arange(len(cells))
    near[rng.integers(0, len(cells), copies)] = rng.integers(0, len(cells), copies)
    try:
        split = _split(cells, near, balanced_test=balanced, seed=seed)
    except SplitError as error:
        assert "would be empty" in str(error) or "too few" in str(error)  # noqa: PT017 - both outcomes are valid
        return
    together = np.concatenate([split.train, split.validation, split.test])
    assert len(np.unique(together)) == len(together)
    assert check_leakage(cells, split, near).ok


def test_a_single_group_does_not_forbid_splitting() -> None:
    """A source column that names one source for all is common; the check says what it means."""
    cells = replace(_cells([40, 40]), groups=np.full(80, "slide_1"))

    split = split_cells(cells, SplitConfig.model_validate({}))

    assert min(len(split.train), len(split.validation), len(split.test)) > 0
    assert any("one group" in note for note in split.notes)
    assert not split.report.ok

    with pytest.raises(SplitError, match="1 independent group"):
        split_cells(cells, SplitConfig.model_validate({"group_by": "group"}))
