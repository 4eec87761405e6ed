"""A batch cut up among threads comes out as it would from one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from smearlab.augment.config import AugmentConfig
from smearlab.augment.draws import Draws
from smearlab.augment.policy import apply, draw
from smearlab.augment.side_by_side import FEWEST, MOST, side_by_side

PICTURES = torch.randint(0, 256, (2 * FEWEST + 3, 24, 24, 3), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def drawn(policy: str) -> Draws:
    config = AugmentConfig.model_validate({"policy": policy})
    return draw(config, len(PICTURES), 24, 24, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("policy", ["ours", "augmix"])
def test_the_number_of_threads_changes_nothing(policy: str) -> None:
    draws = drawn(policy)
    torch.set_num_threads(1)
    alone = apply(PICTURES, draws)
    torch.set_num_threads(2)
    torch.testing.assert_close(apply(PICTURES, draws), alone, atol=2e-4, rtol=0)
    assert torch.equal(apply(PICTURES, draws), apply(PICTURES, draws))


def test_the_batch_is_cut_up_among_threads_which_torch_keeps_to_itself() -> None:
    torch.set_num_threads(2)
    sizes, numbers = [], []

    def work(pictures: torch.Tensor, draws: Draws) -> torch.Tensor:
        sizes.append(len(pictures))
        numbers.append(torch.get_num_threads())
        return pictures.float()

    planes = PICTURES.permute(0, 3, 1, 2)
    assert torch.equal(side_by_side(work, planes, Draws()), planes.float())
    assert sorted(sizes) == [len(PICTURES) - 18, 18]
    assert max(sizes) <= MOST
    assert numbers == [1, 1]
    assert torch.get_num_threads() == 2


def test_a_failure_in_a_thread_is_a_failure() -> None:
    def work(pictures: torch.Tensor, draws: Draws) -> torch.Tensor:
        raise ValueError("no such picture")

    torch.set_num_threads(2)
    with pytest.raises(ValueError, match="no such picture"):
        side_by_side(work, PICTURES.permute(0, 3, 1, 2), Draws())


def test_inference_mode_reaches_the_threads() -> None:
    torch.set_num_threads(2)
    draws = drawn("ours")
    with torch.inference_mode():
        inside = apply(PICTURES, draws)
    torch.testing.assert_close(inside, apply(PICTURES, draws), atol=2e-4, rtol=0)
