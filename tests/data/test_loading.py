import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.data import loading, plainfile
from smearlab.data.forms.base import Content, Entry
from smearlab.data.loading import load, load_all, threads_at_hand
from smearlab.errors import DataError, UnreadableError


def png(value: int, side: int = 4) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), value % 256, np.uint8)).save(file, "PNG")
    return file.getvalue()


def entries(count: int) -> Iterator[Entry]:
    for row in range(count):
        yield Entry(row, f"{row}.png", png(row))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 300])
def test_pictures_come_in_their_order(threads: int, count: int) -> None:
    loaded = list(load_all(entries(count), threads))
    assert [entry.row for entry, _ in loaded] == list(range(count))
    values = [int(picture[0, 0, 0]) for _, picture in loaded if not isinstance(picture, UnreadableError)]
    assert values == [row % 256 for row in range(count)]


def test_files_and_arrays_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(png(9))  # told by its content, whatever its name says
    pixels = np.zeros((2, 2, 3), np.uint8)
    picture = load(Entry(0, "a", tmp_path / "a.jpg"))
    assert not isinstance(picture, UnreadableError)
    assert (picture == 9).all()
    assert load(Entry(0, "a", pixels)) is pixels


def test_each_fault_has_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "huge.png").write_bytes(bytes(2000))
    monkeypatch.setattr(plainfile, "MAX_FILE_BYTES", 1000)
    faults: list[tuple[Content, str]] = [
        (tmp_path / "none.png", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "pipe.png", "not a regular file"),
        (tmp_path / "text.png", "not a picture"),
        (tmp_path / "huge.png", "larger than"),
        (tmp_path / ("x" * 300), "cannot be opened"),
        (Path("nul\0l.png"), "cannot be opened"),
        (b"", "empty"),
        (UnreadableError("known before"), "known before"),
    ]
    for content, reason in faults:
        picture = load(Entry(0, "a", content))
        assert isinstance(picture, UnreadableError)
        assert reason in str(picture)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_CHUNK_BYTES", 4 * 4 * 3)  # one picture
    listed = 0

    def counted() -> Iterator[Entry]:
        nonlocal listed
        for entry in entries(200):
            listed += 1
            yield entry

    ahead = []
    for returned, _ in enumerate(load_all(counted(), threads=2), start=1):
        ahead.append(listed - returned)
    assert max(ahead) <= 3 * 8
    assert max(ahead[50:]) <= 3


def test_stopping_early_decodes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    original = loading.load

    def slow(entry: Entry) -> object:
        decoded.append(entry.row)
        time.sleep(0.001)
        return original(entry)

    monkeypatch.setattr(loading, "load", slow)
    stream = load_all(entries(10_000), threads=2)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(decoded) < 500
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_a_fault_of_the_listing_is_raised() -> None:
    def broken() -> Iterator[Entry]:
        yield from entries(3)
        raise DataError("damaged")

    with pytest.raises(DataError, match="damaged"):
        list(load_all(broken()))


def test_threads_follow_the_cores() -> None:
    assert 1 <= threads_at_hand() <= (os.cpu_count() or 1)


def test_few_large_arrays_are_taken_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_CHUNK_BYTES", 1000)
    listed = iter([Entry(row, "", np.zeros((20, 20, 3), np.uint8)) for row in range(6)])
    next(load_all(listed, threads=1))
    assert len(list(listed)) == 4  # one in work, one ahead
