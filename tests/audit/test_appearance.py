"""Numbers that describe pixels."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from smearlab.audit.appearance import WIDTH, appearance, flat_shares, small
from smearlab.data.cells import UInt8Array


def _noise(side: int = 40, seed: int = 0) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def test_any_picture_has_finite_numbers() -> None:
    pictures = [_noise(), np.zeros((1, 1, 3), np.uint8), np.full((300, 20, 3), 255, np.uint8), _noise(7)]
    numbers = appearance(pictures)
    assert numbers.shape == (4, WIDTH)
    assert numbers.dtype == np.float32
    assert np.isfinite(numbers).all()


def test_no_pictures_have_no_rows() -> None:
    assert appearance([]).shape == (0, WIDTH)


def test_a_picture_is_described_alike_in_any_company() -> None:
    pictures = [_noise(seed=seed) for seed in range(5)]
    np.testing.assert_allclose(appearance(pictures)[3:4], appearance(pictures[3:4]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(appearance(pictures, chunk=2), appearance(pictures), rtol=1e-4, atol=1e-5)


def test_size_hardly_matters() -> None:
    soft = np.asarray(Image.fromarray(_noise(6)).resize((96, 96), Image.Resampling.BICUBIC))
    large = np.asarray(Image.fromarray(soft).resize((192, 192), Image.Resampling.BICUBIC))
    gap = np.abs(appearance([soft]) - appearance([large]))[0, 3:]
    strange = np.abs(appearance([soft]) - appearance([255 - soft]))[0, 3:]
    assert gap.mean() < 0.1 * strange.mean()


def test_flat_areas_are_counted() -> None:
    picture = np.zeros((10, 11, 3), np.uint8)
    picture[:, 5:] = 200
    equal, close, far = flat_shares(picture)
    assert equal == close
    assert far == pytest.approx(10 / (9 * 11 + 10 * 10))
    assert equal + far == pytest.approx(1)


def test_one_pixel_is_flat() -> None:
    assert flat_shares(np.zeros((1, 1, 3), np.uint8)) == (1.0, 1.0, 0.0)


def test_small_averages() -> None:
    chequers = np.repeat((255 * (np.indices((64, 64)).sum(0) % 2))[..., None], 3, axis=2).astype(np.uint8)
    assert set(np.unique(small(chequers))) <= {127, 128}
