from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.data.forms.csvlist import CsvForm
from smearlab.data.forms.files import FolderForm, PathsForm
from smearlab.data.forms.npz import NpzForm
from smearlab.data.forms.opening import is_container, open_form
from smearlab.data.forms.parquet import ParquetForm
from smearlab.data.stream import stream_pictures
from smearlab.errors import DataError


def picture(path: Path, form: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path, form)
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.npz", NpzForm), ("a.NPZ", NpzForm), ("a.parquet", ParquetForm), ("a.csv", CsvForm), ("a.tsv", CsvForm)],
)
def test_files_are_told_by_their_suffix(tmp_path: Path, name: str, kind: type) -> None:
    (tmp_path / name).write_text("")
    form = open_form(tmp_path / name)
    assert isinstance(form, kind)
    assert form.name == "a"


def test_single_pictures_by_suffix_or_content(tmp_path: Path) -> None:
    for name in ("a.png", "b.dat", "c"):
        form = open_form(picture(tmp_path / name))
        assert isinstance(form, PathsForm)
        assert [entry.source for entry in form.entries()] == [name]


def test_folders_of_pictures_or_shards(tmp_path: Path) -> None:
    picture(tmp_path / "cells" / "ig" / "a.png")
    (tmp_path / "cells" / "b.parquet").write_text("")
    assert isinstance(open_form(tmp_path / "cells"), FolderForm)
    (tmp_path / "shards" / "data").mkdir(parents=True)
    for name in ("data/train-1.parquet", "data/train-0.parquet"):
        (tmp_path / "shards" / name).write_text("")
    form = open_form(str(tmp_path / "shards"))
    assert isinstance(form, ParquetForm)
    assert [name for name, _ in form.shards] == ["data/train-0.parquet", "data/train-1.parquet"]
    assert form.name == "shards"


def test_globs_and_names_that_look_like_one(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    assert isinstance(open_form(str(tmp_path / "*.png")), PathsForm)
    odd = picture(tmp_path / "slide[1].png")
    assert [path for _, path in open_form(str(odd)).files()] == [odd]


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_text_is_not_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    picture(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="variable not set"):
        open_form(empty)
    for several in (empty, [empty], [empty, "a.png"], ["a.png", empty]):
        with pytest.raises(DataError, match="variable not set"):
            list(stream_pictures(several))
    assert len(list(open_form(".").entries())) == 1


def test_the_forms_that_are_listed_include_a_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="to predict also a picture"):
        open_form(tmp_path / "notthere.jpg")


def test_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("")
    assert open_form("~/a.csv").name == "a"


def test_a_missing_path_suggests_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pbc96.parquet").write_text("")
    with pytest.raises(DataError, match=r"There is no .*Did you mean 'pbc96.parquet'"):
        open_form(tmp_path / "pbc69.parquet")
    with pytest.raises(DataError, match=r"folder .* is not there either"):
        open_form(tmp_path / "none" / "cells.npz")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="Did you mean 'bloodmnist'"):
        open_form("bloodminst")


@pytest.mark.parametrize(
    ("name", "advice"), [("a.npy", "np.savez"), ("a.zip", "Unpack"), ("a.xlsx", "CSV"), ("a.bin", "class folders")]
)
def test_unknown_forms_say_what_to_do(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).write_text("something")
    with pytest.raises(DataError, match=f"no form that can be read.*{advice}"):
        open_form(tmp_path / name)


def test_containers(tmp_path: Path) -> None:
    assert is_container(tmp_path)
    assert all(is_container(name) for name in ("a.npz", "a.parquet", "a.CSV", "demo", "bloodmnist:64"))
    assert not is_container("a.png")
