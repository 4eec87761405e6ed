from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import Framing, frame_picture
from smearlab.data.window import Window, auto_window, cell_window, centre_window, nucleus_mask

BACKGROUND, RED_CELL, NUCLEUS = (250, 230, 205), (205, 165, 170), (90, 50, 140)


def smear(side: int, radius: float, nucleus: float, at: tuple[float, float] = (0.5, 0.5)) -> UInt8Array:
    """Red cells of a radius on a grid, and one nucleus; lengths in pixels, the place as shares of the side."""
    rows, columns = np.mgrid[:side, :side]
    image = np.full((side, side, 3), BACKGROUND, np.uint8)
    pitch = 3.0 * radius
    across = np.hypot((rows + pitch / 3) % pitch - pitch / 2, (columns + pitch / 5) % pitch - pitch / 2)
    distance = np.hypot(rows - at[0] * side, columns - at[1] * side)
    image[across < radius] = RED_CELL
    image[distance < 1.7 * nucleus] = BACKGROUND
    image[distance < nucleus] = NUCLEUS
    return image


def resized(image: UInt8Array, side: int) -> UInt8Array:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def test_a_window_beyond_the_border_repeats_the_edge() -> None:
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    cut = Window(left=-2, top=2, side=6).cut(image)
    np.testing.assert_array_equal(cut, np.pad(image, ((0, 4), (2, 0), (0, 0)), "edge")[2:8, :6])
    assert np.shares_memory(Window(1, 1, 3).cut(image), image)


@pytest.mark.parametrize("shape", [(360, 363), (360, 360), (366, 369), (340, 380)])
def test_whole_frames_of_the_analyser_give_their_centre_200_pixels(shape: tuple[int, int]) -> None:
    window = auto_window(np.zeros((*shape, 3), np.uint8))
    assert window == Window((shape[1] - 200) // 2, (shape[0] - 200) // 2, 200)


def test_small_and_square_pictures_are_used_whole() -> None:
    for shape in ((28, 28), (64, 66), (99, 99)):
        assert auto_window(np.zeros((*shape, 3), np.uint8)) is None


def test_pictures_that_are_not_square_give_their_centre_square() -> None:
    assert auto_window(np.zeros((60, 90, 3), np.uint8)) == Window(15, 0, 60)
    assert auto_window(np.zeros((90, 60, 3), np.uint8)) == Window(0, 15, 60)


@pytest.mark.parametrize("side", [128, 224, 300, 512])
def test_a_wide_field_is_cropped_and_a_framed_one_is_not(side: int) -> None:
    # A red cell is 7.5 µm wide and a framed cell shows 20 µm, so its radius is 0.19 of the side.
    framed = resized(smear(384, radius=0.19 * 384, nucleus=0.2 * 384), side)
    wide = resized(smear(384, radius=0.08 * 384, nucleus=0.09 * 384), side)
    assert auto_window(framed) is None
    window = auto_window(wide)
    assert window is not None
    assert 0.4 * side <= window.side <= 0.72 * side
    assert window == centre_window(side, side, window.side)


@pytest.mark.parametrize("at", [(0.5, 0.5), (0.4, 0.62)])
def test_the_cell_crop_is_centred_on_the_nucleus(at: tuple[float, float]) -> None:
    window = cell_window(smear(300, radius=28, nucleus=30, at=at))
    assert window.top + window.side / 2 == pytest.approx(at[0] * 300, abs=5)
    assert window.left + window.side / 2 == pytest.approx(at[1] * 300, abs=5)
    assert 60 * 1.4 < window.side < 60 * 1.9


def test_the_cell_crop_takes_the_blob_nearest_the_centre() -> None:
    image = smear(300, radius=28, nucleus=25)
    image[5:95, 5:95] = NUCLEUS
    window = cell_window(image)
    assert (window.left + window.side / 2, window.top + window.side / 2) == pytest.approx((150, 150), abs=5)


def test_the_cell_crop_of_a_cell_at_the_border_is_padded() -> None:
    image = smear(200, radius=20, nucleus=25, at=(0.5, 0.99))
    framed = frame_picture(image, Framing(crop="cell", size=64))
    assert nucleus_mask(framed)[20:44, 30:].mean() > 0.7


def test_without_anything_stained_the_cell_crop_is_the_centre() -> None:
    assert cell_window(np.full((50, 80, 3), 200, np.uint8)) == Window(15, 0, 50)


def test_a_nucleus_is_told_from_red_cells_in_dim_light() -> None:
    image = (smear(120, radius=14, nucleus=20) * 0.6).astype(np.uint8)
    rows, columns = np.mgrid[:120, :120]
    truth = np.hypot(rows - 60, columns - 60) < 20
    assert (nucleus_mask(image) == truth).mean() > 0.99


def read_pairs(originals: Path, parquet: Path) -> list[tuple[UInt8Array, UInt8Array]]:
    """Whole frames and the same cells at 96×96, paired by file name."""
    pq = pytest.importorskip("pyarrow.parquet", reason="reading Parquet needs its extra")
    images = pq.read_table(parquet, columns=["image"]).column("image").combine_chunks()
    place = {path: row for row, path in enumerate(images.field("path").to_pylist())}
    files = sorted(originals.glob("*/*.jpg"))
    cells = [images[place[f"{file.parent.name}/{file.name}"]].as_py()["bytes"] for file in files]
    return [
        (np.asarray(Image.open(file).convert("RGB")), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
        for file, data in zip(files, cells, strict=True)
    ]


@pytest.mark.real
def test_whole_frames_become_the_training_cells(pbc_original_path: Path, pbc_path: Path) -> None:
    pairs = read_pairs(pbc_original_path, pbc_path)
    framing = Framing()
    differences = [np.abs(frame_picture(frame, framing).astype(int) - cell).mean() for frame, cell in pairs]
    # The cells were saved as JPEG once more, which alone makes 1 to 2.5 grey levels.
    assert np.mean(differences) < 2.0
    assert np.max(differences) < 3.0


@pytest.mark.real
def test_real_cells_are_left_alone_and_real_fields_are_cropped(pbc_original_path: Path, pbc_path: Path) -> None:
    pairs = read_pairs(pbc_original_path, pbc_path)
    for side in (128, 224, 300):
        alone = [auto_window(resized(cell, side)) is None for _, cell in pairs]
        cropped = [auto_window(resized(frame, side)) is not None for frame, _ in pairs]
        assert np.mean(alone) >= 0.98
        assert np.mean(cropped) >= 0.88
