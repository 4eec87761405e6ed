"""The model that ships."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from smearlab.__main__ import main
from smearlab.inference import model_folder as folders

FILES = sorted(path.name for path in folders.DEFAULT_MODEL.iterdir())
LEAST = 0.6
"""Balanced accuracy on the synthetic smear, whose cells it never saw, that it must reach; chance is 0.125."""


@pytest.mark.parametrize("name", FILES)
def test_it_tells_nothing_of_the_machine_that_made_it(name: str) -> None:
    content = (folders.DEFAULT_MODEL / name).read_bytes()
    for trace in (b"site-packages", b"stack_trace", b"/work", b"/home", b"/root", b"/Users"):
        assert trace not in content, trace


@pytest.mark.real
def test_whole_frames_get_the_names_of_their_cells(pbc_path: Path, pbc_original_path: Path, tmp_path: Path) -> None:
    """The same cells once as the analyser writes them and once cut to 96 px."""
    frames = names(pbc_original_path, tmp_path / "frames.csv")
    cut = names(save_cells(pbc_path, set(frames), tmp_path / "cells"), tmp_path / "cells.csv")
    assert len(frames) == 240
    assert frames.keys() == cut.keys()
    same = sum(frames[name] == cut[name] for name in frames)
    assert same >= 0.97 * len(frames)


@pytest.mark.slow
def test_it_knows_the_synthetic_cells(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="a report needs the training extra")
    assert main(["evaluate", "default", "demo", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures["left_out"] == {}
    assert figures["balanced_accuracy"]["value"] >= LEAST


def names(pictures: Path, out: Path) -> dict[str, str]:
    """Predict with the model that ships: file name to label."""
    assert main(["predict", str(pictures), "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        return {Path(row["source"]).name: row["label"] for row in csv.DictReader(file)}


def save_cells(parquet: Path, wanted: set[str], folder: Path) -> Path:
    """Write the pictures of a Parquet file that have one of these file names."""
    reader = pytest.importorskip("pyarrow.parquet", reason="reading Parquet needs an extra")
    folder.mkdir()
    for batch in reader.ParquetFile(parquet).iter_batches(1000, columns=["image"]):
        for image in batch.column(0).to_pylist():
            if (name := Path(image["path"]).name) in wanted:
                (folder / name).write_bytes(image["bytes"])
    return folder
