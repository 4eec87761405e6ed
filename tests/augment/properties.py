"""What every operation of the augmentation engine must keep to, inherited by the tests of each part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

Operation = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
SIZES = [(96, 96), (40, 56), (33, 33)]


def random_pictures(count: int = 5, height: int = 40, width: int = 56, seed: int = 3) -> torch.Tensor:
    """Return ``float32 (count, 3, height, width)`` in 0–1: whole numbers of 255ths, smooth with some grain."""
    source = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=source)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    grain = 0.1 * torch.rand(count, 3, height, width, generator=source)
    return ((0.9 * smooth + grain) * 255).round() / 255


def chances(count: int = 5, seed: int = 8) -> torch.Tensor:
    """Return ``float32 (count, 8)`` uniforms."""
    return torch.rand(count, 8, generator=torch.Generator().manual_seed(seed))


def same(amount: float, count: int = 5) -> torch.Tensor:
    """Return one amount for each of several pictures."""
    return torch.full((count,), amount)


def steps_of(policy: str) -> dict[str, object]:
    """Return what a policy needs beside its name: some steps of every kind for a sequence, nothing for the others."""
    names = ("flips", "randaugment", "geometry", "augmix", "gaussian_noise", "hue")
    return {"steps": [{"name": name, "rate": 0.8} for name in names]} if policy == "sequence" else {}


class EveryOperation:
    """Tests for classes that parametrise `operation` (pictures, amounts, chance → pictures) and `amount`."""

    @pytest.mark.parametrize("size", SIZES)
    def test_amount_zero_changes_nothing(self, operation: Operation, amount: float, size: tuple[int, int]) -> None:
        pictures = random_pictures(5, *size)
        torch.testing.assert_close(operation(pictures, same(0), chances()), pictures, atol=1e-6, rtol=0)
        assert not torch.allclose(operation(pictures, same(amount), chances()), pictures, atol=0.01)

    @pytest.mark.parametrize("size", SIZES)
    def test_range_dtype_shape_and_input(self, operation: Operation, amount: float, size: tuple[int, int]) -> None:
        pictures = random_pictures(5, *size)
        pictures[0], pictures[1] = 0, 1
        amounts, chance = same(amount), chances()
        before = [one.clone() for one in (pictures, amounts, chance)]
        result = operation(pictures, amounts, chance)
        assert (result.dtype, result.shape) == (torch.float32, pictures.shape)
        assert 0 <= float(result.min()) <= float(result.max()) <= 1
        for one, kept in zip((pictures, amounts, chance), before, strict=True):
            assert torch.equal(one, kept)

    def test_a_picture_alone_is_changed_as_in_a_batch(self, operation: Operation, amount: float) -> None:
        pictures, chance = random_pictures(), chances()
        amounts = amount * torch.linspace(0.2, 1, 5)
        batch = operation(pictures, amounts, chance)
        for row in range(5):
            alone = operation(pictures[row : row + 1], amounts[row : row + 1], chance[row : row + 1])
            torch.testing.assert_close(batch[row : row + 1], alone, atol=1e-5, rtol=0)

    def test_chance_alone_decides(self, operation: Operation, amount: float) -> None:
        pictures, state = random_pictures(), torch.get_rng_state()
        first = operation(pictures, same(amount), chances())
        torch.rand(3)
        assert torch.equal(first, operation(pictures, same(amount), chances()))
        torch.set_rng_state(state)
        operation(pictures, same(amount), chances())
        assert torch.equal(torch.get_rng_state(), state)

    def test_the_last_column_of_chance_is_not_used(self, operation: Operation, amount: float) -> None:
        pictures, other = random_pictures(), chances()
        other[:, 7] = 1 - other[:, 7]
        assert torch.equal(operation(pictures, same(amount), chances()), operation(pictures, same(amount), other))

    def test_the_result_lies_where_the_pictures_lie(self, operation: Operation, amount: float) -> None:
        # The meta device refuses to work with tensors left on the CPU, as a GPU does, and is always at hand.
        try:
            result = operation(*(one.to("meta") for one in (random_pictures(), same(amount), chances())))
        except NotImplementedError:
            pytest.skip("needs an operator whose result depends on values, which the meta device has none of")
        assert result.is_meta

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_a_gpu_gives_the_same_pictures(self, operation: Operation, amount: float) -> None:
        arguments = (random_pictures(), same(amount), chances())
        result = operation(*(one.cuda() for one in arguments))
        assert result.is_cuda
        # A value on the edge of a step may fall to its other side, where rounding differs.
        away = (result.cpu() - operation(*arguments)).abs() > 1e-4
        assert float(away.float().mean()) < 1e-3


def differs_by_chance(operation: Operation, amount: float) -> bool:
    """Say whether one picture with one amount comes out otherwise for every chance."""
    pictures = random_pictures(1).expand(5, -1, -1, -1)
    results = operation(pictures, same(amount), chances())
    return len({one.numpy().tobytes() for one in results}) == 5
