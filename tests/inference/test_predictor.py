from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.inference.tiny_model import tiny_info, tiny_trust, write_tiny_folder

from smearlab.data.cells import Cells, UInt8Array
from smearlab.data.framing import Framing
from smearlab.errors import DataError, ModelError
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.predictor import Predictions, Predictor
from smearlab.inference.session import FEATURES, INPUT, LOGITS
from smearlab.inference.spread import Floats
from smearlab.inference.trust import Trust


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return Predictor.load(write_tiny_folder(tmp_path), threads=1)


def flat(colour: tuple[int, int, int], height: int = 16, width: int = 16) -> UInt8Array:
    return np.full((height, width, 3), colour, np.uint8)


def assert_same(one: Predictions, other: Predictions, tolerance: float = 1e-5) -> None:
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.is_cell, other.is_cell)
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=tolerance)


def test_one_picture_gives_what_the_maths_says(predictor: Predictor) -> None:
    found = predictor.predict(flat((20, 180, 60)), features=True)
    scores = np.array([20, 180, 60]) * 0.05 / 2.0  # the tiny network's weight, and the temperature
    np.testing.assert_allclose(found.probabilities[0], np.exp(scores) / np.exp(scores).sum(), rtol=1e-5)
    assert found.features is not None
    np.testing.assert_allclose(found.features, [[20, 180, 60]], rtol=1e-6)
    assert (len(found), found.labels.tolist(), found.label_indices.tolist()) == (1, ["green"], [1])
    assert found.confidence[0] == found.probabilities.max()
    assert found.probabilities.dtype == np.float32
    # (20² + 20² + 60²) / 400 / 3 is below the threshold of 20.
    assert found.is_cell.tolist() == [True]
    assert found.distances[0] == pytest.approx(4400 / 400 / 3)


def test_a_stranger_keeps_its_label_but_is_no_cell(predictor: Predictor) -> None:
    found = predictor.predict(flat((255, 250, 250)))
    assert (found.labels[0], found.is_cell[0]) == ("red", np.False_)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
def test_batch_size_changes_nothing(predictor: Predictor, batch_size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    assert_same(predictor.predict(images, batch_size), predictor.predict(images, 20))


def test_order_changes_nothing(predictor: Predictor) -> None:
    rng = np.random.default_rng(1)
    images, order = rng.integers(0, 256, (20, 16, 16, 3), np.uint8), rng.permutation(20)
    shuffled = predictor.predict(images[order], 6)
    straight = predictor.predict(images, 6)
    np.testing.assert_allclose(shuffled.probabilities, straight.probabilities[order], atol=1e-5)


def test_features_are_kept_only_when_asked_for(predictor: Predictor) -> None:
    images = np.random.default_rng(2).integers(0, 256, (10, 16, 16, 3), np.uint8)
    kept, without = predictor.predict(images, 4, features=True), predictor.predict(images, 4)
    assert without.features is None
    assert without.take(np.array([1])).features is None
    assert_same(kept, without)
    np.testing.assert_array_equal(kept.distances, without.distances)
    taken = kept.take(np.array([3, 1]))
    assert kept.features is not None
    assert taken.features is not None
    np.testing.assert_allclose(kept.features, images.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(taken.features, images[[3, 1]].mean((1, 2)), rtol=1e-5)


def test_memory_grows_by_a_few_numbers_per_picture(predictor: Predictor) -> None:
    width = 1000
    one, means, directions = (np.ones(shape, np.float32) for shape in ((1,), (3, width), (width, 2)))
    trust = Trust(one, means, directions, one)
    results = {LOGITS: 3, FEATURES: width}

    def run(names: list[str], feed: dict[str, UInt8Array]) -> list[Floats]:
        return [np.ones((len(feed[INPUT]), results[name]), np.float32) for name in names]

    session: Any = SimpleNamespace(run=run)
    wide = Predictor(replace(predictor.folder, trust=trust, session=session))
    tracemalloc.start()
    try:
        found = wide.predict(np.broadcast_to(flat((9, 99, 9)), (4000, 16, 16, 3)))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 4000
    assert held < 4000 * 40
    assert peak < 4_000_000  # the features of all pictures would take 16 MB


def test_progress_is_told_batch_by_batch(predictor: Predictor) -> None:
    steps: list[int] = []
    predictor.predict(np.zeros((10, 16, 16, 3), np.uint8), 4, progress=steps.append)
    assert steps == [4, 4, 2]


def test_mixed_sizes_are_framed_one_by_one(predictor: Predictor) -> None:
    images = [flat((200, 0, 0), 5, 9), flat((0, 200, 0), 300, 200), flat((0, 0, 200)), flat((0, 9, 0), 1, 1)]
    assert predictor.predict(images).labels.tolist() == ["red", "green", "blue", "green"]


def test_cells_and_read_only_arrays_are_taken(predictor: Predictor, tiny_cells: Cells) -> None:
    images = np.asarray(tiny_cells.images).copy()
    images.flags.writeable = False
    assert_same(predictor.predict(tiny_cells.images), predictor.predict(images))
    assert_same(predictor.predict(tiny_cells.take([5, 1]).images), predictor.predict(images[[5, 1]]))


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 16, 16, 3), np.uint8), np.zeros((0,), np.uint8)])
def test_nothing_gives_nothing(predictor: Predictor, nothing: UInt8Array) -> None:
    found = predictor.predict(nothing, features=True)
    assert found.features is not None
    shapes = (found.probabilities.shape, found.features.shape, found.labels.shape, found.confidence.shape)
    assert shapes == ((0, 3), (0, 3), (0,), (0,))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 16, 16, 3), np.float32), "uint8 values 0 to 255, but got float32"),
        (np.zeros((16, 16, 3)), "scaling and normalisation are part of the model"),
        (np.zeros((2, 16, 16, 4), np.uint8), "RGB"),
        (np.zeros((16, 16), np.uint8), "shape"),
        (np.zeros((2, 3, 16, 16), np.uint8), "RGB"),
        ([np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16, 3), np.int64)], "Picture 1: .*int64"),
        ([np.zeros((16, 0, 3), np.uint8)], "Picture 0"),
        (["cell.png"], "Picture 0: .*str"),
        ("cell.png", "predict_to_file"),
        (None, "NoneType"),
    ],
)
def test_anything_but_raw_pictures_is_refused(predictor: Predictor, images: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        predictor.predict(images)  # type: ignore[arg-type]


def test_wrong_settings_are_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="batch_size"):
        predictor.predict(flat((0, 0, 0)), batch_size=0)
    with pytest.raises(DataError, match="Framed"):
        predictor.predict_framed(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ModelError, match="threads"):
        Predictor.load(predictor.folder.path, threads=0)


def test_the_framing_of_the_model_is_honoured(tmp_path: Path) -> None:
    image = flat((0, 200, 0), 64, 64)
    image[24:40, 24:40] = (200, 0, 0)
    folder = write_tiny_folder(tmp_path)
    info = tiny_info(framing=Framing(crop="centre", fraction=0.25, size=16))
    centre = write_model_folder(
        tmp_path / "centre", onnx=folder / "model.onnx", weights={}, trust=tiny_trust(), info=info
    )
    assert Predictor.load(folder).predict(image).labels[0] == "green"
    assert Predictor.load(centre).predict(image).labels[0] == "red"


@pytest.mark.slow
def test_batch_and_order_change_nothing_in_a_real_network(tmp_path: Path) -> None:
    """A convolution may run another kernel for another batch size; that must stay below 1e-5."""
    torch = pytest.importorskip("torch", reason="exporting a real network needs the training extra")
    from tests.inference.timm_model import write_timm_folder

    torch.manual_seed(0)
    folder = write_timm_folder(tmp_path / "model", size=96)
    predictor = Predictor.load(folder, threads=2)
    rng = np.random.default_rng(0)
    # Blocks of colour, so that features differ between pictures as they do between cells.
    blocks = rng.integers(0, 256, (70, 6, 6, 3), np.uint8)
    images = blocks.repeat(16, 1).repeat(16, 2)
    straight = predictor.predict(images, 64)
    assert straight.probabilities.std(0).max() > 1e-3
    for batch_size in (1, 2, 7, 70):
        assert_same(predictor.predict(images, batch_size), straight)
    order = rng.permutation(70)
    np.testing.assert_allclose(predictor.predict(images[order]).probabilities, straight.probabilities[order], atol=1e-5)
