"""What may be written over: an earlier result of the same kind, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smearlab.data.results_folder import check_results_folder
from smearlab.errors import DataError

FILES = ("report.html", "facts.json")


def check(folder: Path) -> dict[str, object]:
    return check_results_folder(folder, "map", FILES, "facts.json", "method")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    (tmp_path / "report.html").write_text("page")
    (tmp_path / "facts.json").write_text(json.dumps({"method": "pca"}))
    return tmp_path


def test_a_new_and_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert check(tmp_path / "new") == {}
    assert check(tmp_path) == {}
    assert not (tmp_path / "new").exists()


def test_an_earlier_result_is_handed_back_and_cleared_of_leftovers(earlier: Path) -> None:
    (earlier / ".tmp-1-report.html").write_text("half")
    assert check(earlier) == {"method": "pca"}
    assert {path.name for path in earlier.iterdir()} == set(FILES)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("notes.txt", "mine", r"'notes\.txt', which no map has written"),
        ("recipe.toml", "", "holds a training run"),
        ("facts.json", "{}", r"'facts\.json', which no map"),
        ("facts.json", "[1]", r"'facts\.json', which no map"),
        ("facts.json", "no JSON", r"'facts\.json', which no map"),
    ],
)
def test_anything_else_is_kept_and_told(earlier: Path, name: str, text: str, told: str) -> None:
    (earlier / name).write_text(text)
    (earlier / ".tmp-1-report.html").write_text("half")
    with pytest.raises(DataError, match=told + r".* Choose another --out: .* an earlier map\."):
        check(earlier)
    assert (earlier / name).read_text() == text
    assert (earlier / ".tmp-1-report.html").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match="is a file"):
        check(tmp_path / "out")
