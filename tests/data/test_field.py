from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from smearlab.data.cells import UInt8Array
from smearlab.data.field import field_features, field_width, otsu


def discs(radius: float, side: int = 240) -> UInt8Array:
    """A grid of red cells about a large nucleus, lengths in pixels."""
    rows, columns = np.mgrid[:side, :side]
    pitch = 2.8 * radius
    across = np.hypot(rows % pitch - pitch / 2, (columns + (rows // pitch) * 3) % pitch - pitch / 2)
    image = np.full((side, side, 3), (250, 230, 205), np.uint8)
    image[across < radius] = (205, 165, 170)
    image[np.hypot(rows - side / 2, columns - side / 2) < 1.1 * radius] = (90, 50, 140)
    return image


def test_the_estimate_grows_with_the_field() -> None:
    widths = [field_width(discs(radius)) for radius in (46, 40, 34, 25)]
    assert widths == sorted(widths)
    assert widths[-1] > 1.5 * widths[0]


def test_the_number_of_pixels_hardly_matters() -> None:
    image = Image.fromarray(discs(24, 480))
    widths = [field_width(np.asarray(image.resize((side, side), Image.Resampling.BOX))) for side in (120, 240, 480)]
    assert max(widths) / min(widths) < 1.06


def test_light_and_blur_hardly_matter() -> None:
    image = discs(24)
    plain = field_width(image)
    dim = (image * 0.6 + 20).astype(np.uint8)
    soft = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))
    assert field_width(dim) == pytest.approx(plain, rel=0.05)
    assert field_width(soft) == pytest.approx(plain, rel=0.15)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_picture_of_one_colour_gives_finite_features(value: int) -> None:
    features = field_features(np.full((60, 60, 3), value, np.uint8))
    assert features.shape == (24,)
    assert np.isfinite(features).all()


def test_noise_gives_finite_features() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    assert np.isfinite(field_width(noise))


def test_otsu_agrees_with_the_reference() -> None:
    filters = pytest.importorskip("skimage.filters", reason="the reference comes with the dev extra")
    rng = np.random.default_rng(0)
    for low, high in ((40, 200), (90, 130), (10, 250)):
        values = np.clip(np.r_[rng.normal(low, 12, 3000), rng.normal(high, 15, 1000)], 0, 255).astype(np.uint8)
        ours, reference = otsu(values), int(filters.threshold_otsu(values))
        np.testing.assert_array_equal(values > ours, values > reference)


def test_otsu_of_two_values_parts_them() -> None:
    assert 10 <= otsu(np.array([10, 10, 10, 200], np.uint8)) < 200
    assert otsu(np.zeros(0, np.uint8)) == 0
