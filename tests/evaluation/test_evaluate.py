"""`smearlab evaluate` on a model that names pictures by their colour."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.colour_model import COLOURS, colour_cells, write_colour_folder

from smearlab.__main__ import main
from smearlab.data.cells import Cells
from smearlab.errors import DataError, ModelError
from smearlab.evaluation.evaluate import check_out, evaluate
from smearlab.evaluation.words import headline

NAMES = tuple(COLOURS)


def save_folder(cells: Cells, folder: Path) -> Path:
    """Write cells as a folder of class folders."""
    for row, picture in enumerate(cells):
        home = folder / cells.class_names[cells.known_labels[row]]
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(home / f"{row:03}.png")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_folder(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture(scope="module")
def evaluated(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of eighteen pictures carry a wrong label."""
    root = tmp_path_factory.mktemp("evaluated")
    evaluate(model, save_folder(colour_cells(NAMES, wrong=2), root / "data"), root / "out")
    return root / "out"


def figures(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def test_the_figures_are_right(evaluated: Path) -> None:
    content = figures(evaluated)
    assert content["n"] == 18
    assert content["accuracy"]["value"] == pytest.approx(16 / 18)
    assert content["balanced_accuracy"]["value"] == pytest.approx((1 + 6 / 8 + 1) / 3)
    assert content["confusion"] == [[4, 0, 0], [2, 6, 0], [0, 0, 6]]
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "ece"):
        assert content[name]["low"] <= content[name]["value"] <= content[name]["high"]
    assert set(content["per_class"]) == set(NAMES)
    assert (content["data"], content["model"], content["left_out"]) == ("data", "colours", {})


def test_predictions_have_the_columns_of_the_design(evaluated: Path) -> None:
    with (evaluated / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("row", "source", "split", "true_label", "label", "confidence"),
        *(f"p_{name}" for name in NAMES),
    ]
    assert [int(row["row"]) for row in rows] == list(range(18))
    assert sum(row["true_label"] != row["label"] for row in rows) == 2
    for row in rows:
        probabilities = {name: float(row[f"p_{name}"]) for name in NAMES}
        assert sum(probabilities.values()) == pytest.approx(1, abs=3e-6)
        assert max(probabilities, key=lambda name: probabilities[name]) == row["label"]
        assert float(row["confidence"]) == pytest.approx(probabilities[row["label"]], abs=2e-6)
        assert row["source"].startswith(f"{row['true_label']}/")


def test_a_report_and_tables_stand_beside(evaluated: Path) -> None:
    page = (evaluated / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html")
    assert "colours" in page
    assert {"metrics.json", "predictions.csv", "report.html", "figures.csv", "per_class.csv"} <= {
        path.name for path in evaluated.iterdir()
    }


def test_another_order_of_classes_gives_the_same_figures(evaluated: Path, tmp_path: Path) -> None:
    permuted = write_colour_folder(tmp_path / "permuted", NAMES[::-1])
    data = save_folder(colour_cells(NAMES, wrong=2), tmp_path / "data")
    content, expected = evaluate(permuted, data, tmp_path / "out"), figures(evaluated)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc"):
        assert content[name]["value"] == pytest.approx(expected[name]["value"], abs=1e-6)
    for name in NAMES:
        assert content["per_class"][name]["recall"]["value"] == expected["per_class"][name]["recall"]["value"]
    assert np.array_equal(np.array(content["confusion"])[::-1, ::-1], expected["confusion"])


def test_classes_that_the_model_does_not_know_are_left_out(model: Path, tmp_path: Path) -> None:
    data = save_folder(colour_cells(("basophil", "blast", "monocyte"), per_class=3), tmp_path / "data")
    content = evaluate(model, data, tmp_path / "out")
    assert (content["n"], content["left_out"]) == (6, {"blast": 3})
    assert headline(content).endswith("on 6 of 9 pictures.")
    assert content["notes"] == [
        "3 pictures of 'blast' were left out of the figures: the model does not know this class."
    ]
    assert content["accuracy"]["value"] == 1
    assert "3 pictures of &#39;blast&#39; were left out" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_predictions_keep_the_pictures_of_classes_that_the_model_does_not_know(model: Path, tmp_path: Path) -> None:
    data = save_folder(colour_cells(("basophil", "blast", "monocyte"), per_class=3), tmp_path / "data")
    evaluate(model, data, tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["true_label"] for row in rows] == ["basophil"] * 3 + ["blast"] * 3 + ["monocyte"] * 3
    assert [int(row["row"]) for row in rows] == list(range(9))
    assert {row["label"] for row in rows} <= set(NAMES)
    assert all(row["source"].startswith(f"{row['true_label']}/") for row in rows)


def test_unreadable_pictures_are_counted_and_the_first_named(model: Path, tmp_path: Path) -> None:
    data = save_folder(colour_cells(NAMES), tmp_path / "data")
    for number in range(5):
        (data / "monocyte" / f"bad{number}.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    content = evaluate(model, data, tmp_path / "out")
    assert content["unreadable"] == 5
    (note,) = content["notes"]
    assert re.match(r"5 pictures could not be read: monocyte/bad0\.png \(.+\), .*bad2\.png \(.+\), …\.$", note)


def test_the_terminal_tells_what_was_left_out(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = save_folder(colour_cells(("basophil", "blast", "monocyte"), per_class=3), tmp_path / "data")
    (data / "monocyte" / "bad.png").write_bytes(b"no picture")
    assert main(["evaluate", str(model), str(data), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("on 6 of 9 pictures.")
    assert told[1].startswith("3 pictures of 'blast' were left out")
    assert told[2].startswith("1 picture could not be read: monocyte/bad.png (")
    assert told[3].startswith("Report: ")


def test_nothing_left_out_needs_no_note(evaluated: Path) -> None:
    content = figures(evaluated)
    assert (content["unreadable"], content["notes"]) == (0, [])


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    """Nothing is even loaded: there is neither a model nor data."""
    (tmp_path / "recipe.toml").write_text("")
    (tmp_path / "metrics.json").write_text('{"left_out": {}}')
    with pytest.raises(DataError, match=r"holds a training run, .* another --out"):
        evaluate(tmp_path / "no model", tmp_path / "no data", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.toml", "metrics.json"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"thesis.txt": "years"}, r"thesis\.txt"),
        ({"metrics.json": '{"left_out": {}}', "model": None}, "model"),
        ({"metrics.json": '{"accuracy": 1}'}, r"metrics\.json"),
        ({"metrics.json": "no JSON"}, r"metrics\.json"),
        ({"predictions.csv": "mine"}, r"predictions\.csv"),
    ],
)
def test_other_files_are_never_written_over(tmp_path: Path, files: dict[str, str | None], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).mkdir() if text is None else (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"'{told}', which no evaluation has written"):
        evaluate(tmp_path / "no model", tmp_path / "no data", tmp_path)


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match="is a file"):
        check_out(tmp_path / "out")


def test_what_a_killed_evaluation_left_is_replaced(evaluated: Path) -> None:
    (evaluated / ".tmp-1234-report.html").touch()
    check_out(evaluated)
    assert not (evaluated / ".tmp-1234-report.html").exists()


def test_the_same_evaluation_twice_gives_the_same_files(model: Path, tmp_path: Path) -> None:
    data = save_folder(colour_cells(NAMES, wrong=2), tmp_path / "data")
    evaluate(model, data, tmp_path / "out")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in ("metrics.json", "predictions.csv")}
    evaluate(model, data, tmp_path / "out")
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in before}


def test_a_model_that_is_not_there_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        evaluate(tmp_path / "no model", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_in_common_writes_nothing(model: Path, tmp_path: Path) -> None:
    data = save_folder(colour_cells(("blast", "smudge")), tmp_path / "data")
    with pytest.raises(DataError, match="The model knows"):
        evaluate(model, data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["", "test"])
def test_the_headline_is_one_line(evaluated: Path, part: str) -> None:
    content = figures(evaluated) | ({"part": part} if part else {})
    line = headline(content)
    assert line.startswith("test: balanced accuracy 0.9167 [" if part else "balanced accuracy 0.9167 [")
    assert line.endswith("on 18 pictures.")
    assert "\n" not in line


def test_a_terminal_shows_how_far_it_is(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(model, colour_cells(NAMES), tmp_path / "quiet")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    evaluate(model, colour_cells(NAMES), tmp_path / "shown")
    captured = capsys.readouterr()
    assert "Naming pictures" in captured.err
    assert captured.out == ""


def test_the_report_names_the_model_as_the_user_did(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent.parent)
    relative = model.relative_to(model.parent.parent).as_posix()
    evaluate(relative, colour_cells(NAMES), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"smearlab evaluate {relative} DATA" in page
