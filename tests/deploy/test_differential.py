from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.inference.tiny_model import tiny_info, tiny_network, tiny_trust

from smearlab.__main__ import main
from smearlab.deploy.differential import (
    NAMED,
    count_differential,
    differential_words,
    group_of,
    write_differential,
)
from smearlab.errors import DataError
from smearlab.inference.model_folder import write_model_folder
from smearlab.metrics.intervals import wilson

NAMES = ("neutrophil", "erythroblast", "platelet")
COLOURS = {"neutrophil": (200, 5, 5), "erythroblast": (5, 200, 5), "platelet": (5, 5, 200), "junk": (250, 250, 250)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that takes red for neutrophils, green for erythroblasts and blue for platelets."""
    info, weights = tiny_info(class_names=NAMES), {"w": np.eye(3, dtype=np.float32)}
    return write_model_folder(tmp_path / "m", onnx=tiny_network(), weights=weights, trust=tiny_trust(), info=info)


def pictures(folder: Path, **counts: int) -> Path:
    folder.mkdir()
    for name, count in counts.items():
        for number in range(count):
            Image.new("RGB", (16, 16), COLOURS[name]).save(folder / f"{name}{number:03d}.png")
    return folder


def test_the_count_is_a_laboratorys(model: Path, tmp_path: Path) -> None:
    slide = pictures(tmp_path / "slide", neutrophil=20, erythroblast=5, platelet=7, junk=2)
    (slide / "broken.png").write_bytes(b"no picture")
    count = count_differential(slide, model, batch_size=4)
    lines = {line.name: line for line in count.lines()}
    assert (count.pictures, count.cells, count.leukocytes, count.not_cells, count.unreadable) == (35, 32, 20, 2, 1)
    whites, reds, platelets = (lines[name] for name in NAMES)
    assert (whites.value, round(whites.low or 0, 6)) == (100, round(100 * wilson(20, 20).low, 6))
    # Five red on twenty white: 25 per hundred, with the odds of the ends of 5 of 25.
    share = wilson(5, 25)
    assert reds.value == pytest.approx(25)
    assert (reds.low, reds.high) == pytest.approx(
        (100 * share.low / (1 - share.low), 100 * share.high / (1 - share.high))
    )
    assert (platelets.value, platelets.low) == (7, None)
    assert count.not_cell_names == ["junk000.png", "junk001.png"]
    assert count.unreadable_names[0][0] == "broken.png"
    words = "\n".join(differential_words(count))
    for expected in ("Leukocytes (20)", "25.0", "Only 20 leukocytes", "junk000.png", "broken.png ("):
        assert expected in words


def test_files(model: Path, tmp_path: Path) -> None:
    count = count_differential(pictures(tmp_path / "slide", neutrophil=3, platelet=1), model)
    found = json.loads(write_differential(count, tmp_path / "d.json").read_text())
    assert [line["value"] for line in found["differential"]] == [100.0, 0.0, 1.0]
    with write_differential(count, tmp_path / "d.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["group"] for row in rows] == ["leukocyte", "erythroblast", "platelet", "not a cell", "unreadable"]
    assert rows[1]["unit"] == "per 100 leukocytes"
    with pytest.raises(DataError, match=r"\.json or \.csv"):
        write_differential(count, tmp_path / "d.txt")


def test_without_leukocytes_nothing_is_divided_by_them(model: Path, tmp_path: Path) -> None:
    count = count_differential(pictures(tmp_path / "slide", erythroblast=2), model)
    assert [line.value for line in count.lines()] == [None, None, 0.0]
    assert "Only" not in "\n".join(differential_words(count))


def test_names_are_kept_in_constant_memory(model: Path) -> None:
    count = count_differential(np_folder(model.parent, NAMED + 30), model)
    assert (count.not_cells, len(count.not_cell_names)) == (NAMED + 30, NAMED)
    assert f"and {NAMED + 25:,} more" in "\n".join(differential_words(count))


def np_folder(parent: Path, count: int) -> Path:
    np.savez(parent / "junk.npz", images=np.full((count, 16, 16, 3), 250, np.uint8))
    return parent / "junk.npz"


@pytest.mark.parametrize(
    ("name", "group"),
    [("lymphocyte", "leukocyte"), ("monocyte", "leukocyte"), ("immature_granulocyte", "leukocyte"), ("blast", "other")],
)
def test_groups(name: str, group: str) -> None:
    assert group_of(name) == group


def test_the_command_prints_and_writes(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slide = pictures(tmp_path / "slide", neutrophil=4, platelet=1)
    assert main(["differential", str(slide), "--model", str(model), "--out", str(tmp_path / "d.json")]) == 0
    shown = capsys.readouterr().out
    assert "Platelets, counted apart" in shown
    assert "Written:" in shown
    assert main(["differential", str(slide), "--modle", str(model)]) == 2
    assert "--model" in capsys.readouterr().err
