"""Random fields have the statistics that the drawing counts on."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.data.smear.canvas import SIDE
from smearlab.data.smear.textures import fractal_noise, grains, openings, smooth_noise


@pytest.mark.parametrize("scale", [1.6, 4, 12])
def test_noise_has_zero_mean_and_unit_variance(scale: float) -> None:
    fields = np.stack([smooth_noise(np.random.default_rng(seed), scale) for seed in range(12)])
    assert fields.shape == (12, SIDE, SIDE)
    assert abs(fields.mean()) < 0.1
    assert fields.std() == pytest.approx(1, abs=0.15)


def test_larger_scale_is_smoother() -> None:
    rough, smooth = (smooth_noise(np.random.default_rng(0), scale) for scale in (2, 10))
    assert np.abs(np.diff(smooth)).mean() < 0.4 * np.abs(np.diff(rough)).mean()


def test_octaves_add_detail_and_keep_the_variance() -> None:
    plain, rich = (fractal_noise(np.random.default_rng(0), 8, octaves) for octaves in (1, 3))
    assert np.abs(np.diff(rich)).mean() > 1.5 * np.abs(np.diff(plain)).mean()
    assert rich.std() == pytest.approx(1, abs=0.2)


def test_grains_cover_what_radius_and_density_say() -> None:
    full = grains(np.random.default_rng(1), 4.0, 1.2)
    half = grains(np.random.default_rng(1), 4.0, 1.2, 0.5)
    assert full.min() >= 0
    assert full.max() <= 1
    assert full.mean() == pytest.approx(np.pi * 1.2**2 / 16, rel=0.25)
    assert half.mean() == pytest.approx(full.mean() / 2, rel=0.2)
    assert not grains(np.random.default_rng(1), 4.0, 1.2, 0.0).any()


def test_openings_leave_their_share_open() -> None:
    for share in (0.1, 0.4):
        assert (openings(np.random.default_rng(2), 2.0, share) > 0.5).mean() == pytest.approx(share, abs=0.05)
