"""Mirror, turn, rotate, zoom and shift, against NumPy and torchvision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as reference
from torchvision.transforms import InterpolationMode

from smearlab.augment.config import AugmentConfig
from smearlab.augment.geometry import apply_affine, apply_turns, draw_affine, draw_turns, sampling_grid, symmetric


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth_pictures(count: int = 2, side: int = 32) -> torch.Tensor:
    """Pictures that change slowly, so that two ways of resampling agree closely."""
    across = torch.linspace(0, 3, side)
    waves = torch.stack([torch.sin(across[None] * (k + 1) + across[:, None] * (2 - k)) for k in range(3)])
    return (waves * 0.4 + 0.5).expand(count, 3, side, side).clone()


def affine(angle: float = 0.0, zoom: float = 1.0, shift: tuple[float, float] = (0, 0)) -> torch.Tensor:
    """Return the matrix of `draw_affine` at fixed parameters; the angle in degrees."""
    cos, sin = math.cos(math.radians(angle)) / zoom, math.sin(math.radians(angle)) / zoom
    return torch.tensor([[[cos, -sin, shift[0]], [sin, cos, shift[1]]]])


class TestTurns:
    def test_all_eight_differ_and_are_the_symmetries_of_the_square(self) -> None:
        picture = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
        turned = apply_turns(torch.from_numpy(picture).expand(8, 1, 3, 3), torch.arange(8)).numpy()
        expected = {np.rot90(base, k, (1, 2)).tobytes() for base in (picture, picture[:, :, ::-1]) for k in range(4)}
        assert len(expected) == 8
        assert {picture.tobytes() for picture in turned} == expected

    @pytest.mark.parametrize("turn", range(8))
    def test_bits_mean_what_the_docstring_says(self, turn: int) -> None:
        picture = np.random.default_rng(turn).integers(0, 256, (3, 5, 5), dtype=np.uint8)
        expected = picture[:, ::-1] if turn & 1 else picture
        expected = expected[:, :, ::-1] if turn & 2 else expected
        expected = expected.transpose(0, 2, 1) if turn & 4 else expected
        turned = apply_turns(torch.from_numpy(picture)[None], torch.tensor([turn]))
        np.testing.assert_array_equal(turned[0].numpy(), expected)

    def test_each_picture_takes_its_own_turn_and_the_input_stays(self) -> None:
        pictures = torch.randint(0, 256, (6, 3, 4, 4), dtype=torch.uint8, generator=generator())
        before, turns = pictures.clone(), torch.tensor([5, 0, 3, 5, 7, 1])
        turned = apply_turns(pictures, turns)
        assert turned.dtype == torch.uint8
        assert torch.equal(pictures, before)
        for position, turn in enumerate(turns):
            alone = apply_turns(pictures[position : position + 1], turn[None])
            assert torch.equal(turned[position], alone[0])

    def test_draws_are_even(self) -> None:
        counts = torch.bincount(draw_turns(8000, generator()), minlength=8)
        assert len(counts) == 8
        assert ((counts - 1000).abs() < 5 * math.sqrt(1000)).all()


class TestAffine:
    def test_identity_changes_nothing(self) -> None:
        pictures = torch.rand(2, 3, 9, 9, generator=generator())
        torch.testing.assert_close(apply_affine(pictures, affine().expand(2, 2, 3)), pictures, atol=2e-6, rtol=0)

    def test_a_quarter_turn_is_exact(self) -> None:
        pictures = torch.rand(1, 3, 8, 8, generator=generator())
        turned = apply_affine(pictures, affine(angle=90))
        torch.testing.assert_close(turned, torch.rot90(pictures, 1, (2, 3)), atol=2e-6, rtol=0)

    def test_a_shift_by_whole_pixels_mirrors_the_border(self) -> None:
        side, pixels = 10, 3
        pictures = torch.rand(1, 3, side, side, generator=generator())
        shifted = apply_affine(pictures, affine(shift=(2 * pixels / side, 0)))
        padded = np.pad(pictures.numpy(), ((0, 0), (0, 0), (0, 0), (0, pixels)), mode="symmetric")
        np.testing.assert_allclose(shifted.numpy(), padded[..., pixels:], atol=5e-6)

    @pytest.mark.parametrize(("angle", "zoom"), [(30.0, 1.0), (0.0, 1.3), (-75.0, 0.9), (140.0, 1.15)])
    def test_rotation_and_zoom_agree_with_torchvision(self, angle: float, zoom: float) -> None:
        pictures = smooth_pictures()
        ours = apply_affine(pictures, affine(angle, zoom).expand(2, 2, 3))
        theirs = reference.affine(
            pictures, angle=-angle, translate=[0, 0], scale=zoom, shear=[0.0], interpolation=InterpolationMode.BILINEAR
        )
        inner = slice(10, 22)  # the corners differ on purpose: torchvision makes them black
        torch.testing.assert_close(ours[..., inner, inner], theirs[..., inner, inner], atol=1e-4, rtol=0)

    def test_corners_are_filled_with_smear_not_with_black(self) -> None:
        white = torch.ones(1, 3, 16, 16)
        torch.testing.assert_close(apply_affine(white, affine(45, 0.8, (0.2, 0.2))), white)

    def test_pictures_need_not_be_square(self) -> None:
        pictures = torch.rand(2, 3, 6, 10, generator=generator())
        assert apply_affine(pictures, affine(180).expand(2, 2, 3)).shape == pictures.shape

    def test_the_grid_is_that_of_torch(self) -> None:
        matrices = draw_affine(AugmentConfig(), 5, generator())
        expected = torch.nn.functional.affine_grid(matrices, [5, 3, 24, 40], align_corners=False)
        torch.testing.assert_close(sampling_grid(matrices, 24, 40), expected, rtol=0, atol=1e-6)


class TestDraws:
    def test_symmetric_covers_minus_one_to_one(self) -> None:
        draws = symmetric(4000, generator())
        assert -1 <= float(draws.min()) < -0.99
        assert 0.99 < float(draws.max()) < 1
        assert abs(float(draws.mean())) < 0.05

    def test_strength_zero_only_mirrors(self) -> None:
        still = AugmentConfig(policy="geometry", rotation=0, zoom=0, shift=0)
        matrices = draw_affine(still, 64, generator())
        mirror = torch.tensor([[-1.0, 0, 0], [0, 1, 0]])
        same = [bool(torch.equal(matrix, torch.eye(2, 3))) for matrix in matrices]
        assert all(same[row] or torch.equal(matrices[row], mirror) for row in range(64))
        assert 16 < sum(same) < 48

    def test_draws_stay_within_the_strengths(self) -> None:
        config = AugmentConfig(policy="geometry", rotation=20, zoom=0.3, shift=0.1)
        matrices = draw_affine(config, 2000, generator())
        zoom = torch.linalg.det(matrices[:, :, :2]).abs().rsqrt()
        assert 1 / 1.3 - 1e-5 <= float(zoom.min()) < 0.8
        assert 1.25 < float(zoom.max()) <= 1.3 + 1e-5
        angle = torch.rad2deg(torch.atan2(-matrices[:, 0, 1], matrices[:, 1, 1]))
        assert 19 < float(angle.abs().max()) <= 20 + 1e-3
        shift = matrices[:, :, 2].abs().max()
        assert 0.19 < float(shift) <= 0.2

    def test_the_generator_decides(self) -> None:
        config = AugmentConfig(policy="geometry")
        first, again, other = (draw_affine(config, 5, generator(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert len({tuple(matrix.flatten().tolist()) for matrix in first}) == 5
