"""High-pass filter and crop: against definitions, and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import Framing, frame_picture
from smearlab.data.imaging import crop_cells, high_pass
from smearlab.errors import DataError

NOISE = np.random.default_rng(0).integers(0, 256, (3, 40, 56, 3), dtype=np.uint8)


def test_high_pass_is_picture_minus_blur() -> None:
    from skimage.filters import gaussian

    slow = gaussian(NOISE[0].astype(np.float64), 3.0, mode="reflect", channel_axis=-1, truncate=4.0)
    expected = np.clip(128 + 0.5 * (NOISE[0] - slow), 0, 255)
    assert np.abs(high_pass(NOISE[0], sigma=3.0, gain=0.5) - expected).max() <= 0.51


def test_high_pass_keeps_what_is_fine_and_drops_what_is_slow() -> None:
    line = np.arange(96)
    slow, fine = 100 * np.sin(line / 96), 20 * (line % 2)
    picture = np.broadcast_to((60 + slow + fine)[None, :, None], (96, 96, 3)).astype(np.uint8)
    got = high_pass(picture, sigma=5).astype(float)
    assert abs(np.diff(got[48]).std() - np.diff(picture[48].astype(float)).std()) < 1
    assert np.ptp(got[48, 10:86:2, 0]) < 4 < np.ptp(picture[48, 10:86:2, 0].astype(int))


@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))), st.floats(0.3, 30))
@settings(max_examples=30, deadline=None)
def test_high_pass_takes_any_picture(picture: UInt8Array, sigma: float) -> None:
    got = high_pass(picture, sigma)
    assert got.dtype == np.uint8
    assert got.shape == picture.shape


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_blank_picture_is_middle_grey(level: int) -> None:
    assert (high_pass(np.full((9, 11, 3), level, np.uint8)) == 128).all()


def test_a_batch_is_its_pictures_one_by_one() -> None:
    for function in (high_pass, crop_cells):
        np.testing.assert_array_equal(function(NOISE), np.stack([function(picture) for picture in NOISE]))
    assert len(high_pass(NOISE[:0])) == 0


def test_a_crop_is_that_of_a_recipe() -> None:
    image = np.full((120, 160, 3), (250, 230, 205), np.uint8)
    rows, columns = np.mgrid[:120, :160]
    image[np.hypot(rows - 70, columns - 100) < 14] = (90, 50, 140)
    got = crop_cells(image, 32)
    np.testing.assert_array_equal(got, frame_picture(image, Framing(crop="cell", size=32)))
    assert got.shape == (32, 32, 3)
    dark = np.argwhere(got[..., 1] < 120)
    np.testing.assert_allclose(dark.mean(0), 15.5, atol=1)


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(DataError, match="sigma > 0"):
        high_pass(NOISE, sigma=0)
    with pytest.raises(DataError, match="gain > 0"):
        high_pass(NOISE, gain=float("nan"))
    with pytest.raises(DataError, match="size=4"):
        crop_cells(NOISE, size=4)


@pytest.mark.parametrize("wrong", [NOISE / 255, NOISE[..., :2], NOISE[0, 0], NOISE[:, :0], [1, 2]])
def test_wrong_pictures_are_refused(wrong: UInt8Array) -> None:
    for function in (high_pass, crop_cells):
        with pytest.raises(DataError, match=r"uint8|RGB|array"):
            function(wrong)
