from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.data.forms import files
from smearlab.data.forms.files import FolderForm, PathsForm, open_glob
from smearlab.errors import DataError


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), len(name), np.uint8)).save(root / name, "PNG")
    return root


def test_rows_follow_the_sorted_relative_path(tmp_path: Path) -> None:
    put(tmp_path, "monocyte/b.png", "basophil/z.PNG", "monocyte/a.JPG", "basophil/y.TiFF")
    entries = list(FolderForm(tmp_path).entries())
    sources = ["basophil/y.TiFF", "basophil/z.PNG", "monocyte/a.JPG", "monocyte/b.png"]
    assert [entry.source for entry in entries] == sources
    assert [entry.label for entry in entries] == ["basophil", "basophil", "monocyte", "monocyte"]
    assert [entry.row for entry in entries] == [0, 1, 2, 3]
    assert entries[0].content == tmp_path / "basophil/y.TiFF"


def test_what_is_no_picture_is_ignored(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png", "a/.hidden.png", ".cache/3.png", "__MACOSX/a/1.png")
    for name in ("a/Thumbs.db", "a/notes.txt", "b/png", "readme.md", "b/cells.npz"):
        (tmp_path / name).write_text("no picture")
    assert FolderForm(tmp_path).names == ["a/1.png", "b/2.png"]


def test_deeper_folders_belong_to_their_class(tmp_path: Path) -> None:
    put(tmp_path, "basophil/slide 1/a.png", "basophil/b.png", "monocyte/x/y/z/c.png")
    labels = [entry.label for entry in FolderForm(tmp_path).entries()]
    assert labels == ["basophil", "basophil", "monocyte"]
    assert FolderForm(tmp_path).labelling().fault == ""


def test_a_brought_split_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "Train/ig/a.png", "val/ig/b.png", "test/monocyte/c.png", "Train/monocyte/deep/d.png")
    entries = {entry.source: (entry.label, entry.part) for entry in FolderForm(tmp_path).entries()}
    assert entries == {
        "Train/ig/a.png": ("ig", "Train"),
        "Train/monocyte/deep/d.png": ("monocyte", "Train"),
        "test/monocyte/c.png": ("monocyte", "test"),
        "val/ig/b.png": ("ig", "val"),
    }


@pytest.mark.parametrize("names", [("train/a.png", "test/b.png"), ("train/a/1.png", "monocyte/b/2.png")])
def test_folders_that_only_sound_like_a_split_are_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    entries = list(FolderForm(put(tmp_path, *names)).entries())
    assert {entry.part for entry in entries} == {""}
    assert [entry.label for entry in entries] == [name.split("/")[0] for name in sorted(names)]


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    form = FolderForm(put(tmp_path, "b.png", "a.png"))
    assert [(entry.source, entry.label) for entry in form.entries()] == [("a.png", None), ("b.png", None)]
    assert "one folder per class" in form.labelling().fault


def test_pictures_beside_the_class_folders_are_named(tmp_path: Path) -> None:
    fault = FolderForm(put(tmp_path, "a/1.png", "b/2.png", "stray.png")).labelling().fault
    assert "Move each" in fault
    assert "stray.png" in fault


def test_loops_of_links_end(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "b" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert FolderForm(tmp_path).names == ["a/1.png", "b/2.png", "b/broken.png"]


def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    put(tmp_path, "store/x.png", "set/b/2.png")
    (tmp_path / "set" / "a").symlink_to(tmp_path / "store", target_is_directory=True)
    assert FolderForm(tmp_path / "set").names == ["a/x.png", "b/2.png"]


def test_pictures_belong_to_the_class_they_lie_in_not_to_one_that_links_there(tmp_path: Path) -> None:
    put(tmp_path, "A/1.png", "B/2.png", "B/deep/3.png", "C/4.png")
    (tmp_path / "A" / "more").symlink_to(Path("..") / "B", target_is_directory=True)
    (tmp_path / "A" / "deeper").symlink_to(tmp_path / "B" / "deep", target_is_directory=True)
    entries = {entry.source: entry.label for entry in FolderForm(tmp_path).entries()}
    assert entries == {"A/1.png": "A", "B/2.png": "B", "B/deep/3.png": "B", "C/4.png": "C"}


def test_a_folder_outside_is_listed_once_however_many_links_lead_there(tmp_path: Path) -> None:
    put(tmp_path, "store/x.png", "store/deep/y.png", "set/a/1.png", "set/b/2.png")
    for link in ("a/one", "a/two"):
        (tmp_path / "set" / link).symlink_to(tmp_path / "store", target_is_directory=True)
    names = ["a/1.png", "a/one/deep/y.png", "a/one/x.png", "b/2.png"]
    assert FolderForm(tmp_path / "set").names == names


def test_empty_folders_say_what_they_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        list(FolderForm(tmp_path).entries())
    (tmp_path / "cells.mat").write_text("")
    with pytest.raises(DataError, match=r"holds no pictures .*cells\.mat"):
        FolderForm(tmp_path).files()


def test_a_folder_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"secret cannot be opened: .*permissions"):
        files._refuse(PermissionError(13, "Permission denied", str(tmp_path / "secret")))


def test_names_beyond_ascii(tmp_path: Path) -> None:
    put(tmp_path, "Färbung/Zelle ä.png", "b/#1%.png")
    assert FolderForm(tmp_path).names == ["Färbung/Zelle ä.png", "b/#1%.png"]


def test_globs_name_files_from_the_last_fixed_folder(tmp_path: Path) -> None:
    put(tmp_path, "slides/b/1.png", "slides/a/2.png", "slides/a/3.txt")
    form = open_glob(f"{tmp_path}/slides/*/*.png")
    assert [entry.source for entry in form.entries()] == ["a/2.png", "b/1.png"]
    assert form.name == "slides"
    everything = open_glob(f"{tmp_path}/slides/**")
    assert [entry.source for entry in everything.entries()] == ["a/2.png", "a/3.txt", "b/1.png"]  # 3.txt holds one
    with pytest.raises(DataError, match="No file matches"):
        open_glob(f"{tmp_path}/slides/*.gif")


def test_globs_take_pictures_only_and_tell_what_they_leave(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "b.png", "a")
    for name in ("list.csv", "cells.npz", "cells.parquet", "notes"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "damaged.png").write_text("")
    assert [entry.source for entry in open_glob(f"{tmp_path}/*").entries()] == ["a", "b.png", "damaged.png"]
    told = capsys.readouterr().err
    assert "cells.npz, cells.parquet, list.csv, notes: no pictures, left out" in told
    assert told.count("\n") == 1
    open_glob(f"{tmp_path}/*.png")
    assert capsys.readouterr().err == ""
    for pattern in ("*.csv", "cells.*", "n?tes"):
        with pytest.raises(DataError, match=r"matches no pictures, only .*by its own name"):
            open_glob(f"{tmp_path}/{pattern}")


def test_lists_have_no_labels(tmp_path: Path) -> None:
    form = PathsForm("some", (("a.png", tmp_path / "a.png"),))
    assert form.files() == form.paths
    assert "without labels" in form.labelling().fault
