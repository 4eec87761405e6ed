from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from smearlab.data import framing as framing_module
from smearlab.data.cells import Cells, UInt8Array
from smearlab.data.framing import Framing, frame_cells, frame_picture, frame_pictures
from smearlab.errors import DataError


def smooth(height: int, width: int, seed: int = 0) -> UInt8Array:
    """A picture with something in it that survives resizing."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("crop", ["none", "auto", "centre"])
def test_a_picture_that_is_framed_already_is_not_touched(crop: str) -> None:
    image = smooth(96, 96)
    framed = frame_picture(image, Framing.model_validate({"crop": crop}))
    assert np.shares_memory(framed, image)
    np.testing.assert_array_equal(framed, image)


def test_resizing_is_pillows() -> None:
    image = smooth(50, 70)
    for name, method in (("bilinear", 2), ("bicubic", 3), ("lanczos", 1), ("box", 4)):
        framed = frame_picture(image, Framing.model_validate({"crop": "none", "size": 32, "filter": name}))
        expected = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling(method)))
        np.testing.assert_array_equal(framed, expected)


def test_the_centre_crop_is_a_share_of_the_shorter_side() -> None:
    image = np.zeros((100, 160, 3), np.uint8)
    image[25:75, 55:105] = 255
    assert frame_picture(image, Framing(crop="centre", fraction=0.5, size=16)).min() == 255
    assert frame_picture(image, Framing(crop="centre", fraction=0.6, size=16)).min() < 255


@given(
    height=st.integers(1, 130),
    width=st.integers(1, 130),
    crop=st.sampled_from(["none", "centre", "cell", "auto"]),
    fraction=st.floats(0.01, 1.0),
)
def test_any_picture_gives_a_square(height: int, width: int, crop: str, fraction: float) -> None:
    wanted = Framing.model_validate({"crop": crop, "fraction": fraction, "size": 24})
    framed = frame_picture(smooth(height, width), wanted)
    assert framed.shape == (24, 24, 3)
    assert framed.dtype == np.uint8


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_stays_so(value: int) -> None:
    for size in ((90, 90), (200, 300), (360, 363)):
        image = np.full((*size, 3), value, np.uint8)
        for crop in ("none", "centre", "cell", "auto"):
            assert (frame_picture(image, Framing.model_validate({"crop": crop})) == value).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 3), np.float32), "float32"),
        (np.zeros((8, 8), np.uint8), r"\(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), r"\(8, 8, 4\)"),
        (np.zeros((0, 8, 3), np.uint8), r"\(0, 8, 3\)"),
        ("cell.png", "str"),
    ],
)
def test_other_things_than_pictures_are_refused(image: UInt8Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        frame_picture(image, Framing())


@pytest.mark.parametrize(
    "wrong", [{"crop": "smart"}, {"fraction": 0.0}, {"fraction": 1.5}, {"size": 4}, {"filter": "cubic"}, {"zoom": 1}]
)
def test_a_wrong_framing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Framing.model_validate(wrong)


def test_framed_cells_are_the_very_array(tiny_cells: Cells) -> None:
    assert frame_cells(tiny_cells, Framing(size=24)) is tiny_cells.images
    assert frame_cells(tiny_cells, Framing(size=24, crop="centre", fraction=0.5)) is not tiny_cells.images


def test_lazy_cells_of_mixed_sizes_are_framed_one_by_one(tiny_cells: Cells) -> None:
    images: Sequence[UInt8Array] = [smooth(20 + n, 40, n) for n in range(len(tiny_cells))]
    framed = frame_cells(replace(tiny_cells, images=images), Framing(size=16))
    for image, result in zip(images, framed, strict=True):
        np.testing.assert_array_equal(frame_picture(image, Framing(size=16)), result)


def test_neighbours_do_not_matter() -> None:
    images = [smooth(110 + 10 * n, 120, n) for n in range(8)]
    together = frame_pictures(images, Framing())
    for index in (0, 3, 7):
        np.testing.assert_array_equal(frame_pictures([images[index]], Framing())[0], together[index])


def test_no_pictures_give_no_pictures() -> None:
    assert frame_pictures([], Framing(size=16)).shape == (0, 16, 16, 3)


def test_large_collections_go_through_the_cache(tiny_cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = frame_cells(tiny_cells, Framing(size=32))
    monkeypatch.setattr(framing_module, "IN_MEMORY_BYTES", 0)
    mapped = frame_cells(tiny_cells, Framing(size=32))
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, in_memory)

    def broken(*_: object) -> None:
        raise AssertionError("the cached pictures should have been used")

    monkeypatch.setattr(framing_module, "_frame_into", broken)
    np.testing.assert_array_equal(frame_cells(tiny_cells, Framing(size=32)), in_memory)


def test_other_pixels_or_another_framing_are_another_cache_entry(
    tiny_cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing_module, "IN_MEMORY_BYTES", 0)
    first = frame_cells(tiny_cells, Framing(size=20))
    changed = np.asarray(tiny_cells.images).copy()
    changed[-1] = 255 - changed[-1]
    second = frame_cells(replace(tiny_cells, images=changed), Framing(size=20))
    assert (first[-1] != second[-1]).any()
    assert (frame_cells(tiny_cells, Framing(size=20, filter="box")) != first).any()


def test_an_error_in_one_picture_is_not_lost_in_a_thread(tiny_cells: Cells) -> None:
    images = [smooth(30, 30)] * 100 + [np.zeros((30, 30), np.uint8)]
    with pytest.raises(DataError, match="RGB"):
        frame_pictures(images, Framing(size=16))


@pytest.mark.parametrize("in_memory", [0, 2**30])
def test_framing_many_pictures_shows_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    images = np.stack([smooth(30, 30, seed) for seed in range(100)])
    cells = Cells(images, None, np.array([""] * 100), ("a", "b"), np.arange(100))
    monkeypatch.setattr(framing_module, "IN_MEMORY_BYTES", in_memory)
    frame_cells(cells, Framing(size=18))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    frame_cells(cells, Framing(size=17))
    captured = capsys.readouterr()
    assert "Framing pictures" in captured.err
    assert captured.out == ""
