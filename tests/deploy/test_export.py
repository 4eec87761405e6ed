"""An exported file computes what its model computes, says what it is, and is refused where it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.deploy.networks import SIZE, conv_network, pictures, write_cells, write_conv_folder

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.framing import Framing, frame_pictures
from smearlab.deploy import comparison, export, precision
from smearlab.deploy.export import export_file, report_path
from smearlab.deploy.material import gather
from smearlab.deploy.onnx_graph import load_graph
from smearlab.deploy.precision import to_float16
from smearlab.errors import DataError, ModelError
from smearlab.inference.predictor import Predictor


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare without torch, which takes long to import, and quantise two of the tiny network's four layers."""
    monkeypatch.setattr(precision, "KEPT_AT_START", 1)
    monkeypatch.setattr(comparison, "find_spec", lambda name: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conv_folder(tmp_path_factory.mktemp("model") / "conv")


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "cells.npz")


def run(path: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits, features = session.run(["logits", "features"], {"images": images})
    assert logits.dtype == features.dtype == np.float32
    return np.asarray(logits)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_the_file_says_what_the_predictor_says(folder: Path, cells: Path, tmp_path: Path, kind: Any) -> None:
    done = export_file(folder, tmp_path / "model.onnx", precision=kind, calibration=cells, seconds=0.01)
    images = pictures(9, seed=5)
    expected = Predictor.load(folder).predict(images).logits
    found = run(done.path, images)
    tolerance = {"float32": 1e-5, "float16": 2e-2, "int8": 0.5}[kind]
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(run(done.path, images[3:4]), found[3:4], atol=1e-4)
    model = onnx.load(done.path)
    onnx.checker.check_model(model, full_check=True)
    assert done.opset == 18 == model.opset_import[0].version


def test_precisions_are_what_they_are_called(folder: Path, cells: Path, tmp_path: Path) -> None:
    kinds = {}
    for kind in ("float32", "float16", "int8"):
        path = tmp_path / f"{kind}.onnx"
        export_file(folder, path, precision=kind, calibration=cells, seconds=0.01)
        weights = [one for one in onnx.load(path).graph.initializer if len(one.dims) == 4]
        kinds[kind] = sorted({one.data_type for one in weights})
    types = onnx.TensorProto
    assert kinds == {"float32": [types.FLOAT], "float16": [types.FLOAT16], "int8": [types.FLOAT, types.INT8]}


def test_each_channel_has_a_scale_of_its_own(folder: Path, cells: Path, tmp_path: Path) -> None:
    export_file(folder, tmp_path / "int8.onnx", precision="int8", calibration=cells, seconds=0.01)
    graph = onnx.load(tmp_path / "int8.onnx").graph
    constants = {one.name: one for one in graph.initializer}
    scales = [node.input[1] for node in graph.node if node.op_type == "DequantizeLinear"]
    assert [16] in [list(constants[name].dims) for name in scales]  # of the third convolution's weights


def test_the_file_describes_itself(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = export_file(folder, tmp_path / "model.onnx", calibration=cells, seconds=0.01)
    about = {entry.key: entry.value for entry in onnx.load(done.path).metadata_props}
    assert json.loads(about["class_names"]) == list(CLASS_NAMES)
    assert float(about["temperature"]) == 2.0
    assert json.loads(about["framing"])["size"] == SIZE
    assert json.loads(about["framing_inside"]) is True
    assert "any h and w" in about["input"]
    assert about["precision"] == "float32"


def test_the_figures_are_written_beside_it(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = export_file(folder, tmp_path / "model.onnx", calibration=cells, seconds=0.01)
    written = json.loads(report_path(done.path).read_text())
    assert written["pictures"] == 48
    assert written["same_label"] == 1.0
    assert written["largest_difference"] < 1e-4
    for side in ("exported", "reference"):
        assert 0 <= written[side]["balanced_accuracy"] <= 1
        assert written[side]["megabytes"] > 0
        assert all(speed["latency_ms"] > 0 < speed["pictures_per_second"] for speed in written[side]["speeds"])
    text = "\n".join(done.lines())
    assert "Compared with float32 ONNX on 48 pictures of cells" in text
    assert "not with PyTorch: PyTorch is not installed." in text


def test_what_the_content_decides_stays_outside(cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_speeds", lambda *_: ())  # looking for cells in noise takes long
    folder = write_conv_folder(tmp_path / "cell", Framing(size=SIZE, crop="cell"))
    done = export_file(folder, tmp_path / "model.onnx", calibration=cells, seconds=0.01)
    assert done.framing == "outside"
    assert any("Framing is not inside" in note for note in done.notes)
    (images,) = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"]).get_inputs()
    assert images.shape[1:] == [SIZE, SIZE, 3]


def test_drawings_are_named_as_such(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = gather(write_cells(tmp_path / "cells.npz"), Framing(size=SIZE), CLASS_NAMES, calibrate=False)
    monkeypatch.setattr(export, "gather", lambda *_, **__: replace(drawn, drawn=True))
    done = export_file(folder, tmp_path / "model.onnx", seconds=0.01)
    assert any("--calibration" in note for note in done.notes)


def test_a_file_that_says_something_else_is_refused(
    folder: Path, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "build_file", lambda *_: conv_network(seed=1))
    monkeypatch.setattr(export, "can_be_inside", lambda _: False)
    with pytest.raises(ModelError, match="says something else than its network"):
        export_file(folder, tmp_path / "model.onnx", calibration=cells, seconds=0.01)
    assert not list(tmp_path.iterdir())


def test_weights_beyond_half_precision_are_refused() -> None:
    model = load_graph(conv_network())
    big = next(one for one in model.graph.initializer if one.name == "w3")
    big.CopyFrom(onnx.numpy_helper.from_array(np.full((16, 8, 1, 1), 1e6, np.float32), "w3"))
    with pytest.raises(ModelError, match="does not fit into float16"):
        to_float16(model)


def test_none_is_both_calibrated_with_and_compared_on(cells: Path) -> None:
    framing = Framing(size=96)
    material = gather(cells, framing, CLASS_NAMES, calibrate=True)
    compared = {picture.tobytes() for picture in frame_pictures(material.pictures, framing)}
    assert len(material.calibration) + len(compared) == 48
    assert not compared & {picture.tobytes() for picture in material.calibration[::2]}  # every second one is altered
    assert material.labels is not None


def test_labels_are_matched_by_name(cells: Path) -> None:
    material = gather(cells, Framing(size=SIZE), CLASS_NAMES[::-1], calibrate=False)
    forward = gather(cells, Framing(size=SIZE), CLASS_NAMES, calibrate=False)
    assert material.labels is not None
    np.testing.assert_array_equal(material.labels, 7 - forward.labels)  # type: ignore[operator]


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", images=pictures(8), labels=np.arange(8))
    with pytest.raises(DataError, match="at least 16"):
        gather(tmp_path / "few.npz", Framing(), CLASS_NAMES, calibrate=False)


def test_pictures_without_labels_will_do(folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    for number, picture in enumerate(pictures(16)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    done = export_file(folder, tmp_path / "out" / "model.onnx", calibration=tmp_path, seconds=0.01)
    assert done.comparison.exported.balanced_accuracy is None
    assert "no labels" in "\n".join(done.lines())


@pytest.mark.parametrize("name", ["model", "model.zip", "folder.onnx"])
def test_another_name_than_onnx_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ModelError, match=r"give the name of a \.onnx file"):
        export_file(folder, tmp_path / name)


def test_a_model_folder_is_no_place_for_it(folder: Path) -> None:
    with pytest.raises(ModelError, match="may hold nothing else"):
        export_file(folder, folder / "other.onnx")


def test_large_pictures_that_the_file_would_refuse_are_named(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "large.npz", images=pictures(16, 120, 120), labels=np.arange(16) % 8)
    with pytest.raises(ModelError, match="add --wide whole"):
        export_file(folder, tmp_path / "model.onnx", calibration=tmp_path / "large.npz", seconds=0.01)


@pytest.mark.slow
def test_the_shipped_model_is_compared_with_its_pytorch_network(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "find_spec", find_spec)
    done = export_file("default", tmp_path / "model.onnx", calibration=cells, seconds=0.01)
    assert done.comparison.reference.name == "PyTorch"
    assert done.comparison.same_label == 1.0
    assert done.comparison.relative_difference < 1e-3
