"""A bundle runs alone and names cells as the Predictor does; one that does not is refused, and nothing is written."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.deploy.networks import SIZE, pictures, write_cells, write_conv_folder

from smearlab.data.framing import Framing, frame_pictures
from smearlab.deploy import submission
from smearlab.deploy.assembly import model_source
from smearlab.deploy.clean_process import CleanPython, allowed_modules, clean_python
from smearlab.deploy.export import report_path
from smearlab.deploy.material import Material
from smearlab.deploy.submission import bundle_files, write_submission
from smearlab.deploy.trial import Expected, judge
from smearlab.errors import ModelError
from smearlab.inference.predictor import Predictor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conv_folder(tmp_path_factory.mktemp("model") / "conv")


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "cells.npz")


def unpacked(path: Path, target: Path) -> Any:
    """Unpack a bundle and import its model.py under a name of its own."""
    zipfile.ZipFile(path).extractall(target)
    spec = importlib.util.spec_from_file_location("bundle_under_test", target / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Model()


def altered(change: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every bundle's model.py changed."""
    original = model_source
    monkeypatch.setattr(submission, "model_source", lambda *given: change(original(*given)))


def test_a_bundle_is_a_zip_with_model_and_weights_at_its_root(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    entries = zipfile.ZipFile(done.path).infolist()
    assert [entry.filename for entry in entries] == ["model.py", "model.onnx"]
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}  # whoever runs it can read it
    model = unpacked(done.path, tmp_path / "there")
    images = pictures(70, seed=4)
    labels = model.predict(images)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, Predictor.load(folder, second_look=False).predict(images).label_indices)
    np.testing.assert_array_equal(model.predict(images.astype(np.float32)), labels)
    assert model.predict(images[:0]).shape == (0,)
    assert model.predict(np.zeros((0,))).shape == (0,)


def test_every_check_is_reported_with_its_figure(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    report = json.loads(report_path(done.path).read_text())
    names = [check["check"] for check in report["checks"]]
    for name in ("dtype", "shape", "range", "determinism", "batch invariance", "float32 input", "no picture", "time"):
        assert name in names
    assert {"memory", "size", "one picture", "labels of smearlab's Predictor"} <= set(names)
    assert all(check["passed"] and check["figure"] for check in report["checks"])
    assert "everything but onnxruntime" in report["python"]
    assert "ms a picture" in "\n".join(done.lines())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("as_bytes(X)", "preprocess(X)"), "not defined: preprocess"),
        (lambda text: text.replace("named = ", "named = globals()['helper'](X) or "), "KeyError: 'helper'"),
        (
            lambda text: text.replace("import numpy as np", "import numpy as np\nimport smearlab"),
            "No module named 'smearl",
        ),
        (lambda text: text.replace("return named", "return named.astype(float)"), "dtype: float64"),
        (lambda text: text.replace("return named", "return list(named)"), "type: list"),
        (lambda text: text.replace("return named", "return named[:, None]"), "shape: "),
        (lambda text: text.replace("return named", "return named + 8"), "range: "),
        (lambda text: text.replace("return named", "return np.sort(named)"), "order invariance: other labels"),
        (lambda text: text.replace("return named", "return (named + (len(X) == 1)) % 8"), "batch invariance: other"),
        (lambda text: text.replace("return named", "return 7 - named"), "labels of smearlab's Predictor: "),
        (lambda text: text.replace("np.rint(levels)", "np.rint(levels * 255)"), "float32 input: other labels"),
        (lambda text: text.replace("array.size == 0", "array.size == 0 and 1 / 0"), "ZeroDivisionError"),
        (lambda text: text.replace("class Model:", "class Modell:"), "cannot import name 'Model'"),
    ],
)
def test_a_bundle_that_would_fail_on_the_server_is_not_written(
    folder: Path,
    cells: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[str], str],
    reason: str,
) -> None:
    altered(change, monkeypatch)
    with pytest.raises(ModelError) as refused:
        write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    assert reason in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_bundle_without_its_weights_is_not_written(
    folder: Path, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = bundle_files
    monkeypatch.setattr(submission, "bundle_files", lambda *given: {"model.py": original(*given)["model.py"]})
    with pytest.raises(ModelError, match=r"runs: NoSuchFile|runs: .*model\.onnx"):
        write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    assert not list(tmp_path.iterdir())


def test_torch_alone_runs_it(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = write_submission(folder, tmp_path / "b.zip", runtime="torch", calibration=cells, check_python="here")
    model = unpacked(done.path, tmp_path / "there")
    images = pictures(70, seed=4)
    np.testing.assert_array_equal(
        model.predict(images), Predictor.load(folder, second_look=False).predict(images).label_indices
    )
    with zipfile.ZipFile(done.path) as file:
        assert file.namelist() == ["model.py", "weights.npz"]
        np.load(io.BytesIO(file.read("weights.npz")), allow_pickle=False)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["tiny", "default"])
def test_tensorflow_alone_runs_it(folder: Path, cells: Path, tmp_path: Path, model: str) -> None:
    python = os.environ.get("TENSORFLOW_PYTHON")
    if not python:
        pytest.skip("set TENSORFLOW_PYTHON to a Python that has TensorFlow")
    done = write_submission(
        folder if model == "tiny" else "default",
        tmp_path / "bundle.zip",
        runtime="tensorflow",
        calibration=cells,
        check_python=python,
    )
    assert all(check.passed for check in done.checks)


@pytest.mark.parametrize("crop", ["none", "centre"])
def test_the_framing_of_the_model_is_kept(cells: Path, tmp_path: Path, crop: Any) -> None:
    folder = write_conv_folder(tmp_path / "model", Framing(size=SIZE, crop=crop, fraction=0.6, filter="lanczos"))
    done = write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    images = pictures(20, seed=4)
    labels = unpacked(done.path, tmp_path / "there").predict(images)
    np.testing.assert_array_equal(labels, Predictor.load(folder, second_look=False).predict(images).label_indices)


def test_whole_frames_are_cropped_before_the_trial_as_the_model_would(folder: Path, tmp_path: Path) -> None:
    frames = np.full((8, 360, 363, 3), 255, dtype=np.uint8)
    frames[:, 80:280, 81:281] = pictures(8, seed=4).repeat(3, 1).repeat(3, 2)[:, :200, :200]
    predictor = Predictor.load(folder, second_look=False)
    material = Material("frames", frames[:0], list(frames), None, drawn=False)
    shown = submission._expected(predictor, material, "float32").pictures
    placed = frame_pictures(list(frames), predictor.framing.place.model_copy(update={"size": submission.SIDE}))
    np.testing.assert_array_equal(shown, placed)


def test_what_a_bundle_cannot_do_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="computed by ONNX Runtime only"):
        write_submission(folder, tmp_path / "bundle.zip", runtime="torch", precision="int8")
    cell = write_conv_folder(tmp_path / "cell", Framing(size=SIZE, crop="cell"))
    with pytest.raises(ModelError, match="cannot frame as this model does"):
        write_submission(cell, tmp_path / "bundle.zip")
    with pytest.raises(ModelError, match=r"give the name of a \.zip file"):
        write_submission(folder, tmp_path / "bundle.onnx")


def test_the_same_model_gives_the_same_bytes(folder: Path, cells: Path, tmp_path: Path) -> None:
    packed = [
        write_submission(folder, tmp_path / name, calibration=cells, check_python="here").path.read_bytes()
        for name in ("a.zip", "b.zip")
    ]
    assert packed[0] == packed[1]


def test_floats_are_levels_and_strange_ones_do_no_harm(folder: Path, cells: Path, tmp_path: Path) -> None:
    done = write_submission(folder, tmp_path / "bundle.zip", calibration=cells, check_python="here")
    model = unpacked(done.path, tmp_path / "there")
    images = pictures(4)
    strange = images.astype(np.float64)
    strange[0, :4] = [[np.nan]]
    strange[1, :4] = [[np.inf]]
    tamed = images.copy()
    tamed[0, :4], tamed[1, :4] = 0, 255
    np.testing.assert_array_equal(model.predict(strange), model.predict(tamed))
    np.testing.assert_array_equal(model.predict(images - 0.4), model.predict(images))
    with pytest.raises(ValueError, match=r"shape \(n, height, width, 3\)"):
        model.predict(images[0])


def test_a_clean_python_has_numpy_and_the_runtime_alone() -> None:
    allowed = allowed_modules("onnxruntime")
    assert {"numpy", "onnxruntime"} <= set(allowed)
    assert not {"torch", "onnx", "PIL", "smearlab", "pydantic"} & set(allowed)


def test_a_python_without_the_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be run"), clean_python("torch", tmp_path / "python"):
        pass
    broken = tmp_path / "broken"
    broken.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    broken.chmod(0o755)
    with (
        pytest.raises(ModelError, match=r"has no onnxruntime to try the bundle with"),
        clean_python("onnxruntime", broken),
    ):
        pass


def test_a_given_python_is_taken() -> None:
    with clean_python("onnxruntime", sys.executable) as python:
        assert python == CleanPython(Path(sys.executable), (), f"the Python given ({sys.executable})")


def test_where_nothing_can_be_installed_this_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smearlab.deploy.clean_process._install", lambda *_: ("no index", Path("none")))
    with clean_python("onnxruntime", "auto") as python:
        assert python.path == Path(sys.executable)
        assert "refused" in python.words
    with pytest.raises(ModelError, match=r"could not be installed .* \(no index\)"), clean_python("onnxruntime", "new"):
        pass


def test_near_ties_may_fall_either_way() -> None:
    images = pictures(2)
    found = {
        "faults": {},
        "labels": [1, 3],
        "dtype": "int64",
        "type": "ndarray",
        "shape": [2],
        "none": [0],
        "one": [1],
        "flat": [2, 2],
        "modules": ["numpy", "onnxruntime"],
        **dict.fromkeys(
            ("same_again", "same_alone", "same_reversed", "same_new", "same_float32", "same_float64", "same_int64"),
            True,
        ),
        **dict.fromkeys(("load_seconds", "ms_batch", "ms_single", "memory_mb"), 1.0),
    }
    labels = np.array([1, 4])
    for margin, passed in ((1e-5, True), (0.5, False)):
        expected = Expected(images, labels, np.array([1.0, margin]), None, 8, "float32")
        verdicts = {check.name: check.passed for check in judge(found, expected, "onnxruntime", 1000)}
        assert verdicts["labels of smearlab's Predictor"] is passed
        assert all(ok for name, ok in verdicts.items() if "Predictor" not in name)
