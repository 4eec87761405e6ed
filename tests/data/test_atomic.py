import errno
import json
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from smearlab.data import atomic
from smearlab.data.atomic import (
    atomic_folder,
    atomic_path,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)
from smearlab.errors import DataError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def break_off(opened: AbstractContextManager[Path], inside: str = "") -> None:
    """Write half of something, then fail."""
    with opened as path:
        (path / inside).write_text("half")
        raise KeyError


def test_a_file_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "new" / "figures.csv"
    with atomic_path(target) as temporary:
        temporary.write_text("a")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert target.read_text() == "a"
    assert names(target.parent) == ["figures.csv"]


def test_a_file_is_no_folder_to_write_into(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path / "notes.txt" / "x.csv", tmp_path / "notes.txt" / "deep" / "x.csv"):
        with pytest.raises(DataError, match=r"notes\.txt is a file, not a folder"):
            write_text(target, "")
        with pytest.raises(DataError, match=r"notes\.txt is a file, not a folder"), atomic_folder(target):
            pass


def test_faults_of_the_system_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 250 + ".csv")  # too long only with the prefix of the temporary name
    with pytest.raises(OSError, match="too long") as caught:
        write_text(long, "")
    assert caught.value.filename == str(long)
    assert caught.value.errno == errno.ENAMETOOLONG
    with pytest.raises(OSError, match="too long") as caught, atomic_folder(long):
        pass
    assert caught.value.filename == str(long)


def test_faults_of_other_files_keep_their_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "x.csv"):
        (tmp_path / "other.csv").read_bytes()
    assert caught.value.filename == str(tmp_path / "other.csv")


def test_the_temporary_name_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "cells.npz") as temporary:
        np.savez(temporary, a=np.arange(3))  # appends .npz to any other name
    assert np.load(tmp_path / "cells.npz")["a"].tolist() == [0, 1, 2]


def test_a_failing_block_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "figures.csv"
    target.write_text("old")
    with pytest.raises(KeyError):
        break_off(atomic_path(target))
    assert target.read_text() == "old"
    assert names(tmp_path) == ["figures.csv"]


def test_text_bytes_and_json(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Färbung\n")
    write_bytes(tmp_path / "b.bin", b"\x00\xff")
    write_json(tmp_path / "c.json", {"colour": "weiß", "n": 3})
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "Färbung\n"
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8")) == {"colour": "weiß", "n": 3}


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "c.json", 1)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "c.json", float("nan"))
    assert (tmp_path / "c.json").read_text() == "1\n"


def test_wrong_kinds_of_target_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a folder"), atomic_path(tmp_path):
        pass
    with pytest.raises(DataError, match="is a file"), atomic_folder(tmp_path / "file"):
        pass


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_existing_folder_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    target = tmp_path / "model"
    for content in ("first", "second"):
        with atomic_folder(target) as folder:
            (folder / f"{content}.txt").write_text(content)
            (folder / "deep").mkdir()
    assert names(target) == ["deep", "second.txt"]
    assert names(tmp_path) == ["model"]


def test_a_failing_folder_leaves_the_old_one(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "model") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(KeyError):
        break_off(atomic_folder(tmp_path / "model"), "a")
    assert (tmp_path / "model" / "a").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_reader_always_finds_a_whole_folder(tmp_path: Path) -> None:
    target, stop, missing = tmp_path / "model", threading.Event(), []
    with atomic_folder(target) as folder:
        (folder / "a").write_text("0")

    def look() -> None:
        while not stop.is_set():
            if not (target / "a").exists():
                missing.append(1)

    reader = threading.Thread(target=look)
    reader.start()
    for round_ in range(20):
        with atomic_folder(target) as folder:
            (folder / "a").write_text(str(round_))
    stop.set()
    reader.join()
    if sys.platform == "linux":
        assert not missing
    assert (target / "a").read_text() == "19"


def test_killed_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "figures.csv"
    target.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from smearlab.data.atomic import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as path:\n"
        "    path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_leftovers_of_a_kill_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["model", "model/model.json", "checkpoints", "checkpoints/deep", "a.tmp-b"]
    left = [".tmp-0123abcd-model", ".tmp-0123abcd-metrics.json", "checkpoints/.tmp-89abcdef-last.pt"]
    for name in (*kept, *left):
        path = tmp_path / name
        if path.suffix in (".json", ".pt", ".tmp-b"):
            path.write_text("x")
        else:
            path.mkdir()
    (tmp_path / left[0] / "model.onnx").write_text("half")
    remove_leftovers(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == sorted(kept)
    remove_leftovers(tmp_path / "none")  # a run that has not begun
