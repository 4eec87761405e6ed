"""Altered copies that fill small classes up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.training.tiny_training import tiny_data, tiny_recipe

from smearlab.training import synthetic
from smearlab.training.job import TrainingData
from smearlab.training.synthetic import COPIES, with_copies

FILLED = "balance.kind=synthetic"


def uneven() -> TrainingData:
    """Sixty pictures: of the 48 that train, 16 of class 0 and 32 of class 1."""
    whole = tiny_data()
    return replace(whole, labels=np.minimum(whole.labels, 1), class_names=whole.class_names[:2])


def counts(data: TrainingData) -> list[int]:
    return [int(count) for count in np.bincount(data.labels[data.train])]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), [32, 32]),
        (("balance.per_class=40",), [40, 40]),
        (("balance.per_class=20",), [20, 32]),
        (("balance.power=0.0",), [16, 32]),
    ],
)
def test_classes_are_filled_up(tmp_path: Path, overrides: tuple[str, ...], expected: list[int]) -> None:
    data = uneven()
    filled = with_copies(data, tiny_recipe(FILLED, *overrides), tmp_path)
    assert counts(filled) == expected
    np.testing.assert_array_equal(filled.validation, data.validation)
    np.testing.assert_array_equal(filled.train[: len(data.train)], data.train)
    assert set(filled.train.tolist()) == {*data.train.tolist(), *range(60, 60 + sum(expected) - 48)}
    assert list(tmp_path.iterdir()) == []


def test_copies_are_altered_pictures_of_their_own_class_from_the_training_part_alone(tmp_path: Path) -> None:
    data = uneven()
    marked = data.images.copy()
    marked[data.validation] = 255  # would be seen in a copy
    marked[data.train] = np.minimum(marked[data.train], 200)
    plain = with_copies(replace(data, images=marked), tiny_recipe(FILLED, "balance.policy=none"), tmp_path)
    assert plain.copies is not None
    assert plain.copies.max() <= 200
    added = plain.train[48:]
    shown = plain.pictures(added)
    for picture, label in zip(shown, plain.labels[added], strict=True):
        same = [row for row in data.train if np.array_equal(marked[row], picture)]
        assert same
        assert data.labels[same[0]] == label == 0
    altered = with_copies(replace(data, images=marked), tiny_recipe(FILLED), tmp_path)
    assert altered.copies is not None
    assert not any(np.array_equal(*pair) for pair in zip(altered.copies, plain.copies, strict=True))


def test_every_picture_is_copied_as_often_as_the_others() -> None:
    labels = np.array([0] * 5 + [1] * 18)
    sources = synthetic.copied(labels, tiny_recipe(FILLED).balance, seed=0)
    assert np.bincount(sources, minlength=23).tolist() == pytest.approx([13 / 5] * 5 + [0] * 18, abs=0.7)


def test_the_seed_decides(tmp_path: Path) -> None:
    def copies(*overrides: str) -> np.ndarray:
        made = with_copies(uneven(), tiny_recipe(FILLED, *overrides), tmp_path).copies
        assert made is not None
        return made

    np.testing.assert_array_equal(copies(), copies())
    assert not np.array_equal(copies(), copies("seed=1"))


def test_many_copies_are_kept_in_a_file_and_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(FILLED)
    inside = with_copies(uneven(), recipe, tmp_path)
    monkeypatch.setattr(synthetic, "IN_MEMORY", 100)
    for _ in range(2):  # a resumed run makes them again
        outside = with_copies(uneven(), recipe, tmp_path / "checkpoints")
        assert isinstance(outside.copies, np.memmap)
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [COPIES]
        np.testing.assert_array_equal(outside.copies, inside.copies)
    mixed = np.array([70, 3, 61, 59])
    np.testing.assert_array_equal(outside.pictures(mixed), inside.pictures(mixed))
    np.testing.assert_array_equal(outside.pictures(mixed)[1], uneven().images[3])


@pytest.mark.parametrize("kind", ["none", "oversample", "class_weights"])
def test_no_other_balance_makes_copies(tmp_path: Path, kind: str) -> None:
    data = uneven()
    assert with_copies(data, tiny_recipe(f"balance.kind={kind}"), tmp_path) is data
