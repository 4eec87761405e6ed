from collections.abc import Sequence

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.forms.base import RawLabel
from smearlab.data.labels import RawLabels, resolve_labels
from smearlab.errors import DataError


def resolve(labels: Sequence[RawLabel], declared: tuple[str, ...] | None = None) -> tuple[list[int], tuple[str, ...]]:
    known = {repr(label): label for label in labels}
    codes = np.array([list(known).index(repr(label)) for label in labels])
    raw = RawLabels(list(known.values()), codes, declared)
    indices, names, _ = resolve_labels(raw, np.arange(len(labels)), "cells.npz")
    assert indices.dtype == np.int64
    return indices.tolist(), names


def notes_of(*names: str) -> tuple[str, ...]:
    return resolve_labels(RawLabels(names, np.arange(len(names))), np.arange(len(names)), "cells").notes


def test_numbers_up_to_7_are_the_cell_types() -> None:
    assert resolve([7, 0, 3, 1, 2, 4, 5, 6]) == ([7, 0, 3, 1, 2, 4, 5, 6], CLASS_NAMES)


def test_numbers_keep_their_meaning_where_classes_are_absent() -> None:
    assert resolve([5, 2, 5]) == ([1, 0, 1], ("erythroblast", "monocyte"))


def test_names_of_cell_types_take_the_usual_order() -> None:
    labels, names = resolve(["Platelets", "ig", "SNE", "lymphocyte", "BNE", "MMY"])
    assert names == ("immature_granulocyte", "lymphocyte", "neutrophil", "platelet")
    assert labels == [3, 0, 2, 1, 2, 0]


def test_all_eight_names_have_the_order_0_to_7() -> None:
    assert resolve(CLASS_NAMES[::-1]) == ([7, 6, 5, 4, 3, 2, 1, 0], CLASS_NAMES)


def test_other_names_are_sorted_identifiers() -> None:
    assert resolve(["Smudge Cell", "blast", "Blast "]) == ([1, 0, 0], ("blast", "smudge_cell"))
    assert resolve(["monocyte", "blast"]) == ([1, 0], ("blast", "monocyte"))


def test_other_numbers_are_numbered_classes() -> None:
    assert resolve(range(11)) == (list(range(11)), tuple(f"class_{number}" for number in range(11)))
    assert resolve([9, *range(1, 9)])[1] == tuple(f"class_{number}" for number in range(1, 10))


@pytest.mark.parametrize("write", [str, lambda number: f"0{number}"])
def test_numbers_as_text_are_numbers(write: type[str]) -> None:
    assert resolve([write(number) for number in (0, 7, 2)]) == ([0, 2, 1], ("basophil", "erythroblast", "platelet"))


def test_whole_numbers_with_a_point_are_numbers() -> None:
    assert resolve([0.0, 7.0, 7]) == ([0, 1, 1], ("basophil", "platelet"))


def test_declared_names_are_what_numbers_index() -> None:
    assert resolve([0, 2, 0], ("zebra", "unused", "apple")) == ([0, 1, 0], ("zebra", "apple"))
    assert resolve([1, 0], ("platelet", "ig")) == ([0, 1], ("immature_granulocyte", "platelet"))
    assert resolve([0, 1, 2], ("SNE", "BNE", "own"))[1] == ("neutrophil", "own")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, None, 1, None], "no label in rows 1, 3 of cells.npz"),
        ([0, -1, 1], "label -1 in row 1 of cells.npz is negative"),
        ([0, 1, float("nan")], "label nan in row 2 of cells.npz is no whole number"),
        ([0, 1.5], "label 1.5 in row 1"),
        ([*range(8), 255], r"label 255 in row 8 of cells.npz is out of range: others run from 0 to 7"),
        ([0, 1, 300, 301], "label 300, 301 in rows 2, 3 .* out of range"),
        ([100, 101], "must begin at 0 or 1"),
        (["ig", "+/-"], r"class name '\+/-' .row 1. of cells.npz has no letters"),
    ],
)
def test_impossible_labels_name_their_rows(labels: list[RawLabel], message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve(labels)


def test_labels_beyond_the_declared_names() -> None:
    with pytest.raises(DataError, match=r"label 2 in row 1 .*names 2 classes, 0 to 1"):
        resolve([0, 2], ("a", "b"))


def test_many_rows_are_cut_short() -> None:
    with pytest.raises(DataError, match="rows 0, 1, 2, 3, 4 and 995 more"):
        resolve([-1] * 1000)


@pytest.mark.parametrize(
    ("names", "first", "second"),
    [
        (("CD4+", "CD4-", "B"), "CD4+", "CD4-"),
        (("Größe", "Grösse", "B"), "Grösse", "Größe"),
        (("neutrophil?", "Neutrophil"), "Neutrophil", "neutrophil?"),
        (("T(1)", "T 1"), "T 1", "T(1)"),
    ],
)
def test_different_names_never_become_one_class(names: tuple[str, ...], first: str, second: str) -> None:
    with pytest.raises(DataError) as caught:
        notes_of(*names)
    assert f"'{first}' and '{second}' of cells would both become" in str(caught.value)
    assert "Rename one" in str(caught.value)


def test_declared_names_do_not_merge_either() -> None:
    with pytest.raises(DataError, match="would both become 'cd4'"):
        resolve([0, 1, 2], ("CD4+", "CD4-", "B"))
    assert resolve([0, 2], ("CD4+", "CD4-", "B"))[1] == ("cd4", "b")


def test_names_of_one_cell_type_become_one_and_are_told() -> None:
    assert notes_of("segmented_neutrophil", "IG", "band_neutrophil") == (
        "'band_neutrophil' and 'segmented_neutrophil' are read as neutrophil.",
    )
    assert notes_of("MMY", "my", "PMY", "ba") == ("'MMY', 'PMY' and 'my' are read as immature_granulocyte.",)
    assert notes_of("blast", "Blast", "T-cell", "t cell") == (
        "'Blast' and 'blast' are read as blast.",
        "'T-cell' and 't cell' are read as t_cell.",
    )
    assert notes_of("IG", "monocyte") == ()


def test_letters_of_all_scripts_name_classes() -> None:
    assert resolve(["细胞", "淋巴", "Färbung"]) == ([2, 1, 0], ("farbung", "淋巴", "细胞"))
    assert resolve(["か", "が"])[1] == ("か", "が")
