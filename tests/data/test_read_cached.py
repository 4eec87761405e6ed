import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.data import read as read_module
from smearlab.data.cells import UInt8Array
from smearlab.data.read import read

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test here a cache of its own."""
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def encode(pixels: UInt8Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def picture() -> UInt8Array:
    return RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def folder(root: Path, count: int = 3) -> Path:
    for name in ("ig", "monocyte"):
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number:03}.png").write_bytes(encode(picture()))
    return root


def builds(cache: Path) -> int:
    return len(list(cache.glob("pictures-*")))


def test_pictures_are_decoded_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "cells")
    first = read(root)

    def not_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(read_module, "store", not_again)
    second = read(root)
    assert np.array_equal(np.asarray(first.images), np.asarray(second.images))
    assert second.sources.tolist() == first.sources.tolist()
    read(root, labelled=False)
    assert builds(cache) == 1


def test_a_change_of_any_file_is_noticed(tmp_path: Path, cache: Path) -> None:
    root = folder(tmp_path / "cells")
    before = read(root)
    changed = picture()
    (root / "ig" / "000.png").write_bytes(encode(changed))
    after = read(root)
    assert np.array_equal(after.images[0], changed)
    assert not np.array_equal(before.images[0], changed)
    (root / "ig" / "001.png").rename(root / "monocyte" / "new.png")
    assert read(root).class_counts().tolist() == [2, 4]
    assert builds(cache) == 3


def test_mapped_pictures_are_read_only(tmp_path: Path) -> None:
    cells = read(folder(tmp_path / "cells"))
    with pytest.raises(ValueError, match="read-only"):
        cells.images[0][0, 0] = 0


KILLED = """
import os, signal, sys
from smearlab.data import loading
from smearlab.data.read import read
original, count = loading.load, 0
def load(entry):
    global count
    count += 1
    if count == 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(entry)
loading.load = load
read(sys.argv[1])
"""


def test_a_reading_killed_half_way_is_not_used(tmp_path: Path, cache: Path) -> None:
    root = folder(tmp_path / "cells", count=40)
    child = subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert len(list(cache.glob(".tmp-*"))) == 1
    assert builds(cache) == 0
    cells = read(root)
    with Image.open(root / cells.sources[-1]) as last:
        assert np.array_equal(cells.images[-1], np.asarray(last))
    assert not list(cache.glob(".tmp-*"))


def test_two_processes_read_the_same_at_once(tmp_path: Path, cache: Path) -> None:
    root = folder(tmp_path / "cells", count=40)
    code = "import sys, zlib; from smearlab.data.read import read; print(zlib.crc32(read(sys.argv[1]).images))"
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert outputs[0] == outputs[1]
    assert outputs[0].strip()
    assert builds(cache) == 1
    assert not list(cache.glob(".tmp-*"))
