"""`smearlab explain` and `smearlab embed`, as a user calls them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.__main__ import main
from smearlab.corruptions.geometry import magnify
from smearlab.corruptions.suites import corrupt
from smearlab.data.demo import draw_demo
from smearlab.errors import DataError
from smearlab.evaluation.embed import neighbour_shares
from smearlab.evaluation.explain import evenly
from smearlab.inference.predictor import Predictor
from smearlab.report.map_report import MapReport, overlap_words


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of class folders with a few synthetic cells."""
    root, demo = tmp_path_factory.mktemp("cells"), draw_demo(0, 2)
    for row, label in enumerate(demo.cells.known_labels.tolist()):
        folder = root / demo.cells.class_names[label]
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.asarray(demo.cells.images[row])).save(folder / f"{row}.png")
    return root


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_explain_writes_what_it_says(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "heat"
    assert main(["explain", "default", str(cells), "--out", str(out), "--limit", "4"]) == 0
    rows = table(out / "heat.csv")
    assert len(rows) == 4
    assert all((out / row["overlay"]).is_file() and row["class"] == row["label"] for row in rows)
    assert "Grad-CAM" in capsys.readouterr().out
    # Again, for one class: the old overlays are replaced.
    again = ["explain", "default", str(cells), "--out", str(out), "--limit", "2", "--class", "monocyte"]
    assert main([*again, "--method", "gradcam++"]) == 0
    assert {row["class"] for row in table(out / "heat.csv")} == {"monocyte"}
    assert len(list((out / "overlays").iterdir())) == 2


def test_the_page_says_which_pictures_were_looked_at_further(tmp_path: Path) -> None:
    demo = draw_demo(0, 4)
    # Cells out of focus at half their size: the model is unsure of them, or looks from nearer.
    pictures = corrupt(
        magnify(np.stack(list(demo.cells.images)), 0.5), "microscope", "focus", 5, 0, np.arange(len(demo.cells))
    )
    folder = tmp_path / "cells"
    folder.mkdir()
    for row, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{row:02d}.png")
    found = Predictor.load("default").predict(list(pictures))
    looked = int((found.looked_again | found.unsure).sum())
    assert 1 < looked < len(pictures)
    assert main(["explain", "default", str(folder), "--out", str(tmp_path / "heat")]) == 0
    page = (tmp_path / "heat" / "report.html").read_text(encoding="utf-8")
    assert page.count(") after further looks") >= looked
    assert f"{looked} pictures were named after further looks, from nearer or from other sides" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "gradcm"], "There is no method 'gradcm'. Did you mean"),
        (["--class", "monocite"], "The model knows no class 'monocite'. Did you mean"),
        (["--layer", "nowhere"], "The network has no layer 'nowhere'"),
        (["--limit", "-1"], "--limit -1"),
    ],
)
def test_mistakes_of_explain_are_told(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["explain", "default", str(cells), "--out", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_else_is_written_over(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    for command in ("explain", "embed"):
        assert main([command, "default", str(cells), "--out", str(tmp_path)]) == 2
        assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("options", [["--method", "pca"], ["--method", "tsne"], ["--layer", "blocks.2"]])
def test_embed_writes_a_map(cells: Path, tmp_path: Path, options: list[str]) -> None:
    out = tmp_path / "map"
    assert main(["embed", "default", str(cells), "--out", str(out), *options]) == 0
    rows = table(out / "map.csv")
    assert len(rows) == len(list(cells.rglob("*.png")))
    assert {row["label"] for row in rows} == {path.name for path in cells.iterdir()}
    assert np.isfinite([[float(row["x"]), float(row["y"])] for row in rows]).all()
    assert Image.open(out / "map.png").size[0] > 300
    assert "Neighbours" in (out / "report.html").read_text(encoding="utf-8")


def test_a_map_needs_no_labels(cells: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, path in enumerate(sorted(cells.rglob("*.png"))[:8]):
        (pictures / f"{number}.png").write_bytes(path.read_bytes())
    assert main(["embed", "default", str(pictures), "--out", str(tmp_path / "map")]) == 0
    rows = table(tmp_path / "map" / "map.csv")
    assert len(rows) == 8
    assert not any(row["label"] for row in rows)
    assert all(row["named"] for row in rows)


def test_neighbours_count_others_only() -> None:
    features = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
    shares = neighbour_shares(features, np.array([0, 0, 0, 1, 1, 1]), 3, count=2)
    assert shares[0].tolist() == [1, 0, 0]
    assert shares[1].tolist() == [0, 1, 0]
    assert np.isnan(shares[2]).all()


def test_evenly_spaced() -> None:
    assert evenly(10, 4).tolist() == [0, 3, 6, 9]
    assert evenly(3, 0).tolist() == [0, 1, 2]
    assert evenly(0, 5).tolist() == []
    with pytest.raises(DataError, match="--limit"):
        evenly(3, -2)


@pytest.mark.parametrize("command", ["explain", "embed"])
def test_pictures_that_cannot_be_read_are_told(
    command: str, cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(cells, folder)
    (folder / "basophil" / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert main([command, "default", str(folder), "--out", str(out), "--limit", "6"]) == 0
    told = "1 picture could not be decoded and is left out."
    assert told in " ".join(capsys.readouterr().out.split())
    assert told in (out / "report.html").read_text(encoding="utf-8")
    assert json.loads((out / f"{command}.json").read_text(encoding="utf-8"))["unreadable"] == 1


def test_one_class_overlaps_with_nothing() -> None:
    report = MapReport(
        "one", "", ("a", "b"), np.zeros(9, np.int64), np.zeros((9, 2)), True, np.array([[1.0, 0], [np.nan] * 2])
    )
    assert overlap_words(report) == "All pictures are of one class."
