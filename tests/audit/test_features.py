"""What a model and the pixels say of a collection, and what it is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.inference.tiny_model import write_tiny_folder

from smearlab.audit import features
from smearlab.audit.appearance import WIDTH
from smearlab.audit.features import Described, describe, drawing_side
from smearlab.data.cells import Cells, UInt8Array
from smearlab.inference.predictor import Predictor


def _cells(images: UInt8Array | list[UInt8Array]) -> Cells:
    return Cells(images, None, np.array([f"{row}.png" for row in range(len(images))]), (), np.arange(len(images)))


def _noise(count: int, side: int = 16) -> UInt8Array:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(features, "DRAWN", 8)
    monkeypatch.setattr(features, "STRANGE", 6)
    return write_tiny_folder(tmp_path)


def test_it_says_what_the_predictor_says(model: Path) -> None:
    images = _noise(150)
    described, said = describe(_cells(images), model), Predictor.load(model).predict(images, features=True)
    assert len(described) == 150
    assert described.class_names == said.class_names
    for name in ("probabilities", "features", "distances", "is_cell", "logits"):
        np.testing.assert_allclose(getattr(described, name), getattr(said, name), atol=1e-5, err_msg=name)


def test_it_looks_at_drawings_and_strange_cells_too(model: Path) -> None:
    images = _noise(9)
    images[4] = images[2]
    comparison = describe(_cells(images), model).comparison
    assert comparison is not None
    assert comparison.appearance.shape == (9, WIDTH)
    assert comparison.first.tolist() == [0, 1, 2, 3, 2, 5, 6, 7, 8]
    assert len(comparison.junk) == 8
    assert len(comparison.strange) == 6
    assert 4 not in comparison.strange_of
    assert len(set(comparison.strange_of.tolist())) == 6


def test_mixed_sizes_and_fewer_pictures_than_strange_ones(model: Path) -> None:
    pictures = [*_noise(2), _noise(1, 40)[0]]
    described = describe(_cells(pictures), model)
    assert described.comparison is not None
    assert sorted(described.comparison.strange_of.tolist()) == [0, 0, 1, 1, 2, 2]


def test_an_empty_collection_is_described(model: Path) -> None:
    described = describe(_cells(np.zeros((0, 16, 16, 3), np.uint8)), model)
    assert len(described) == 0
    assert described.comparison is not None
    assert len(described.comparison.strange) == 0


@pytest.mark.parametrize(("side", "drawn"), [(20, 32), (96, 96), (360, 144)])
def test_drawings_are_of_the_collections_size(side: int, drawn: int) -> None:
    assert drawing_side(_cells(_noise(3, side))) == drawn


def test_the_answers_alone_make_a_description() -> None:
    empty = np.zeros((0, 2), np.float32)
    described = Described(("a", "b"), empty, empty, empty[:, 0], empty[:, 0] > 0, empty)
    assert described.comparison is None


def test_the_same_cells_are_made_strange_alike_whatever_lies_between_them(model: Path) -> None:
    images = _noise(12)
    order = np.array([7, 2, 11, 0, 4, 9, 1, 3, 10, 5, 8, 6])
    among = np.concatenate([images[order], 255 - images])
    alone = describe(_cells(images), model).comparison
    mixed = describe(_cells(among), model, np.arange(24) < 12).comparison
    assert alone is not None
    assert mixed is not None
    assert order[mixed.strange_of].tolist() == alone.strange_of.tolist()
    np.testing.assert_allclose(mixed.strange.appearance, alone.strange.appearance, atol=1e-6)


def test_few_cells_are_made_strange_several_times_each_differently(model: Path) -> None:
    comparison = describe(_cells(_noise(2)), model).comparison
    assert comparison is not None
    assert sorted(comparison.strange_of.tolist()) == [0, 0, 0, 1, 1, 1]
    assert len(np.unique(comparison.strange.appearance, axis=0)) == 6
