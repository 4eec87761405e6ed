"""Nuclei: against scikit-image's deconvolution, and against the masks that drawn cells were made from."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import hed2rgb, rgb2hed

from smearlab.celltypes import CLASS_NAMES
from smearlab.data.cells import BoolArray, UInt8Array
from smearlab.data.imaging import isolate_nuclei, segment_nuclei, stain_channel
from smearlab.data.smear.picture import draw_picture
from smearlab.data.smear.slide import make_slide
from smearlab.errors import DataError

BACKGROUND, NUCLEUS, RED_CELL = (250, 230, 205), (90, 50, 140), (208, 171, 167)


def field(*places: tuple[int, int, int], side: int = 96) -> UInt8Array:
    """Discs (row, column, radius) dyed as nuclei, beside a red cell in the corner."""
    rows, columns = np.mgrid[:side, :side]
    image = np.full((side, side, 3), BACKGROUND, np.uint8)
    image[np.hypot(rows, columns) < 25] = RED_CELL
    for row, column, radius in places:
        image[np.hypot(rows - row, columns - column) < radius] = NUCLEUS
    return image


def test_stain_channel_is_scikit_images_haematoxylin() -> None:
    amounts = np.zeros((1, 6, 3))
    amounts[0, :, 0] = [0, 0.05, 0.1, 0.15, 0.2, 0.24]
    picture = np.rint(hed2rgb(amounts) * 255).astype(np.uint8)
    np.testing.assert_allclose(stain_channel(picture) / 255 * 0.25, rgb2hed(picture)[..., 0], atol=0.002)
    np.testing.assert_allclose(stain_channel(picture)[0] / 255 * 0.25, amounts[0, :, 0], atol=0.01)


def test_a_nucleus_is_found_and_a_red_cell_is_not() -> None:
    regions = segment_nuclei(field((50, 45, 15)))
    rows, columns = np.mgrid[:96, :96]
    truth = np.hypot(rows - 50, columns - 45) < 15
    assert set(np.unique(regions)) == {0, 1}
    assert (truth & (regions > 0)).sum() / (truth | (regions > 0)).sum() > 0.9


def test_touching_nuclei_are_parted_and_numbered_from_the_middle() -> None:
    regions = segment_nuclei(field((48, 40, 14), (48, 66, 14), (84, 15, 8)))
    assert [regions[48, 40], regions[48, 66], regions[84, 15]] == [1, 2, 3]
    assert regions.max() == 3


def test_specks_are_no_nuclei() -> None:
    assert segment_nuclei(field((48, 48, 14), (80, 80, 2)))[80, 80] == 0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_has_no_nucleus(level: int) -> None:
    blank = np.full((20, 24, 3), level, np.uint8)
    assert not segment_nuclei(blank).any()
    assert (isolate_nuclei(blank, fill=7) == 7).all()


def test_a_picture_without_nucleus_has_none() -> None:
    assert not segment_nuclei(field()).any()


def dice(found: BoolArray, truth: BoolArray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_drawn_nuclei_are_found() -> None:
    scores = {}
    for number, name in enumerate(name for name in CLASS_NAMES if name != "platelet"):
        drawn = [draw_picture(7, 10 * number + copy, name, make_slide(7, copy)) for copy in range(3)]
        scores[name] = np.mean([dice(segment_nuclei(one.image) > 0, one.nucleus) for one in drawn])
    assert np.mean(list(scores.values())) > 0.8, scores


def test_isolating_keeps_the_nuclei_alone() -> None:
    picture = field((48, 48, 14), (20, 78, 10))
    regions = segment_nuclei(picture)
    both, central = isolate_nuclei(picture), isolate_nuclei(picture, keep="central", fill=0)
    np.testing.assert_array_equal(both[regions > 0], picture[regions > 0])
    assert (both[regions == 0] == 255).all()
    np.testing.assert_array_equal((central > 0).any(2), regions == 1)


def test_a_batch_is_its_pictures_one_by_one() -> None:
    batch = np.stack([field((48, 48, 14)), field((30, 60, 9)), field()])
    for function, shape in ((segment_nuclei, (3, 96, 96)), (stain_channel, (3, 96, 96)), (isolate_nuclei, batch.shape)):
        got = function(batch)
        assert got.dtype == np.uint8
        assert got.shape == shape
        np.testing.assert_array_equal(got, np.stack([function(picture) for picture in batch]))


def test_wrong_input_is_refused() -> None:
    for function in (segment_nuclei, stain_channel, isolate_nuclei):
        with pytest.raises(DataError):
            function(np.zeros((5, 5, 3)))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="keep='some'"):
        isolate_nuclei(field(), keep="some")  # type: ignore[arg-type]
