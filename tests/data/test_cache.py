import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smearlab.data.cache import cache_folder, lock, open_or_build, writable_cache_folder
from smearlab.errors import DataError

SLOW_BUILD = """
import os, sys, time
from pathlib import Path
from smearlab.data.cache import open_or_build
def build(folder):
    (folder / "half").write_text(str(os.getpid()))
    print("started", flush=True)
    time.sleep(float(sys.argv[1]))
    (folder / "half").rename(folder / "whole")
print((open_or_build("key", build) / "whole").read_text(), flush=True)
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test here a cache of its own."""
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def slow_build(seconds: float) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", SLOW_BUILD, str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def write(content: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "whole").write_text(content)

    return build


def leftovers(root: Path) -> list[Path]:
    return list(root.glob(".tmp-*"))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("SMEARLAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "smearlab"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "smearlab"


def test_a_key_is_built_once() -> None:
    built: list[Path] = []
    first = open_or_build("key", built.append)
    second = open_or_build("key", built.append)
    assert first == second
    assert first.is_dir()
    assert len(built) == 1
    assert open_or_build("other", built.append) != first


@pytest.mark.parametrize("key", ["../../outside", "a/b", "with space", "Ä", "x" * 300, "", ".hidden"])
def test_any_key_names_a_folder_inside_the_cache(root: Path, key: str) -> None:
    assert open_or_build(key, write(key)).parent == root


def test_a_failing_build_leaves_nothing(root: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyError

    with pytest.raises(KeyError):
        open_or_build("key", fail)
    assert not leftovers(root)
    assert (open_or_build("key", write("again")) / "whole").read_text() == "again"


def test_a_killed_build_is_never_used(root: Path) -> None:
    child = slow_build(60)
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert len(leftovers(root)) == 1
    assert (open_or_build("key", write("again")) / "whole").read_text() == "again"
    assert not leftovers(root)


def test_two_processes_build_once() -> None:
    children = [slow_build(0.4), slow_build(0.4)]
    lines = [child.communicate(timeout=60)[0].split() for child in children]
    assert sum("started" in line for line in lines) == 1
    assert lines[0][-1] == lines[1][-1]
    assert [child.returncode for child in children] == [0, 0]


def test_without_locks_two_builds_both_succeed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    both = threading.Barrier(2)

    def build(folder: Path) -> None:
        both.wait(timeout=10)
        (folder / "whole").write_text("same")

    threads = [threading.Thread(target=open_or_build, args=("key", build)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (open_or_build("key", write("not built")) / "whole").read_text() == "same"
    assert not leftovers(root)


def test_only_own_or_old_leftovers_are_removed(root: Path) -> None:
    root.mkdir()
    own, others, old = (root / f".tmp-{name}" for name in ("00000000-key", "00000000-a-key", "11111111-old"))
    for path in (own, others, old):
        path.mkdir()
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    open_or_build("key", write(""))
    assert leftovers(root) == [others]


def test_a_cache_that_cannot_be_written_is_replaced_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "file" / "cache"))
    folder = open_or_build("key", write("content"))
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("smearlab: The cache folder ")
    assert "set SMEARLAB_CACHE" in told
    assert (folder / "whole").read_text() == "content"
    assert writable_cache_folder() == folder.parent
    assert open_or_build("key", write("not built")) == folder


def test_a_full_disk_says_what_to_do(root: Path) -> None:
    def fill(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match=r"is full.*SMEARLAB_CACHE"):
        open_or_build("key", fill)


def test_other_faults_of_a_build_are_passed_on() -> None:
    def fail(folder: Path) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")

    with pytest.raises(FileNotFoundError):
        open_or_build("key", fail)


def test_a_lock_keeps_others_out(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with lock(tmp_path / "lock"):
            order.append("second")

    with lock(tmp_path / "lock") as held:
        assert held
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
