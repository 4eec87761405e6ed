import os
from pathlib import Path

import pytest

from smearlab.data import plainfile
from smearlab.data.plainfile import open_plain_file, read_plain_file
from smearlab.errors import UnreadableError


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_the_whole_content_is_read(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    assert read_plain_file(tmp_path / "a") == data


def test_short_reads_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: read(descriptor, min(size, 3)))
    assert read_plain_file(tmp_path / "a") == b"0123456789"


def test_a_file_that_shrinks_while_it_is_read_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    reads = iter([b"0123", b""])
    monkeypatch.setattr(os, "read", lambda *_: next(reads))
    assert read_plain_file(tmp_path / "a") == b"0123"


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("a\0b"), "cannot be opened"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            read_plain_file(path)


def test_large_files_are_refused_as_pictures_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    monkeypatch.setattr(plainfile, "MAX_FILE_BYTES", 99)
    with pytest.raises(UnreadableError, match="larger than 99 bytes"):
        read_plain_file(tmp_path / "a")
    with open_plain_file(tmp_path / "a") as (_, size):
        assert size == 100


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with open_plain_file(tmp_path / "a") as (descriptor, _):
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
