import io
import math
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from smearlab.data.forms import npz
from smearlab.data.forms.base import Entry
from smearlab.data.forms.npz import NpzForm
from smearlab.errors import DataError, UnreadableError

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def save(path: Path, **arrays: Any) -> NpzForm:
    np.savez(path / "cells.npz", **arrays)
    return NpzForm(path / "cells.npz", "cells")


def pixels(entries: list[Entry]) -> NDArray[np.uint8]:
    return np.stack([entry.content for entry in entries if isinstance(entry.content, np.ndarray)])


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_challenge_layout(tmp_path: Path, shape: tuple[int, ...], kind: type) -> None:
    labels: NDArray[Any] = np.array([0, 3, 7, 1, 1], kind).reshape(shape)
    form = save(tmp_path, images=PICTURES, labels=labels, extra=np.arange(3), meta=np.array("x"))
    entries = list(form.entries())
    assert np.array_equal(pixels(entries), PICTURES)
    assert [entry.label for entry in entries] == [0, 3, 7, 1, 1]
    assert [entry.row for entry in entries] == [0, 1, 2, 3, 4]
    assert entries[4].source == "cells.npz#4"
    assert {entry.part for entry in entries} == {""}
    assert form.labelling().fault == ""


def test_medmnist_layout_keeps_its_split(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for part, start, stop in (("test", 4, 5), ("train", 0, 3), ("val", 3, 4)):
        arrays[f"{part}_images"] = PICTURES[start:stop]
        arrays[f"{part}_labels"] = np.arange(start, stop)[:, None]
    entries = list(save(tmp_path, **arrays).entries())
    assert np.array_equal(pixels(entries), PICTURES)
    assert [entry.label for entry in entries] == [0, 1, 2, 3, 4]
    assert [entry.part for entry in entries] == ["train"] * 3 + ["val", "test"]
    assert entries[4].source == "cells.npz#4"


def test_class_names_may_be_strings(tmp_path: Path) -> None:
    form = save(tmp_path, images=PICTURES[:2], labels=np.array(["ig", "lymphocyte"]))
    assert [entry.label for entry in form.entries()] == ["ig", "lymphocyte"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("by_columns", [False, True])
def test_any_way_of_saving_gives_the_same(tmp_path: Path, compressed: bool, by_columns: bool) -> None:
    images = np.asfortranarray(PICTURES) if by_columns else PICTURES
    write = np.savez_compressed if compressed else np.savez
    write(tmp_path / "cells.npz", images=images)
    entries = list(NpzForm(tmp_path / "cells.npz", "cells").entries())
    assert np.array_equal(pixels(entries), PICTURES)


def test_arrays_are_read_a_few_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "_CHUNK_BYTES", 2 * PICTURES[0].nbytes)
    form = save(tmp_path, images=PICTURES)
    assert [len(chunk) for chunk in form._chunks("images")] == [2, 2, 1]
    assert np.array_equal(pixels(list(form.entries())), PICTURES)


def test_grey_and_transparent_pictures(tmp_path: Path) -> None:
    for grey in (PICTURES[..., 0], PICTURES[..., :1]):
        decoded = pixels(list(save(tmp_path, images=grey).entries()))
        assert np.array_equal(decoded, np.repeat(PICTURES[..., :1], 3, axis=3))
    clear = np.concatenate([PICTURES, np.zeros_like(PICTURES[..., :1])], axis=3)
    assert (pixels(list(save(tmp_path, images=clear).entries())) == 255).all()


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (np.zeros(4, int), r"shape \(4,\) for 5 pictures"),
        (np.zeros((5, 8), int), "argmax"),
        (np.zeros((5, 1, 1), int), "shape"),
        (np.array(5), "shape"),
        (np.array([0, None, 1, 1, 1], dtype=object), "Python objects"),
    ],
)
def test_impossible_labels_matter_only_when_wanted(tmp_path: Path, labels: NDArray[Any], fault: str) -> None:
    form = save(tmp_path, images=PICTURES, labels=labels)
    assert np.array_equal(pixels(list(form.entries())), PICTURES)
    with pytest.raises(DataError, match=fault):
        raise DataError(form.labelling().fault)


def test_absent_labels_are_named(tmp_path: Path) -> None:
    assert (
        "has no 'labels'. Did you mean 'lables'?"
        in save(tmp_path, images=PICTURES, lables=np.zeros(5)).labelling().fault
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 3, 6, 7), np.uint8), "channels first"),
        (np.zeros((5, 6, 7, 2), np.uint8), r"shape \(5, 6, 7, 2\)"),
        (np.zeros((6, 7, 3), np.uint8), r"images\[None\]"),
        (np.zeros((5, 60), np.uint8), "shape"),
        (np.zeros((), np.uint8), "shape"),
        (np.zeros((0, 6, 7, 3), np.uint8), "empty"),
        (np.zeros((5, 0, 7, 3), np.uint8), "empty"),
        (np.zeros((5, 6, 7, 3), bool), "of type bool"),
        (np.zeros((5, 6, 7, 3), complex), "of type complex"),
        (np.array([PICTURES[0], None], dtype=object), "Python objects"),
        (np.full((5, 6, 7, 3), 300, np.uint16), "from 300 to 300"),
        (np.full((5, 6, 7, 3), -1), "from -1 to -1"),
        (np.full((5, 6, 7, 3), 0.5), r"fractions.*images \* 255"),
        (np.full((5, 6, 7, 3), 128.5), "fractions"),
    ],
)
def test_impossible_pictures_are_refused(tmp_path: Path, images: NDArray[Any], message: str) -> None:
    form = save(tmp_path, images=images, labels=np.arange(5))
    with pytest.raises(DataError, match=message):
        list(form.entries())


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.uint16])
def test_whole_numbers_of_any_type_are_taken(tmp_path: Path, kind: type) -> None:
    assert np.array_equal(pixels(list(save(tmp_path, images=PICTURES.astype(kind)).entries())), PICTURES)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_with_nan_is_unreadable_alone(tmp_path: Path, value: float) -> None:
    images = PICTURES.astype(np.float32)
    images[3, 2, 2, 1] = value
    contents = [entry.content for entry in save(tmp_path, images=images).entries()]
    assert isinstance(contents[3], UnreadableError)
    assert "NaN" in str(contents[3])
    assert [isinstance(content, np.ndarray) for content in contents] == [True, True, True, False, True]


def test_unknown_keys_are_listed(tmp_path: Path) -> None:
    form = save(tmp_path, x=PICTURES, y=np.arange(5))
    with pytest.raises(DataError, match="holds x, y, but neither 'images'"):
        list(form.entries())


@pytest.mark.parametrize("cut", [10, 200, 400, -30])
def test_a_truncated_archive_is_damaged(tmp_path: Path, cut: int) -> None:
    form = save(tmp_path, images=PICTURES, labels=np.arange(5))
    form.path.write_bytes(form.path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"damaged or no .npz file"):
        list(form.entries())


def test_flipped_bytes_inside_are_noticed(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "cells.npz", images=PICTURES)
    data = bytearray((tmp_path / "cells.npz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "cells.npz").write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        list(NpzForm(tmp_path / "cells.npz", "cells").entries())


def test_a_header_that_claims_too_much_is_damaged(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 96, 96, 3)})
    with zipfile.ZipFile(tmp_path / "cells.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(1000))
    with pytest.raises(DataError, match="damaged"):
        list(NpzForm(tmp_path / "cells.npz", "cells").entries())


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        list(NpzForm(tmp_path / "none.npz", "none").entries())


def save_bomb(path: Path, shape: tuple[int, ...], descr: str = "|u1") -> NpzForm:
    """A small archive that swells to zeros of any shape."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    packed = zipfile.ZipFile(path / "cells.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packed as archive, archive.open("images.npy", "w") as file:
        file.write(header.getvalue())
        for _ in range(0, math.prod(shape) * np.dtype(descr).itemsize, 1_000_000):
            file.write(bytes(1_000_000))
    return NpzForm(path / "cells.npz", "cells")


@pytest.mark.parametrize(
    ("shape", "descr", "message"),
    [
        ((1, 8000, 8000), "|u1", "8000×8000 is more than 50,000,000 pixels"),
        ((1, 3000, 3000, 3), "<f8", "as float64 is more than 200,000,000 bytes each"),
    ],
)
def test_a_small_file_cannot_swell_to_a_huge_picture(
    tmp_path: Path, shape: tuple[int, ...], descr: str, message: str
) -> None:
    form = save_bomb(tmp_path, shape, descr)
    assert form.path.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            list(form.entries())
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_labels_cannot_swell_either(tmp_path: Path) -> None:
    fault = save(tmp_path, images=PICTURES, labels=np.zeros(5, "U2000")).labelling().fault
    assert "8,000 bytes each" in fault
    with zipfile.ZipFile(tmp_path / "cells.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_images.npy", b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + bytes(10))
    with pytest.raises(DataError, match="header is too long"):
        NpzForm(tmp_path / "cells.npz", "cells")._header("train_images")


def test_columns_first_are_read_a_few_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.asfortranarray(RNG.integers(0, 256, (400, 40, 50, 3), dtype=np.uint8))
    monkeypatch.setattr(npz, "_CHUNK_BYTES", 100_000)
    form = save(tmp_path, images=images)
    tracemalloc.start()
    try:
        chunks = list(map(len, form._chunks("images")))
        assert tracemalloc.get_traced_memory()[1] < images.nbytes / 4
    finally:
        tracemalloc.stop()
    assert (sum(chunks), max(chunks)) == (400, 16)
    assert np.array_equal(pixels(list(form.entries())), images)
