from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.inference.tiny_model import CLASS_NAMES, tiny_info, tiny_trust, write_tiny_folder

from smearlab.data.cells import UInt8Array
from smearlab.data.stream import Picture
from smearlab.errors import DataError, ModelError
from smearlab.inference import predict as predict_module
from smearlab.inference.model_folder import write_model_folder
from smearlab.inference.predict import predict_to_file
from smearlab.inference.predictor import Predictor

COLOURS = {"red": (210, 5, 5), "green": (5, 210, 5), "blue": (5, 5, 210)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_folder(tmp_path)


def picture(name: str, side: int = 16) -> UInt8Array:
    return np.full((side, side, 3), COLOURS[name], np.uint8)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of several sizes and formats; one is damaged, and one is no cell."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("blue", "green", "red", "red", "blue")):
        Image.fromarray(picture(name, 10 + 9 * number)).save(folder / f"{number}_{name}.png")
    (folder / "2_broken.png").write_bytes((folder / "1_green.png").read_bytes()[:40])
    Image.new("L", (20, 20), 250).save(folder / "9_junk.png")
    return folder


def test_every_picture_is_one_line_in_order(folder: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    summary = predict_to_file(folder, model, out, batch_size=2)
    rows = read_csv(out)
    assert [row["row"] for row in rows] == [str(number) for number in range(7)]
    assert [row["source"] for row in rows] == sorted(path.name for path in folder.iterdir())
    assert [row["label"] for row in rows] == ["blue", "green", "", "red", "red", "blue", "red"]
    assert [row["is_cell"] for row in rows] == ["true", "true", "false", "true", "true", "true", "false"]
    assert list(rows[0]) == [
        "row",
        "source",
        "label",
        "confidence",
        "is_cell",
        *(f"p_{c}" for c in CLASS_NAMES),
        "error",
    ]
    assert (summary.n, summary.errors, summary.not_cells) == (7, 1, 1)
    assert summary.class_counts == {"red": 3, "green": 1, "blue": 2}


def test_the_numbers_are_those_of_the_predictor(folder: Path, model: Path, tmp_path: Path) -> None:
    predict_to_file(folder, model, tmp_path / "out.csv")
    rows = [row for row in read_csv(tmp_path / "out.csv") if not row["error"]]
    images = [np.asarray(Image.open(folder / row["source"]).convert("RGB")) for row in rows]
    found = Predictor.load(model).predict(images)
    written = np.array([[float(row[f"p_{name}"]) for name in CLASS_NAMES] for row in rows])
    np.testing.assert_allclose(written, found.probabilities, atol=1e-6)
    np.testing.assert_allclose(written.sum(1), 1, atol=1e-4)
    assert [row["label"] for row in rows] == found.labels.tolist()
    assert [float(row["confidence"]) for row in rows] == pytest.approx(found.confidence.tolist(), abs=1e-6)


def test_a_picture_that_cannot_be_decoded_gives_its_reason_and_no_numbers(
    folder: Path, model: Path, tmp_path: Path
) -> None:
    predict_to_file(folder, model, tmp_path / "out.csv")
    broken = next(row for row in read_csv(tmp_path / "out.csv") if row["source"] == "2_broken.png")
    assert broken["error"]
    assert [broken[name] for name in ("label", "confidence", "p_red", "p_green", "p_blue")] == [""] * 5


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_the_batch_size_changes_no_byte(folder: Path, model: Path, tmp_path: Path, batch_size: int) -> None:
    predict_to_file(folder, model, tmp_path / "one.csv", batch_size=64)
    predict_to_file(folder, model, tmp_path / "other.csv", batch_size=batch_size)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_even_if_nothing_can_be_decoded_there_is_a_file(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"not a picture")
    summary = predict_to_file(folder, model, tmp_path / "out.jsonl", batch_size=2)
    assert (summary.n, summary.errors, summary.not_cells) == (5, 5, 0)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5


def stream(count: int, seen: list[int]) -> Iterator[Picture]:
    for row in range(count):
        seen.append(row)
        yield Picture(row, f"{row}.png", picture("red"), "")


def test_pictures_are_read_as_they_are_needed(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    at_batch: list[int] = []
    monkeypatch.setattr(predict_module, "stream_pictures", lambda *_: stream(50, seen))
    predict_to_file("any", model, tmp_path / "a.csv", batch_size=10, progress=lambda _: at_batch.append(len(seen)))
    assert at_batch == [10, 20, 30, 40, 50]


def test_odd_names_stay_on_one_line(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["line\nbreak.png", "not-\udcff-unicode.png", 'quote",comma.png']
    odd = [Picture(row, name, picture("red"), "") for row, name in enumerate(names)]
    odd.append(Picture(3, "bad.png", None, "first\nsecond"))
    monkeypatch.setattr(predict_module, "stream_pictures", lambda *_: iter(odd))
    predict_to_file("any", model, tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == 5
    rows = read_csv(tmp_path / "out.csv")
    assert [row["source"] for row in rows[:3]] == ["line\\nbreak.png", "not-\\udcff-unicode.png", names[2]]
    assert rows[3]["error"] == "first\\nsecond"


def test_a_source_that_fails_half_way_leaves_no_file(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Iterator[Picture]:
        yield Picture(0, "0.png", picture("red"), "")
        raise DataError("the disk was pulled out")

    monkeypatch.setattr(predict_module, "stream_pictures", failing)
    with pytest.raises(DataError, match="pulled out"):
        predict_to_file("any", model, tmp_path / "out.csv", batch_size=1)
    assert not (tmp_path / "out.csv").exists()


def test_mistakes_are_told_before_any_work(folder: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must end in"):
        predict_to_file(folder, tmp_path / "absent", tmp_path / "out.txt")
    with pytest.raises(ModelError, match="no model folder"):
        predict_to_file(folder, tmp_path / "absent", tmp_path / "out.csv")
    with pytest.raises(DataError, match="batch_size"):
        predict_to_file(folder, model, tmp_path / "out.csv", batch_size=0)
    with pytest.raises(DataError):
        predict_to_file(tmp_path / "nowhere", model, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("given", ["{out}", "{blue} {out}", "{folder} {out}", "{here}/*.csv", "-", "{here}/other.csv"])
def test_no_file_that_is_read_is_written(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    source, blue = tmp_path / "list.csv", folder / "0_blue.png"
    source.write_text(f"path,label\n{blue},x\n")
    (tmp_path / "other.csv").write_text(f"path\n{blue}\nlist.csv\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{blue}\n{source}\n"))
    items = given.format(out=source, blue=blue, folder=folder, here=tmp_path).split()
    with pytest.raises(DataError, match=r"destroy|no pictures"):
        predict_to_file(items if len(items) > 1 else items[0], model, source)
    assert source.read_text().startswith("path,label")


def test_a_shard_of_the_source_is_not_written(folder: Path, model: Path, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    shard = tmp_path / "shards" / "a.parquet"
    shard.parent.mkdir()
    pq.write_table(pa.table({"image": [{"bytes": (folder / "0_blue.png").read_bytes(), "path": None}]}), shard)
    before = shard.read_bytes()
    for pictures in (str(shard.parent), [str(folder), str(shard)], str(shard)):
        with pytest.raises(DataError, match="destroy"):
            predict_to_file(pictures, model, shard)
    assert shard.read_bytes() == before


def test_an_earlier_result_is_replaced(folder: Path, model: Path, tmp_path: Path) -> None:
    for out in (tmp_path / "out.csv", folder / "out.csv"):
        out.write_text("old")
        assert predict_to_file(folder, model, out).n == 7
        assert len(read_csv(out)) == 7


def test_predicting_imports_no_torch() -> None:
    code = "import sys, smearlab.inference.predict; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_prediction_sets_are_a_column_when_asked_for(folder: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no prediction sets"):
        predict_to_file(folder, model, tmp_path / "none.csv", sets=0.9)
    trust = tiny_trust() | {
        "conformal_coverages": np.array([0.9], np.float32),
        "conformal_quantiles": np.full((1, 3), 1.0, np.float32),
    }
    files = {name: (model / name) for name in ("model.onnx", "weights.safetensors")}
    onnx, weights = (path.read_bytes() for path in files.values())
    write_model_folder(model, onnx=onnx, weights=weights, trust=trust, info=tiny_info())
    predict_to_file(folder, model, tmp_path / "out.csv", sets=0.9)
    rows = read_csv(tmp_path / "out.csv")
    assert list(rows[0])[-2:] == ["prediction_set", "error"]
    assert rows[0]["prediction_set"].split("|")[0] == "blue"
    assert sorted(rows[0]["prediction_set"].split("|")) == sorted(CLASS_NAMES)
    assert rows[2]["prediction_set"] == ""
    with pytest.raises(DataError, match=r"0\.9, not 0\.5"):
        predict_to_file(folder, model, tmp_path / "other.csv", sets=0.5)
