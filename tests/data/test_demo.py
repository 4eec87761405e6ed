"""The embedded demo set: what a user gets, and what is promised about it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import BoolArray, Cells, IntArray
from smearlab.data.demo import Demo, demo_cells, demo_masks, demo_planted, draw_demo
from smearlab.errors import DataError

PER_CLASS = 12


@pytest.fixture(scope="module")
def demo() -> Demo:
    return draw_demo(seed=3, per_class=PER_CLASS)


def digest(cells: Cells) -> str:
    return hashlib.sha256(np.asarray(cells.images).tobytes() + cells.known_labels.tobytes()).hexdigest()


def drawn_rows(demo: Demo) -> IntArray:
    planted = {row for pairs in demo.planted.values() for row, _ in pairs}
    return np.array([row for row in range(len(demo.cells)) if row not in planted])


def areas(demo: Demo, name: str) -> tuple[IntArray, IntArray]:
    rows = drawn_rows(demo)
    rows = rows[demo.cells.known_labels[rows] == CLASS_NAMES.index(name)]
    return demo.nucleus[rows].sum((1, 2)), demo.cell[rows].sum((1, 2))


def test_shapes_and_types(demo: Demo) -> None:
    count = len(demo.cells)
    images = np.asarray(demo.cells.images)
    assert images.shape == (count, 96, 96, 3)
    assert images.dtype == np.uint8
    assert demo.nucleus.shape == demo.cell.shape == (count, 96, 96)
    assert demo.nucleus.dtype == demo.cell.dtype == bool
    assert demo.cells.class_names == CLASS_NAMES
    assert demo.cells.known_labels.dtype == np.int64
    assert len(set(demo.cells.sources)) == count


def test_classes_are_mildly_unequal_around_the_mean(demo: Demo) -> None:
    counts = np.bincount(demo.cells.known_labels[drawn_rows(demo)], minlength=8)
    assert counts.mean() == pytest.approx(PER_CLASS, rel=0.05)
    assert counts.min() < counts.max() <= 2 * counts.min()


def test_rows_are_not_sorted_by_class(demo: Demo) -> None:
    changes = np.count_nonzero(np.diff(demo.cells.known_labels))
    assert changes > 0.7 * len(demo.cells)


def test_every_slide_holds_several_classes(demo: Demo) -> None:
    assert demo.cells.groups is not None
    slides = set(demo.cells.groups) - {"stray"}
    assert len(slides) == 12
    for slide in slides:
        assert len(set(demo.cells.known_labels[demo.cells.groups == slide])) >= 3


def test_same_seed_same_bytes_and_other_seed_other_bytes() -> None:
    first, second, other = (draw_demo(seed, 2) for seed in (5, 5, 6))
    assert digest(first.cells) == digest(second.cells) != digest(other.cells)
    assert first.planted == second.planted
    np.testing.assert_array_equal(first.nucleus, second.nucleus)


def test_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = digest(draw_demo(7, 2).cells)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert digest(draw_demo(7, 2).cells) == usual


@pytest.mark.parametrize(("seed", "per_class"), [(0, 1), (0, -3), (-1, 10)])
def test_impossible_requests_are_refused(seed: int, per_class: int) -> None:
    with pytest.raises(DataError, match="per_class >= 2"):
        draw_demo(seed, per_class)


def test_nucleus_lies_inside_the_cell(demo: Demo) -> None:
    assert not (demo.nucleus & ~demo.cell).any()


def test_only_platelets_lack_a_nucleus(demo: Demo) -> None:
    rows = drawn_rows(demo)
    empty = ~demo.nucleus[rows].any((1, 2))
    np.testing.assert_array_equal(empty, demo.cells.known_labels[rows] == CLASS_NAMES.index("platelet"))
    assert demo.cell[rows].any((1, 2)).all()


def test_nucleus_is_darker_than_the_cytoplasm_and_the_cell_darker_than_the_rest(demo: Demo) -> None:
    images = np.asarray(demo.cells.images)
    for row in drawn_rows(demo):
        green = images[row, ..., 1]
        rest = np.median(green[~demo.cell[row]])
        assert np.median(green[demo.cell[row]]) < rest - 10
        if demo.nucleus[row].any() and demo.cells.known_labels[row] != CLASS_NAMES.index("basophil"):
            cytoplasm = green[demo.cell[row] & ~demo.nucleus[row]]
            assert np.median(green[demo.nucleus[row]]) < np.median(cytoplasm) - 10


def test_cells_are_centred(demo: Demo) -> None:
    y, x = np.mgrid[:96, :96]
    for row in drawn_rows(demo):
        mask: BoolArray = demo.cell[row]
        assert np.hypot(y[mask].mean() - 47.5, x[mask].mean() - 47.5) < 12


def test_sizes_are_plausible(demo: Demo) -> None:
    radius = {name: float(np.sqrt(areas(demo, name)[1].mean() / np.pi)) for name in CLASS_NAMES}
    assert radius["platelet"] < 0.7 * radius["erythroblast"]
    assert radius["erythroblast"] < radius["neutrophil"] < radius["monocyte"]
    assert radius["lymphocyte"] < radius["immature_granulocyte"]
    # A red cell of about 7.5 µm spans 34 pixels; white cells measure 9 to 20 µm.
    assert all(20 < radius[name] < 45 for name in CLASS_NAMES if name != "platelet")


def test_nucleus_to_cell_ratio_is_ordered_as_in_a_smear(demo: Demo) -> None:
    ratio = {name: float((areas(demo, name)[0] / areas(demo, name)[1]).mean()) for name in CLASS_NAMES}
    assert ratio["lymphocyte"] > ratio["monocyte"] > ratio["neutrophil"] > ratio["platelet"] == 0
    assert ratio["lymphocyte"] > 0.7
    assert ratio["immature_granulocyte"] > ratio["neutrophil"]


def test_planted_copies_are_what_they_are_called(demo: Demo) -> None:
    images, labels = np.asarray(demo.cells.images).astype(int), demo.cells.known_labels
    for row, partner in demo.planted["exact_duplicate"]:
        assert labels[row] == labels[partner]
        assert (images[row] == images[partner]).all()
    for row, partner in demo.planted["conflicting_duplicate"]:
        assert labels[row] != labels[partner]
        assert (images[row] == images[partner]).all()
    for row, partner in demo.planted["near_duplicate"]:
        assert labels[row] == labels[partner]
        assert 0 < abs(images[row] - images[partner]).mean() < 30


def test_nothing_but_what_is_planted_is_a_copy(demo: Demo) -> None:
    kept = [np.asarray(demo.cells.images[row]).tobytes() for row in drawn_rows(demo)]
    assert len(set(kept)) == len(kept)


def test_one_junk_picture_is_in_every_class(demo: Demo) -> None:
    rows = [row for row, _ in demo.planted["off_topic"]]
    assert {partner for _, partner in demo.planted["off_topic"]} <= set(rows)
    assert set(demo.cells.known_labels[rows]) == set(range(8))
    assert len({np.asarray(demo.cells.images[row]).tobytes() for row in rows}) == 1
    assert not demo.cell[rows].any()


def test_copies_stay_on_the_slide_of_their_original(demo: Demo) -> None:
    assert demo.cells.groups is not None
    for pairs in demo.planted.values():
        for row, partner in pairs:
            assert demo.cells.groups[row] == demo.cells.groups[partner]


def test_colour_and_size_tell_classes_apart_but_not_fully(demo: Demo) -> None:
    rows = drawn_rows(demo)
    images, labels = np.asarray(demo.cells.images)[rows], demo.cells.known_labels[rows]
    centre = images[:, 20:76, 20:76].astype(float)
    features = np.concatenate([centre.mean((1, 2)), centre.std((1, 2)), np.quantile(centre, 0.2, (1, 2))], axis=1)
    features = (features - features.mean(0)) / features.std(0)
    correct = 0
    for row in range(len(rows)):
        others = np.arange(len(rows)) != row
        means = [features[others & (labels == label)].mean(0) for label in range(8)]
        correct += int(np.argmin([np.linalg.norm(features[row] - mean) for mean in means]) == labels[row])
    assert 0.4 < correct / len(rows) < 0.98


def test_cached_cells_masks_and_defects_belong_together() -> None:
    cells = demo_cells(seed=1, per_class=2)
    nucleus, cell = demo_masks(seed=1, per_class=2)
    drawn = draw_demo(seed=1, per_class=2)
    assert isinstance(cells.images, np.memmap)
    assert cells.name == "demo"
    assert digest(cells) == digest(drawn.cells)
    np.testing.assert_array_equal(cells.sources, drawn.cells.sources)
    np.testing.assert_array_equal(nucleus, drawn.nucleus)
    np.testing.assert_array_equal(cell, drawn.cell)
    assert demo_planted(seed=1, per_class=2) == drawn.planted


def test_cached_cells_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = demo_cells(seed=2, per_class=2)

    def refuse(*_: object) -> Demo:
        raise AssertionError("the set was drawn again")

    monkeypatch.setattr("smearlab.data.demo.draw_demo", refuse)
    assert digest(demo_cells(seed=2, per_class=2)) == digest(first)


@pytest.mark.slow
def test_default_set_has_the_promised_defects() -> None:
    planted = demo_planted()
    amounts = {kind: len(pairs) for kind, pairs in planted.items()}
    assert amounts == {"exact_duplicate": 8, "near_duplicate": 8, "conflicting_duplicate": 3, "off_topic": 24}
    assert len(demo_cells()) == pytest.approx(8 * 150 + 43, abs=8)
