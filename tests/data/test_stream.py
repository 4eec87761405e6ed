import io
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smearlab.data.cells import Cells
from smearlab.data.decode import decode
from smearlab.data.read import read
from smearlab.data.stream import stream_pictures
from smearlab.errors import DataError


def png(value: int, height: int = 4, width: int = 4) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def put(root: Path, **values: int | bytes) -> Path:
    """Write pictures of one value each; double underscores in a name separate folders."""
    for name, value in values.items():
        path = root / (name.replace("__", "/") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else png(value))
    return root


def rows(pictures: Any) -> list[tuple[int, str, int | None]]:
    """Return row, source and value of each picture; None where there are no pixels."""
    return [
        (one.row, one.source, None if one.image is None else int(one.image[0, 0, 0]))
        for one in stream_pictures(pictures)
    ]


def test_a_flat_folder(tmp_path: Path) -> None:
    put(tmp_path / "flat", b=2, a=1, c=b"no picture")
    assert rows(tmp_path / "flat") == [(0, "a.png", 1), (1, "b.png", 2), (2, "c.png", None)]
    assert "not a picture" in list(stream_pictures(tmp_path / "flat"))[2].error


def test_class_folders_give_the_rows_that_read_gives(tmp_path: Path) -> None:
    root = put(tmp_path / "cells", b__2=2, b__1=1, a__9=9, a__8=8)
    assert rows(root) == [(0, "a/8.png", 8), (1, "a/9.png", 9), (2, "b/1.png", 1), (3, "b/2.png", 2)]
    cells = read(root)
    assert [(row, source) for row, source, _ in rows(root)] == list(zip(cells.rows, cells.sources, strict=True))


def test_one_picture_and_a_glob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, a=1, b=2)
    assert rows(tmp_path / "a.png") == [(0, "a.png", 1)]
    assert rows([str(tmp_path / "a.png")]) == [(0, "a.png", 1)]
    assert rows(str(tmp_path / "*.png")) == [(0, "a.png", 1), (1, "b.png", 2)]
    monkeypatch.chdir(tmp_path)
    assert rows("*.png") == [(0, "a.png", 1), (1, "b.png", 2)]


def test_mixed_sizes_are_not_resized(tmp_path: Path) -> None:
    put(tmp_path, a=png(1, 5, 9), b=png(2, 30, 20))
    assert [one.image.shape for one in stream_pictures(tmp_path) if one.image is not None] == [(5, 9, 3), (30, 20, 3)]


def test_arrays_whose_labels_are_wrong(tmp_path: Path) -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(6, 1).repeat(6, 2).repeat(3, 3)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([-4, 2]))
    np.savez(tmp_path / "b.npz", test_images=images[3:], train_images=images[:3])
    expected = [(row, f"#{row}", row) for row in range(5)]
    for name in ("a.npz", "b.npz"):
        assert rows(tmp_path / name) == [(row, name + source, value) for row, source, value in expected]


def test_a_list_with_missing_files_and_other_splits(tmp_path: Path) -> None:
    put(tmp_path, a=1, b=2)
    (tmp_path / "list.csv").write_text("path,label,split\nb.png,,nonsense\nnone.png,ig,\na.png,ig,\n")
    assert rows(tmp_path / "list.csv") == [(0, "b.png", 2), (1, "none.png", None), (2, "a.png", 1)]


def test_several_inputs_follow_each_other(tmp_path: Path) -> None:
    put(tmp_path, x=7, one__a=1, one__b=2, two__a=3)
    np.savez(tmp_path / "c.npz", images=np.full((2, 4, 4, 3), 9, np.uint8))
    single, missing = str(tmp_path / "x.png"), str(tmp_path / "none.png")
    pictures = [tmp_path / "one", single, missing, tmp_path / "c.npz", tmp_path / "two", f"{tmp_path}/one/*.png"]
    assert rows(pictures) == [
        (0, "one/a.png", 1),
        (1, "one/b.png", 2),
        (2, single, 7),
        (3, missing, None),
        (4, "c.npz#0", 9),
        (5, "c.npz#1", 9),
        (6, "two/a.png", 3),
        (7, "a.png", 1),
        (8, "b.png", 2),
    ]


def test_paths_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, a=1, b=2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("b.png\n\nnone.png\n a.png \n"))
    assert rows("-") == [(0, "b.png", 2), (1, "none.png", None), (2, "a.png", 1)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(DataError, match="Standard input names no pictures"):
        rows("-")


def test_parquet_with_unreadable_rows(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    image = [{"bytes": png(1), "path": "a.png"}, {"bytes": b"?", "path": None}, None, {"bytes": png(4), "path": None}]
    pq.write_table(pa.table({"image": image}), tmp_path / "cells.parquet")
    found = rows(tmp_path / "cells.parquet")
    sources = ["a.png", "cells.parquet#1", "cells.parquet#2", "cells.parquet#3"]
    assert found == list(zip(range(4), sources, (1, None, None, 4), strict=True))


def test_pictures_of_a_stream_equal_those_that_are_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save(tmp_path / name / "x.jpg")
    cells = read(tmp_path)
    for streamed, stored in zip(stream_pictures(tmp_path), cells, strict=True):
        assert streamed.image is not None
        assert np.array_equal(streamed.image, stored)
        assert np.array_equal(stored, decode((tmp_path / streamed.source).read_bytes()))


@pytest.mark.parametrize("pictures", ["none", [], ["none.npz"], "none/*.png"])
def test_faults_of_the_whole_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        rows(pictures)


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04...")
    with pytest.raises(DataError, match="damaged"):
        rows(tmp_path / "a.npz")


def test_the_first_picture_comes_before_the_last_is_listed(tmp_path: Path) -> None:
    put(tmp_path, **{f"p{number:04}": number % 256 for number in range(300)})
    stream = stream_pictures(tmp_path)
    assert [one.row for one in itertools.islice(stream, 3)] == [0, 1, 2]
    (tmp_path / "p0299.png").unlink()
    *_, last = stream
    assert last.error == "there is no such file"


MEASURE = """
import resource, sys
from smearlab.data.stream import stream_pictures
count = sum(1 for one in stream_pictures(sys.argv[1]) if one.image is not None)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    peaks = []
    for count in (50, 1000):
        np.savez(tmp_path / "cells.npz", images=np.zeros((count, 300, 300, 3), np.uint8))
        command = [sys.executable, "-c", MEASURE, str(tmp_path / "cells.npz")]
        found, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert int(found) == count
        peaks.append(int(megabytes))
    assert peaks[1] - peaks[0] < 60


def test_the_demo_is_streamed_too(tiny_cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smearlab.data.demo.demo_cells", lambda: tiny_cells)
    streamed = list(stream_pictures("demo"))
    assert [one.source for one in streamed] == tiny_cells.sources.tolist()
    assert all(one.image is not None and np.array_equal(one.image, tiny_cells.images[one.row]) for one in streamed)
    assert read("demo") is tiny_cells
