"""The folder of an audit: what may be written over, and what not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smearlab.audit.folder import DIGEST, FILES, MANIFEST, SUMMARY, check_out, digest_of
from smearlab.errors import DataError


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of an audit."""
    folder = tmp_path / "audit"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("row,source,action,label,reason\n")
    (folder / SUMMARY).write_text(json.dumps({DIGEST: digest_of(folder / MANIFEST)}))
    return folder


def test_a_new_an_empty_and_an_earlier_folder_will_do(tmp_path: Path, earlier: Path) -> None:
    check_out(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_out(tmp_path / "empty")
    check_out(earlier)


def test_an_edited_manifest_is_not_lost(earlier: Path) -> None:
    (earlier / MANIFEST).write_text("row,source,action,label,reason\n0,a.png,drop,,mine\n")
    with pytest.raises(DataError, match="was edited since"):
        check_out(earlier)


def test_other_files_are_not_lost(earlier: Path, tmp_path: Path) -> None:
    (earlier / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"'notes\.txt', which no audit has written"):
        check_out(earlier)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.html").write_text("of something else")
    with pytest.raises(DataError, match=r"'report\.html'"):
        check_out(tmp_path / "other")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        check_out(tmp_path / "file")
