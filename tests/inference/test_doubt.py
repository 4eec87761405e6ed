"""More looks where one is not sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.inference.tiny_model import write_tiny_folder

from smearlab.corruptions.suites import corrupt
from smearlab.data.cells import UInt8Array
from smearlab.data.framing import frame_pictures
from smearlab.data.read import read
from smearlab.inference.doubt import SURE, look_around, views
from smearlab.inference.predictor import Predictor
from smearlab.inference.spread import Floats

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
FIRST = np.array([[0.95, 0.05], [0.6, 0.4], [0.8, 0.2]], np.float32)


def test_pictures_that_are_named_surely_are_looked_at_once() -> None:
    def ask(pictures: UInt8Array) -> Floats:
        raise AssertionError("nothing was to be asked")

    sure = np.array([[SURE, 1 - SURE], [1, 0], [0, 1]], np.float32)
    found, unsure = look_around(PICTURES, sure, ask)
    assert found is sure
    assert not unsure.any()


def test_the_unsure_ones_are_named_by_the_mean_of_four_looks() -> None:
    asked: list[UInt8Array] = []

    def ask(pictures: UInt8Array) -> Floats:
        asked.append(pictures)
        return np.array([[0.0, 1.0], [0.5, 0.5]], np.float32)

    found, unsure = look_around(PICTURES, FIRST, ask)
    assert unsure.tolist() == [False, True, True]
    assert found == pytest.approx(np.array([[0.95, 0.05], [0.15, 0.85], [0.575, 0.425]]))
    assert FIRST[1].tolist() == pytest.approx([0.6, 0.4])  # what was given stays
    assert [len(one) for one in asked] == [2, 2, 2]


def test_the_views_are_three_symmetries_of_the_square() -> None:
    seen = [PICTURES, *views(PICTURES)]
    assert np.array_equal(seen[1], PICTURES[:, ::-1])
    assert np.array_equal(seen[2], np.rot90(PICTURES, axes=(1, 2)))
    assert np.array_equal(seen[3], PICTURES.transpose(0, 2, 1, 3))
    assert all(view.flags.c_contiguous for view in seen)


def test_a_predictor_averages_probabilities_and_keeps_all_else(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path)
    once, more = (Predictor.load(folder, second_look=further) for further in (False, True))
    pictures = np.random.default_rng(1).integers(0, 256, (40, 40, 40, 3), dtype=np.uint8)
    first, found = once.predict(pictures, features=True), more.predict(pictures, features=True)
    assert not len(first.unsure)
    assert found.unsure.tolist() == (first.confidence < SURE).tolist()
    assert found.unsure.any()
    framed = frame_pictures(list(pictures), more.framing)[found.unsure]
    looks = [once.predict_framed(view).probabilities for view in (framed, *views(framed))]
    assert found.probabilities[found.unsure] == pytest.approx(np.mean(looks, axis=0), abs=1e-6)
    assert np.allclose(found.probabilities.sum(1), 1, atol=1e-5)
    for kept in ("logits", "is_cell", "distances", "strangeness", "features"):
        assert np.array_equal(getattr(first, kept), getattr(found, kept)), kept
    assert found.take(np.array([3, 1])).unsure.shape == (2,)


@pytest.mark.real
@pytest.mark.slow
def test_cells_of_a_strange_laboratory_are_named_better_and_the_batch_does_not_matter(pbc_path: Path) -> None:
    cells = read(pbc_path)
    cells = cells.take(np.arange(5, len(cells), 20))
    images = np.stack(list(cells.images))
    for number, name in enumerate(("stain_hue", "dark_phone", "focus", "camera_noise", "compression")):
        images = corrupt(images, "microscope", name, 4, number, cells.rows)
    once, more = (Predictor.load(second_look=further).predict(images) for further in (False, True))
    right = [float((found.label_indices == cells.known_labels).mean()) for found in (once, more)]
    assert 0.1 < more.unsure.mean() < 0.9
    assert right[1] > right[0]
    alone = Predictor.load().predict(images[::7], batch_size=5)
    assert np.allclose(alone.probabilities, more.probabilities[::7], atol=1e-5)
