from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.inference.tiny_model import tiny_info, tiny_network, tiny_trust, write_tiny_folder

from smearlab.celltypes import CLASS_NAMES
from smearlab.errors import ModelError
from smearlab.inference import model_folder as folders
from smearlab.inference.model_folder import read_model_folder, resolve_model, write_model_folder


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    return write_tiny_folder(tmp_path)


def edit_info(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def vouch(folder: Path) -> None:
    """Record the files as they are now, as a program that writes wrong files would."""
    edit_info(folder, files=folders.file_hashes(folder))


def test_a_written_folder_reads_back_the_same(model_folder: Path) -> None:
    read = read_model_folder(model_folder)
    assert read.info == tiny_info(files=folders.file_hashes(model_folder))
    assert {path.name for path in model_folder.iterdir()} == set(folders.FILES)
    for name, array in tiny_trust().items():
        np.testing.assert_array_equal(read.trust.tensors()[name], array)
    np.testing.assert_array_equal(load_file(read.weights)["w"], np.eye(3))


@pytest.mark.parametrize("name", folders.FILES)
def test_a_missing_file_is_named(model_folder: Path, name: str) -> None:
    (model_folder / name).unlink()
    with pytest.raises(ModelError, match=name if name != "model.json" else "lacks model.json"):
        read_model_folder(model_folder)


@pytest.mark.parametrize("name", ["evil.pkl", "model.onnx.data", ".hidden", "code"])
def test_an_unknown_file_is_refused(model_folder: Path, name: str) -> None:
    (model_folder / name).write_bytes(pickle.dumps({}))
    with pytest.raises(ModelError, match="no part of a model"):
        read_model_folder(model_folder)


@pytest.mark.parametrize("name", folders.FILES)
@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"{", b"\xff" * 64])
@pytest.mark.parametrize("vouched", [False, True])
def test_a_damaged_file_is_refused(model_folder: Path, name: str, content: bytes, vouched: bool) -> None:
    (model_folder / name).write_bytes(content)
    if vouched and name != "model.json":
        vouch(model_folder)
    with pytest.raises(ModelError, match=name):
        read_model_folder(model_folder)


@pytest.mark.parametrize("name", folders.HASHED)
def test_a_file_of_another_model_is_refused(model_folder: Path, tmp_path: Path, name: str) -> None:
    trust = tiny_trust() | {"temperature": np.array([3.0], np.float32)}
    weights = {"w": np.ones((3, 3), np.float32)}
    other = write_model_folder(
        tmp_path / "other", onnx=tiny_network(scale=2), weights=weights, trust=trust, info=tiny_info()
    )
    read_model_folder(other)
    (model_folder / name).write_bytes((other / name).read_bytes())
    with pytest.raises(ModelError, match=rf"{name} is not the file that model\.json was written with .* another model"):
        read_model_folder(model_folder)


@pytest.mark.parametrize("files", [{}, {"model.onnx": "0" * 64}, {"../model.onnx": "0" * 64}])
def test_a_model_json_that_does_not_vouch_for_its_files_is_refused(model_folder: Path, files: dict[str, str]) -> None:
    edit_info(model_folder, files=files)
    with pytest.raises(ModelError, match=r"must give the SHA-256 of model\.onnx, .* older smearlab"):
        read_model_folder(model_folder)


@pytest.mark.parametrize("name", folders.FILES)
def test_a_link_is_refused(model_folder: Path, tmp_path: Path, name: str) -> None:
    (model_folder / name).rename(tmp_path / "elsewhere")
    (model_folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=f"{name} is a link"):
        read_model_folder(model_folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "newer smearlab"),
        ({"format_version": "1.0"}, "format_version"),
        ({"class_name": ["a"]}, "Did you mean 'class_names'"),
        ({"class_names": ["red", "green"]}, "2 classes"),
        ({"class_names": ["red", "green", "red"]}, "distinct"),
        ({"framing": {"size": 32}}, r"\(n, 32, 32, 3\)"),
        ({"framing": {"size": 16, "crop": "smart"}}, "framing.crop"),
        ({"framing": {"size": 16, "zoom": 2}}, "framing.zoom"),
        ({"is_cell": {"threshold": "high"}}, "is_cell.threshold"),
        ({"scaling": {"std": [1, 0, 1]}}, "scaling.std"),
    ],
)
def test_a_wrong_model_json_is_refused(model_folder: Path, changes: dict[str, object], message: str) -> None:
    edit_info(model_folder, **changes)
    with pytest.raises(ModelError, match=message):
        read_model_folder(model_folder)


def test_infinite_thresholds_are_refused(model_folder: Path) -> None:
    path = model_folder / "model.json"
    path.write_text(path.read_text().replace("20.0", "Infinity"))
    with pytest.raises(ModelError, match="finite"):
        read_model_folder(model_folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra": np.zeros(1, np.float32)}, "unknown array 'extra'"),
        ({"temperature": None}, "lacks the array 'temperature'"),
        ({"temperature": np.array([np.nan], np.float32)}, "finite"),
        ({"temperature": np.array([0.0], np.float32)}, "do not fit together"),
        ({"temperature": np.array([1.0])}, "float32"),
        ({"class_means": np.zeros((3, 5), np.float32)}, "do not fit together"),
        ({"class_means": np.zeros((3, 5), np.float32), "directions": np.zeros((5, 0), np.float32)}, "not belong"),
        ({"class_means": np.zeros((4, 3), np.float32)}, "not belong"),
    ],
)
def test_wrong_trust_is_refused(model_folder: Path, changes: dict[str, np.ndarray | None], message: str) -> None:
    tensors = {name: array for name, array in (tiny_trust() | changes).items() if array is not None}
    save_file(tensors, model_folder / "trust.safetensors")
    vouch(model_folder)
    with pytest.raises(ModelError, match=message):
        read_model_folder(model_folder)


def test_a_network_of_other_classes_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with pytest.raises(ModelError, match=r"3 classes of model\.json"):
        write_model_folder(target, onnx=tiny_network(classes=4), weights={}, trust=tiny_trust(), info=tiny_info())
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_earlier_model(model_folder: Path) -> None:
    with pytest.raises(ModelError):
        write_model_folder(model_folder, onnx=b"no network", weights={}, trust=tiny_trust(), info=tiny_info())
    assert read_model_folder(model_folder).info.name == "tiny"


def test_an_earlier_model_is_replaced_but_other_folders_are_not(model_folder: Path, tmp_path: Path) -> None:
    def write(target: Path) -> None:
        info = tiny_info(name="second")
        write_model_folder(target, onnx=tiny_network(), weights={}, trust=tiny_trust(), info=info)

    write(model_folder)
    assert read_model_folder(model_folder).info.name == "second"
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match=r"thesis\.txt|tiny"):
        write(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_recorded_figures_are_read_back_and_nothing_else_changes(model_folder: Path) -> None:
    before = {name: (model_folder / name).read_bytes() for name in folders.HASHED}
    info = read_model_folder(model_folder).info
    folders.record_figures(model_folder, {"test_accuracy": 0.5})
    told = folders.record_figures(model_folder, {"test_accuracy": 0.75, "test_accuracy_low": 0.5})
    read = read_model_folder(model_folder).info
    assert told == read
    assert read.provenance.figures == {"test_accuracy": 0.75, "test_accuracy_low": 0.5}
    assert read.model_copy(update={"provenance": info.provenance}) == info
    assert before == {name: (model_folder / name).read_bytes() for name in folders.HASHED}
    assert [path.name for path in model_folder.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_refused_and_changes_nothing(model_folder: Path, value: float) -> None:
    before = (model_folder / "model.json").read_bytes()
    with pytest.raises(ModelError, match=r"figures\.test_accuracy"):
        folders.record_figures(model_folder, {"test_accuracy": value})
    assert (model_folder / "model.json").read_bytes() == before
    assert {path.name for path in model_folder.iterdir()} == set(folders.FILES)


def test_weights_may_come_as_bytes_or_file(model_folder: Path, tmp_path: Path) -> None:
    data = (model_folder / "weights.safetensors").read_bytes()
    network = model_folder / "model.onnx"
    forms: tuple[bytes | Path, ...] = (data, model_folder / "weights.safetensors")
    for number, weights in enumerate(forms):
        written = write_model_folder(
            tmp_path / f"copy{number}", onnx=network, weights=weights, trust=tiny_trust(), info=tiny_info()
        )
        assert (written / "weights.safetensors").read_bytes() == data


def test_resolve_model_takes_model_and_run_folders(model_folder: Path) -> None:
    run = model_folder.parent / "run"
    run.mkdir()
    model_folder.rename(run / "model")
    assert resolve_model(run) == run / "model" == resolve_model(str(run / "model"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "no model folder"),
        ("file.onnx", "is a file"),
        ("unfinished", "--resume"),
        ("empty", "has no model.json"),
    ],
)
def test_resolve_model_says_what_is_wrong(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file.onnx").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "recipe.toml").write_text("")
    with pytest.raises(ModelError, match=message):
        resolve_model(tmp_path / name)


def test_default_is_the_model_that_ships() -> None:
    folder = resolve_model()
    assert folder == resolve_model("default") == Path(folders.__file__).parent / "default"
    assert read_model_folder(folder, threads=1).info.class_names == CLASS_NAMES


def test_an_installation_without_a_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "DEFAULT_MODEL", tmp_path / "absent")
    with pytest.raises(ModelError, match="Train one"):
        resolve_model("default")


def test_a_misspelt_model_says_what_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blood").mkdir()
    for given, meant in (("defualt", "default"), ("bloood", "blood"), (str(tmp_path / "bloood"), "blood")):
        with pytest.raises(ModelError, match=f"Did you mean '{meant}'"):
            resolve_model(given)
    with pytest.raises(ModelError, match="variable not set"):
        resolve_model("")
