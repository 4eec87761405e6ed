import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import Cells, UInt8Array
from smearlab.data.read import read
from smearlab.errors import DataError, SmearlabError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test here a cache of its own."""
    monkeypatch.setenv("SMEARLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def encode(pixels: Any, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(file, form, **options)
    return file.getvalue()


def picture(height: int = 8, width: int = 8) -> UInt8Array:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def folder(root: Path, count: int = 3, classes: tuple[str, ...] = ("ig", "monocyte")) -> Path:
    return put(root, {f"{name}/{number:03}.png": encode(picture()) for name in classes for number in range(count)})


def npz(path: Path, labels: Any, count: int | None = None) -> Path:
    images = RNG.integers(0, 256, (len(labels) if count is None else count, 8, 8, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.asarray(labels))
    return path


# forms --------------------------------------------------------------------------------------------------------


def test_class_folders(tmp_path: Path) -> None:
    cells = read(folder(tmp_path / "my cells"))
    assert cells.name == "my cells"
    assert cells.class_names == ("immature_granulocyte", "monocyte")
    assert cells.known_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert cells.sources[3] == "monocyte/000.png"
    assert cells.picture_shape == (8, 8)
    assert cells.parts is None
    assert cells.groups is None


def test_any_kind_of_picture_file_in_one_folder(tmp_path: Path) -> None:
    rgb = np.full((6, 9, 3), [200, 120, 40], np.uint8)
    deep = np.full((4, 4), 100 * 257, np.uint16)
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "a/bmp.BMP": encode(rgb, "BMP"),
        "a/exif.jpg": encode(rgb, "JPEG", exif=turned),
        "a/lying.jpg": encode(rgb, "PNG"),
        "a/rgba.png": encode(np.dstack([rgb, np.zeros((6, 9), np.uint8)])),
        "b/deep.tif": encode(deep, "TIFF"),
        "b/grey.png": encode(deep.astype(np.uint8)),
        "b/palette.gif": encode(Image.fromarray(rgb).convert("P"), "GIF"),
        "b/webp.webp": encode(rgb, "WEBP", lossless=True),
    }
    cells = read(put(tmp_path / "cells", files))
    assert [image.shape for image in cells] == [
        *[(6, 9, 3), (9, 6, 3), (6, 9, 3), (6, 9, 3), (4, 4, 3), (4, 4, 3), (6, 9, 3), (6, 9, 3)]
    ]
    assert all(image.dtype == np.uint8 for image in cells)
    assert np.array_equal(cells.images[2], rgb)
    assert (cells.images[3] == 255).all()
    assert (cells.images[4] == 100).all()
    assert cells.picture_shape is None
    assert not cells.unreadable


def test_a_split_in_folders(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        folder(tmp_path / "cells" / part, count=2)
    cells = read(tmp_path / "cells")
    assert cells.parts is not None
    assert cells.parts.tolist() == ["test"] * 4 + ["train"] * 4 + ["validation"] * 4
    assert cells.class_names == ("immature_granulocyte", "monocyte")


@pytest.mark.parametrize("as_column", [False, True])
def test_challenge_npz(tmp_path: Path, as_column: bool) -> None:
    labels = np.arange(16) % 8
    cells = read(npz(tmp_path / "challenge.npz", labels[:, None] if as_column else labels))
    assert cells.class_names == CLASS_NAMES
    assert cells.known_labels.tolist() == labels.tolist()
    assert isinstance(cells.images, np.memmap)
    with np.load(tmp_path / "challenge.npz") as file:
        assert np.array_equal(cells.images, file["images"])


def test_medmnist_npz(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = RNG.integers(0, 256, (8, 5, 5, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(8, dtype=np.uint8)[:, None]
    np.savez(tmp_path / "blood.npz", **arrays)
    cells = read(tmp_path / "blood.npz")
    assert cells.parts is not None
    assert cells.parts.tolist() == ["train"] * 8 + ["validation"] * 8 + ["test"] * 8
    assert np.array_equal(cells.images[8:16], arrays["val_images"])


def test_parquet(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pictures = [picture() for _ in range(4)]
    image = pa.array([{"bytes": encode(pixels), "path": None} for pixels in pictures])
    table = pa.table({"image": image, "label": [1, 0, 1, 0], "patient": ["a", "a", "b", "b"]})
    features = {"image": {"_type": "Image"}, "label": {"names": ["monocyte", "ig"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "cells.parquet")
    cells = read(tmp_path / "cells.parquet")
    assert cells.class_names == ("immature_granulocyte", "monocyte")
    assert cells.known_labels.tolist() == [0, 1, 0, 1]
    assert cells.groups is not None
    assert cells.groups.tolist() == ["a", "a", "b", "b"]
    assert np.array_equal(cells.images, np.stack(pictures))


def test_csv_reports_missing_files(tmp_path: Path) -> None:
    folder(tmp_path, count=30)
    rows = [f"{name}/{number:03}.png,{name},slide {number % 3}" for name in ("ig", "monocyte") for number in range(30)]
    rows.insert(1, "ig/absent.png,ig,slide 1")
    (tmp_path / "list.csv").write_text("path,label,group\n" + "\n".join(rows) + "\n")
    cells = read(tmp_path / "list.csv")
    assert len(cells) == 60
    assert cells.rows.tolist() == [0, *range(2, 61)]
    assert [(bad.row, bad.source, bad.label) for bad in cells.unreadable] == [(1, "ig/absent.png", 0)]
    assert "no such file" in cells.unreadable[0].reason
    assert cells.groups is not None
    assert set(cells.groups) == {"slide 0", "slide 1", "slide 2"}


def test_cells_are_only_checked(tiny_cells: Cells) -> None:
    assert read(tiny_cells) is tiny_cells
    with pytest.raises(DataError, match="too few classes"):
        read(tiny_cells.take([0, 1]))


def test_pictures_without_labels(tmp_path: Path) -> None:
    put(tmp_path / "flat", {"b.png": encode(picture()), "a.png": encode(picture()), "bad.png": b"?"})
    cells = read(tmp_path / "flat", labelled=False)
    assert cells.labels is None
    assert cells.class_names == ()
    assert cells.sources.tolist() == ["a.png", "b.png"]
    assert [(bad.row, bad.label) for bad in cells.unreadable] == [(2, -1)]
    assert len(read(tmp_path / "flat" / "a.png", labelled=False)) == 1
    assert len(read(str(tmp_path / "flat" / "*.png"), labelled=False)) == 2
    with pytest.raises(DataError, match="one folder per class"):
        read(tmp_path / "flat")


# unreadable pictures ------------------------------------------------------------------------------------------


def test_unreadable_pictures_are_reported_by_name_and_skipped(tmp_path: Path) -> None:
    root = folder(tmp_path / "cells", count=30)
    whole = encode(picture(60, 60), "JPEG")
    put(root, {"ig/cut.jpg": whole[: len(whole) // 2], "monocyte/text.png": b"hello", "monocyte/empty.png": b""})
    cells = read(root)
    assert len(cells) == 60
    reasons = {bad.source: bad.reason for bad in cells.unreadable}
    assert list(reasons) == ["ig/cut.jpg", "monocyte/empty.png", "monocyte/text.png"]
    assert "truncated" in reasons["ig/cut.jpg"]
    assert "empty" in reasons["monocyte/empty.png"]
    assert [bad.label for bad in cells.unreadable] == [0, 1, 1]
    assert cells.rows.tolist() == [row for row in range(63) if row not in {bad.row for bad in cells.unreadable}]


def test_more_than_five_percent_stop_the_run(tmp_path: Path) -> None:
    root = folder(tmp_path / "cells", count=19)
    put(root, {"ig/bad.png": b"?", "monocyte/bad.png": b"?"})  # 2 of 40: exactly 5 %
    assert len(read(root).unreadable) == 2
    put(root, {"monocyte/worse.png": b"?"})
    with pytest.raises(DataError, match=r"3 of 41 pictures \(7\.3%\).*ig/bad\.png.*--tolerate-unreadable"):
        read(root)
    assert len(read(root, tolerate_unreadable=True)) == 38


def test_a_lost_class_stops_the_run(tmp_path: Path) -> None:
    root = put(folder(tmp_path / "cells", count=30), {"basophil/1.png": b"?"})
    with pytest.raises(DataError, match=r"every picture of the class basophil .*basophil/1\.png"):
        read(root)
    cells = read(root, tolerate_unreadable=True)
    assert cells.class_names == ("immature_granulocyte", "monocyte")
    assert set(cells.known_labels.tolist()) == {0, 1}
    assert cells.unreadable[0].label == -1


def test_nothing_readable_is_an_error_even_if_tolerated(tmp_path: Path) -> None:
    root = put(tmp_path / "cells", {"a/1.png": b"?", "b/1.png": b"?"})
    for options in ({"tolerate_unreadable": True}, {"labelled": False}):
        with pytest.raises(DataError, match=r"None of 2 pictures"):
            read(root, **options)


def test_nan_pictures_are_reported_by_row(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (40, 4, 4, 3)).astype(np.float32)
    images[7, 0, 0, 0] = np.nan
    np.savez(tmp_path / "cells.npz", images=images, labels=np.arange(40) % 8)
    cells = read(tmp_path / "cells.npz")
    assert [(bad.row, bad.source) for bad in cells.unreadable] == [(7, "cells.npz#7")]
    assert "NaN" in cells.unreadable[0].reason
    assert np.array_equal(cells.images[0], images[0])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_unreadable(tmp_path: Path) -> None:
    bomb = encode(Image.new("1", (12_000, 12_000)), "PNG")
    cells = read(put(folder(tmp_path / "cells", count=30), {"ig/bomb.png": bomb}))
    assert [bad.source for bad in cells.unreadable] == ["ig/bomb.png"]
    assert "too large" in cells.unreadable[0].reason


# labels -------------------------------------------------------------------------------------------------------


def test_a_single_class_is_an_error_unless_wanted(tmp_path: Path) -> None:
    root = folder(tmp_path / "cells", classes=("ig",))
    with pytest.raises(DataError, match=r"too few classes \(immature_granulocyte\)"):
        read(root)
    assert read(root, minimum_classes=1).class_names == ("immature_granulocyte",)


def test_merged_names_are_told(tmp_path: Path) -> None:
    names = ("band_neutrophil", "segmented_neutrophil")
    told = "'band_neutrophil' and 'segmented_neutrophil' are read as neutrophil."
    with pytest.raises(DataError, match=rf"too few classes \(neutrophil\).*{told}"):
        read(folder(tmp_path / "one", classes=names))
    cells = read(folder(tmp_path / "two", classes=(*names, "ig")))
    assert cells.class_names == ("immature_granulocyte", "neutrophil")
    assert cells.notes == cells.take([0, 1]).notes == (told,)


def test_too_few_classes_of_an_archive_are_not_told_of_folders_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"too few classes .*rows with another label"):
        read(npz(tmp_path / "one.npz", [3, 3, 3]))


def test_a_class_with_one_picture_is_read(tmp_path: Path) -> None:
    cells = read(put(folder(tmp_path / "cells"), {"basophil/only.png": encode(picture())}))
    assert cells.class_counts().tolist() == [1, 3, 3]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, -1, 2], "label -1 in row 2"),
        ([*range(8), 200], "label 200 in row 8 .*out of range"),
        ([0.0, 1.0, np.nan], "label nan in row 2"),
        ([0.0, 1.5], r"label 1\.5 in row 1"),
    ],
)
def test_impossible_labels_name_their_rows(tmp_path: Path, labels: list[float], message: str) -> None:
    path = npz(tmp_path / "cells.npz", labels)
    with pytest.raises(DataError, match=message):
        read(path)
    assert len(read(path, labelled=False)) == len(labels)


def test_labels_and_pictures_of_different_number(tmp_path: Path) -> None:
    path = npz(tmp_path / "cells.npz", [0, 1, 2], count=5)
    with pytest.raises(DataError, match=r"\(3,\) for 5 pictures"):
        read(path)
    assert len(read(path, labelled=False)) == 5


# faults of the whole ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", "a.csv", "a.png", "a.npy", "a.txt", "a"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 300, b"PK\x03\x04" + b"\xff" * 200, b"PAR1" * 40, b"\xff\xfe\x00"])
def test_no_error_of_another_library_escapes(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SmearlabError):
        read(tmp_path / name)


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "cells")


def test_a_missing_path(tmp_path: Path) -> None:
    folder(tmp_path / "cells")
    with pytest.raises(DataError, match=r"Did you mean 'cells'"):
        read(tmp_path / "cels")


def test_reading_needs_no_torch() -> None:
    code = "import sys; import smearlab.data.read, smearlab.data.stream; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# real cells ---------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_real_frames(pbc_original_path: Path) -> None:
    cells = read(pbc_original_path)
    assert cells.class_names == CLASS_NAMES
    assert cells.class_counts().tolist() == [30] * 8
    assert min(image.shape[0] for image in cells) > 300


@pytest.mark.real
@pytest.mark.slow
def test_real_cells_are_read_fast(pbc_path: Path) -> None:
    start = time.process_time()
    cells = read(pbc_path)
    decoded = time.process_time() - start
    read(pbc_path)
    start = time.perf_counter()
    read(pbc_path)
    opened = time.perf_counter() - start
    assert cells.class_counts().tolist() == [974, 2494, 1241, 2316, 971, 1136, 2663, 1878]
    assert cells.class_names == CLASS_NAMES
    assert cells.picture_shape == (96, 96)
    assert decoded < 12  # seconds of processor time, of which two cores give 12 in 6 s
    assert opened < 0.2 * max(1.0, os.getloadavg()[0])
