import os
import shutil
from pathlib import Path

import pytest

from smearlab.data import content
from smearlab.data.content import content_key


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(content, "SETTLED_SECONDS", -1.0)
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file whose bytes were read."""
    seen: list[Path] = []
    digest = content._digest

    def note(path: Path) -> str:
        seen.append(path)
        return digest(path)

    monkeypatch.setattr(content, "_digest", note)
    return seen


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_unchanged_file_is_read_once(tmp_path: Path, reads: list[Path]) -> None:
    path = write(tmp_path / "a", "content")
    first = content_key([("a", path)], "v1")
    assert content_key([("a", path)], "v1") == first
    assert reads == [path]


def test_a_changed_file_is_noticed_even_with_its_old_time_and_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "content")
    before = path.stat()
    first = content_key([("a", path)], "v1")
    write(path, "CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_key([("a", path)], "v1") != first


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "content")
    first = content_key([("a", path)], "v1")
    write(tmp_path / "b", "CONTENT").replace(path)
    assert content_key([("a", path)], "v1") != first


def test_a_copy_has_the_same_key_and_a_touched_file_keeps_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "content")
    first = content_key([("a", path)], "v1")
    (tmp_path / "other").mkdir()
    copy = Path(shutil.copy(path, tmp_path / "other" / "a"))
    assert content_key([("a", copy)], "v1") == first
    path.touch()
    assert content_key([("a", path)], "v1") == first


def test_names_order_number_and_preprocessing_belong_to_the_key(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", "1"), write(tmp_path / "b", "2")
    keys = [
        content_key([("a", a), ("b", b)], "v1"),
        content_key([("b", b), ("a", a)], "v1"),
        content_key([("a", a)], "v1"),
        content_key([("x/a", a)], "v1"),
        content_key([("a", a)], "v2"),
        content_key([("a", tmp_path / "absent")], "v1"),
    ]
    assert len(set(keys)) == len(keys)


def test_a_file_changed_a_moment_ago_is_not_remembered(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "SETTLED_SECONDS", 60.0)
    path = write(tmp_path / "a", "content")
    for _ in range(2):
        content_key([("a", path)], "v1")
    assert len(reads) == 2


def test_relative_paths_belong_to_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        write(Path("a"), f"in {folder}")
        keys.append(content_key([("a", Path("a"))], "v1"))
    assert keys[0] != keys[1]


def test_pipes_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert len(content_key([("pipe", tmp_path / "pipe"), ("folder", tmp_path)], "v1")) == 40
