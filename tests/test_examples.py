"""The example programs do what their first lines say, on a few synthetic cells."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.documents import ROOT, make_workplace
from tests.test_docs import SHORT

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.demo import demo_cells

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    make_workplace(tmp_path)
    return tmp_path


def run(work: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)


def make_slides(work: Path) -> None:
    """Make two slides: ten cells of two types and a broken file; and two cells."""
    for slide, classes in {"one": CLASS_NAMES[:2], "two": CLASS_NAMES[2:3]}.items():
        (work / "slides" / slide).mkdir(parents=True)
        for name in classes:
            for path in sorted((work / "cells" / name).glob("*.png"))[: 5 if slide == "one" else 2]:
                shutil.copy(path, work / "slides" / slide / path.name)
    (work / "slides" / "one" / "broken.png").write_bytes(b"not a picture")


def test_slide_count_counts_each_slide(work: Path) -> None:
    make_slides(work)
    done = run(work, "slide_count.py", "slides", "--out", "counts.csv", "--model", "runs/cells", "--unsure", "1.0")
    assert done.returncode == 0, done.stderr
    with (work / "counts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["slide"] for row in rows] == ["one"] * len(CLASS_NAMES) + ["two"] * len(CLASS_NAMES)
    counted = {slide: [row for row in rows if row["slide"] == slide] for slide in ("one", "two")}
    for slide, pictures in {"one": 11, "two": 2}.items():
        cells = sum(int(row["cells"]) for row in counted[slide])
        assert f"{slide}: {cells} cells, {pictures - cells} pictures rejected" in done.stdout
        assert sum(float(row["share"]) for row in counted[slide]) == pytest.approx(1.0 if cells else 0.0, abs=1e-3)
        assert all(float(row["low"]) <= float(row["share"]) <= float(row["high"]) for row in counted[slide])
    assert sum(int(row["cells"]) for row in counted["one"]) in range(1, 11)  # the broken file is no cell
    assert "Fewer than 100" in done.stdout


def test_slide_count_says_what_it_needs(work: Path) -> None:
    done = run(work, "slide_count.py", "smear", "--out", "counts.csv", "--model", "runs/cells")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no folders" in done.stderr
    assert not (work / "counts.csv").exists()


@pytest.mark.slow
def test_mistakes_are_listed_and_drawn(work: Path) -> None:
    done = run(work, "mistakes.py", "cells", "--out", "out", "--most", "3", "--set", *SHORT)
    assert done.returncode == 0, done.stderr
    with (work / "out" / "predictions.csv").open(newline="") as file:
        tested = [row for row in csv.DictReader(file) if row["split"] == "test"]
    wrong = [row for row in tested if row["label"] != row["true_label"]]
    assert wrong  # one epoch on 48 pictures is not enough, so there is something to look at
    assert f"{len(wrong)} of {len(tested)} test pictures are named wrongly." in done.stdout
    sheet = np.asarray(Image.open(work / "out" / "mistakes.png"))
    assert sheet.shape == (128 * min(3, len(wrong)), 256, 3)
    again = run(work, "mistakes.py", "cells", "--out", "out")  # takes the finished run
    assert again.returncode == 0, again.stderr
    assert f"{len(wrong)} of {len(tested)}" in again.stdout


@pytest.mark.slow
def test_clean_first_leaves_out_what_the_audit_drops(tmp_path: Path) -> None:
    cells = demo_cells(seed=3, per_class=8)  # drawings of cells: the audit drops pictures of noise as no cells at all
    for row, (picture, label) in enumerate(zip(cells.images, cells.known_labels, strict=True)):
        path = tmp_path / "cells" / cells.class_names[label] / f"{row:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(picture)).save(path)
    shutil.copy(path, path.with_name("copy.png"))
    done = run(tmp_path, "clean_first.py", "cells", "--out", "out", "--set", *SHORT)
    assert done.returncode == 0, done.stderr
    assert "exact_duplicate" in (tmp_path / "out" / "audit" / "findings.csv").read_text()
    kept = len(np.load(tmp_path / "out" / "cleaned.npz")["labels"])
    assert f"{kept} pictures kept" in done.stdout
    assert len(cells) // 2 < kept <= len(cells)
    assert re.search(r"^Balanced accuracy on the test part: [01]\.\d{3} \[", done.stdout, re.MULTILINE)
    assert (tmp_path / "out" / "run" / "report.html").is_file()
    again = run(tmp_path, "clean_first.py", "cells", "--out", "out", "--set", *SHORT)
    assert again.returncode == 2  # nothing is written over


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_say_how_they_are_used(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert f"python examples/{example.name} " in text
    assert f"def test_{example.stem}" in Path(__file__).read_text(encoding="utf-8")
