"""Test-time augmentation on raw bytes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.tiny_model import write_tiny_folder

from smearlab.data.cells import UInt8Array
from smearlab.errors import DataError
from smearlab.evaluation.views import ViewedPredictor, views_of
from smearlab.inference.predictor import Predictions, Predictor

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(write_tiny_folder(tmp_path_factory.mktemp("model")), threads=1)


@pytest.mark.parametrize(
    ("wanted", "count"), [("flips", 4), ("rotations", 8), ("scales", 3), ("crops", 5), ("2", 2), ("11", 11), ("24", 24)]
)
def test_views_are_so_many_and_differ(wanted: str, count: int) -> None:
    seen = [view(PICTURES) for view in views_of(wanted)]
    assert len(seen) == count
    assert all(view.shape == PICTURES.shape and view.dtype == np.uint8 for view in seen)
    assert len({view.tobytes() for view in seen}) == count


@pytest.mark.parametrize("wanted", ["flips", "rotations", "scales", "2"])
def test_the_first_view_is_the_picture_itself(wanted: str) -> None:
    assert np.array_equal(views_of(wanted)[0](PICTURES), PICTURES)


def test_rotations_are_the_eight_symmetries_of_the_square() -> None:
    seen = {view(PICTURES).tobytes() for view in views_of("rotations")}
    expected = set()
    for start in (PICTURES, PICTURES[:, :, ::-1]):
        expected |= {np.ascontiguousarray(np.rot90(start, turns, (1, 2))).tobytes() for turns in range(4)}
    assert seen == expected
    assert {view(PICTURES).tobytes() for view in views_of("flips")} == {
        np.ascontiguousarray(PICTURES[:, ::down, ::right]).tobytes() for down in (1, -1) for right in (1, -1)
    }


def test_views_leave_the_pictures_alone() -> None:
    before = PICTURES.copy()
    for view in (*views_of("24"), *views_of("crops")):
        view(PICTURES)
    assert np.array_equal(PICTURES, before)


@pytest.mark.parametrize("wanted", ["flip", "1", "25", "-2", "", "many", "2.5"])
def test_other_words_are_refused(wanted: str) -> None:
    with pytest.raises(DataError, match=r"--tta.*flips, rotations, scales, crops"):
        views_of(wanted)
    with pytest.raises(DataError, match="Did you mean 'flips'"):
        views_of("flip")


def test_the_probabilities_are_the_mean_over_the_views(predictor: Predictor) -> None:
    views = views_of("crops")
    viewed = ViewedPredictor(predictor, views).predict(PICTURES, features=True)
    each = [predictor.predict(view(PICTURES), features=True) for view in views]
    assert np.allclose(viewed.probabilities, np.mean([one.probabilities for one in each], axis=0), atol=1e-6)
    assert np.allclose(viewed.probabilities.sum(1), 1, atol=1e-6)
    assert np.allclose(viewed.distances, np.mean([one.distances for one in each], axis=0), rtol=1e-5)
    assert viewed.features is not None
    assert not np.allclose(viewed.probabilities, each[1].probabilities, atol=1e-4)


def test_a_model_that_sees_no_direction_is_not_changed_by_turning(predictor: Predictor) -> None:
    plain, viewed = predictor.predict(PICTURES), ViewedPredictor(predictor, views_of("rotations")).predict(PICTURES)
    assert np.allclose(plain.probabilities, viewed.probabilities, atol=1e-5)
    assert np.array_equal(plain.is_cell, viewed.is_cell)


def test_a_view_is_not_looked_around_once_more(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert predictor.second_look
    assert predictor.predict(PICTURES).unsure.any()
    looks: list[int] = []
    look = predictor.first_look

    def counted(framed: UInt8Array, *, features: bool = False) -> Predictions:
        looks.append(len(framed))
        return look(framed, features=features)

    monkeypatch.setattr(predictor, "first_look", counted)
    views = views_of("rotations")
    ViewedPredictor(predictor, views).predict(PICTURES)
    assert looks == [len(PICTURES)] * len(views)


def test_pictures_of_any_size_and_none_at_all(predictor: Predictor) -> None:
    viewed = ViewedPredictor(predictor, views_of("flips"))
    mixed = [np.zeros((20, 30, 3), np.uint8), np.full((40, 8, 3), 200, np.uint8)]
    assert len(viewed.predict(mixed)) == 2
    assert len(viewed.predict(np.zeros((0, 16, 16, 3), np.uint8))) == 0
