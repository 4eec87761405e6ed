"""A policy is a function of pictures and generator alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.augment.properties import steps_of

from smearlab.augment.config import AugmentConfig, PolicyName
from smearlab.augment.policy import augment

POLICIES = get_args(PolicyName)


def raw(count: int = 4, height: int = 8, width: int = 8) -> torch.Tensor:
    source = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=source)


def apply(
    policy: str, pictures: torch.Tensor, seed: int = 0, strengths: Mapping[str, float] | None = None
) -> torch.Tensor:
    config = AugmentConfig.model_validate({"policy": policy, **steps_of(policy), **(strengths or {})})
    return augment(pictures, config, torch.Generator().manual_seed(seed))


def test_none_only_scales() -> None:
    pictures = raw()
    expected = pictures.numpy().transpose(0, 3, 1, 2).astype(np.float32) / 255
    np.testing.assert_array_equal(apply("none", pictures).numpy(), expected)


@pytest.mark.parametrize("size", [(8, 8), (6, 10)])
@pytest.mark.parametrize("policy", POLICIES)
class TestEveryPolicy:
    def test_range_dtype_and_shape(self, policy: str, size: tuple[int, int]) -> None:
        result = apply(policy, raw(5, *size))
        assert result.dtype == torch.float32
        assert result.shape == (5, 3, *size)
        assert 0 <= float(result.min()) <= float(result.max()) <= 1

    def test_has_no_state_and_is_decided_by_the_generator(self, policy: str, size: tuple[int, int]) -> None:
        pictures = raw(5, *size)
        before, state = pictures.clone(), torch.get_rng_state()
        first = apply(policy, pictures, seed=1)
        torch.rand(3)
        assert torch.equal(first, apply(policy, pictures, seed=1))
        torch.set_rng_state(state)
        apply(policy, pictures, seed=2)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.equal(pictures, before)
        if policy != "none":
            assert not torch.equal(first, apply(policy, pictures, seed=2))

    def test_a_picture_does_not_depend_on_its_neighbours(self, policy: str, size: tuple[int, int]) -> None:
        pictures = raw(3, *size)
        others = pictures.clone()
        others[1:] = 255 - others[1:]
        assert torch.equal(apply(policy, pictures)[0], apply(policy, others)[0])


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "none"])
def test_each_picture_has_its_own_draw(policy: str) -> None:
    same = raw(1).expand(32, 8, 8, 3)
    results = {picture.numpy().tobytes() for picture in apply(policy, same)}
    assert len(results) == 8 if policy == "flips" else len(results) >= 31


def test_flips_are_exact_symmetries() -> None:
    picture = raw(1)
    plane = picture[0].numpy().transpose(2, 0, 1).astype(np.float32) / 255
    eight = {np.rot90(base, k, (1, 2)).tobytes() for base in (plane, plane[:, :, ::-1]) for k in range(4)}
    assert {one.numpy().tobytes() for one in apply("flips", picture.expand(64, 8, 8, 3))} == eight


def test_flips_of_a_picture_that_is_not_square_keep_its_shape() -> None:
    picture = raw(1, 6, 10)
    plane = picture[0].permute(2, 0, 1).float() / 255
    four = [plane, plane.flip(1), plane.flip(2), plane.flip(1, 2)]
    found = set()
    for one in apply("flips", picture.expand(40, 6, 10, 3)):
        distances = [float((one - other).abs().max()) for other in four]
        assert min(distances) < 1e-5
        found.add(int(np.argmin(distances)))
    assert found == {0, 1, 2, 3}


@pytest.mark.parametrize("policy", ["geometry", "light"])
def test_strength_zero_leaves_a_picture_or_its_mirror_image(policy: str) -> None:
    names = ("rotation", "zoom", "shift", "brightness", "contrast", "saturation", "channels")
    pictures = raw(16)
    plain = pictures.permute(0, 3, 1, 2).float() / 255
    result = apply(policy, pictures, strengths=dict.fromkeys(names, 0.0))
    same = (result - plain).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (result - plain.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert bool((same | mirrored).all())
    assert 0 < int(same.sum()) < 16


def test_light_is_geometry_with_another_colour() -> None:
    colours = ("brightness", "contrast", "saturation", "channels")
    pictures = raw()
    still = apply("light", pictures, strengths=dict.fromkeys(colours, 0.0))
    torch.testing.assert_close(still, apply("geometry", pictures), atol=1e-6, rtol=0)
    assert not torch.allclose(apply("light", pictures), still, atol=0.01)


@pytest.mark.parametrize("bad", [{"policy": "strong"}, {"rotation": 181}, {"zoom": -0.1}, {"mixup": -1}, {"rotate": 5}])
def test_bad_configurations_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        AugmentConfig.model_validate(bad)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("policy", POLICIES)
def test_a_gpu_gives_the_same_pictures(policy: str) -> None:
    pictures = raw(8)
    torch.testing.assert_close(apply(policy, pictures.cuda()).cpu(), apply(policy, pictures), atol=1e-4, rtol=0)
