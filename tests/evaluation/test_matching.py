"""Classes of data and model are matched by name."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.colour_model import colour_cells

from smearlab.errors import DataError
from smearlab.evaluation.matching import match_classes

MODEL = ("basophil", "eosinophil", "monocyte")


def test_positions_do_not_matter() -> None:
    cells = colour_cells(("monocyte", "basophil"), per_class=2)
    matched = match_classes(cells, MODEL)
    assert matched.labels.tolist() == [2, 2, 0, 0]
    assert matched.cells is cells
    assert matched.unknown == {}
    assert matched.notes == []


def test_unknown_classes_are_left_out_and_told() -> None:
    matched = match_classes(colour_cells(("blast", "monocyte", "smudge"), per_class=2), MODEL)
    assert matched.labels.tolist() == [2, 2]
    assert matched.cells.rows.tolist() == matched.positions.tolist() == [2, 3]
    assert matched.unknown == {"blast": 2, "smudge": 2}
    assert matched.notes[0].startswith("2 pictures of 'blast' were left out")


def test_one_picture_is_told_in_the_singular() -> None:
    cells = colour_cells(("blast", "monocyte"), per_class=2).take([0, 2])
    assert match_classes(cells, MODEL).notes[0].startswith("1 picture of 'blast' was left out of the figures")


def test_an_unknown_class_without_pictures_is_not_told() -> None:
    cells = colour_cells(("blast", "monocyte"), per_class=2).take([2, 3])
    assert match_classes(cells, MODEL).notes == []


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(DataError, match=r"knows basophil, .* but colours has only blast"):
        match_classes(colour_cells(("blast",)), MODEL)


def test_unlabelled_pictures_cannot_be_matched() -> None:
    cells = colour_cells(MODEL)
    bare = type(cells)(cells.images, None, cells.sources, (), np.arange(len(cells)))
    with pytest.raises(DataError, match="has no labels"):
        match_classes(bare, MODEL)
