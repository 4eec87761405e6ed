from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from smearlab.data.cells import UInt8Array
from smearlab.data.framing import Framing
from smearlab.inference.statistics import STATISTICS, measure, picture_statistics, reference_statistics, signature


def cells(count: int, seed: int = 0) -> UInt8Array:
    """Dark disks on a light ground, with grain."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96]
    pictures = []
    for _ in range(count):
        inside = np.hypot(rows - rng.uniform(42, 54), columns - rng.uniform(42, 54)) < rng.uniform(18, 26)
        picture = np.where(inside[..., None], (110, 60, 150), (235, 215, 205)) + rng.normal(0, 6, (96, 96, 3))
        pictures.append(np.clip(picture, 0, 255))
    return np.stack(pictures).astype(np.uint8)


def moved(altered: UInt8Array, name: str) -> float:
    """By how many standard deviations a statistic of altered pictures has moved."""
    reference = reference_statistics(list(cells(40, 1)), Framing())
    return float(signature(measure(altered), reference)[STATISTICS.index(name)])


def test_every_statistic_has_a_name_and_is_finite() -> None:
    blank = np.full((1, 96, 96, 3), 255, np.uint8)
    for pictures in (cells(3), blank, blank * 0, np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)):
        found = measure(pictures)
        assert found.shape == (len(pictures), len(STATISTICS))
        assert np.isfinite(found).all()
    assert len(set(STATISTICS)) == len(STATISTICS)


def test_alterations_move_what_they_should() -> None:
    usual = cells(20, 2)
    blurred = np.stack([np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(2))) for one in usual])
    yellow = (usual * (1.0, 0.95, 0.6)).astype(np.uint8)
    shifted = np.roll(usual, 20, axis=2)
    assert moved(blurred, "detail at 0.34 per pixel") < -3
    assert moved(yellow, "blue of the brightest") < -3
    assert moved(shifted, "cell off the middle") > 3
    assert abs(moved(usual, "blue of the brightest")) < 1


def test_sizes_do_not_matter_and_batches_change_nothing() -> None:
    pictures = list(cells(70, 3))
    whole = picture_statistics(pictures, Framing(size=48, crop="none"))
    np.testing.assert_allclose(whole[65:], picture_statistics(pictures[65:], Framing(size=112, crop="none")), rtol=1e-4)
    assert picture_statistics([], Framing()).shape == (0, len(STATISTICS))
    assert signature(whole, np.stack([whole.mean(0), whole.std(0)]))[: len(STATISTICS)] == pytest.approx(0, abs=0.05)
