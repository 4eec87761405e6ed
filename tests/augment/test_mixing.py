"""MixUp and CutMix: the share of a label is the share of its pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smearlab.augment.config import AugmentConfig
from smearlab.augment.mixing import cutmix, mix, mixup

CLASSES = 4


def one_per_class() -> tuple[torch.Tensor, torch.Tensor]:
    """Picture k is wholly 1 in plane k and 0 elsewhere, so that a mean over pixels counts where pixels came from."""
    pictures = torch.zeros(CLASSES, CLASSES, 10, 12)
    pictures[range(CLASSES), range(CLASSES)] = 1
    return pictures, torch.eye(CLASSES)


def shown(pictures: torch.Tensor) -> torch.Tensor:
    """Return the share of each class in each picture's pixels."""
    return pictures.mean(dim=(2, 3))


def mixed(seed: int = 0, **config: float) -> tuple[torch.Tensor, torch.Tensor]:
    return mix(*one_per_class(), AugmentConfig.model_validate(config), torch.Generator().manual_seed(seed))


def test_mixup_blends_pictures_and_labels_alike() -> None:
    pictures, targets = one_per_class()
    share, partner = torch.tensor([1.0, 0.25, 0.5, 0.0]), torch.tensor([3, 2, 1, 0])
    blended, soft = mixup(pictures, targets, partner, share)
    torch.testing.assert_close(shown(blended), soft)
    torch.testing.assert_close(soft[1], torch.tensor([0, 0.25, 0.75, 0]))
    assert torch.equal(blended[0], pictures[0])


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1), row=st.floats(0, 1), column=st.floats(0, 1))
def test_cutmix_labels_follow_the_pixels(share: float, row: float, column: float) -> None:
    pictures, targets = one_per_class()
    pasted, soft = cutmix(pictures, targets, torch.tensor([1, 2, 3, 0]), share, np.array([row, column]))
    torch.testing.assert_close(shown(pasted), soft, atol=1e-6, rtol=0)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(CLASSES))


def test_cutmix_pastes_one_window_of_the_asked_size() -> None:
    pictures, targets = torch.zeros(2, 3, 20, 20), torch.eye(2)
    pictures[1] = 1
    pasted, soft = cutmix(pictures, targets, torch.tensor([1, 0]), 0.75, np.array([0.5, 0.5]))
    expected = torch.zeros(20, 20)
    expected[5:15, 5:15] = 1
    assert torch.equal(pasted[0], expected.expand(3, 20, 20))
    torch.testing.assert_close(soft, torch.tensor([[0.75, 0.25], [0.25, 0.75]]))


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mix_keeps_shares_equal_and_the_input_whole(kind: str) -> None:
    pictures, targets = one_per_class()
    config = AugmentConfig.model_validate({kind: 1.0, "mix_share": 1})
    changed, soft = mix(pictures, targets, config, torch.Generator().manual_seed(4))
    torch.testing.assert_close(shown(changed), soft, atol=1e-6, rtol=0)
    assert not torch.equal(soft, targets)
    assert torch.equal(pictures, one_per_class()[0])
    assert torch.equal(targets, torch.eye(CLASSES))


def test_mixup_draws_a_share_for_each_picture() -> None:
    _, soft = mixed(seed=4, mixup=1.0, mix_share=1)
    assert len(set(soft.max(dim=1).values.tolist())) > 1


@pytest.mark.parametrize("config", [{}, {"mixup": 1.0, "mix_share": 0.0}])
def test_off_means_untouched(config: dict[str, float]) -> None:
    pictures, targets = mix(*one_per_class(), AugmentConfig.model_validate(config), torch.Generator())
    assert torch.equal(pictures, one_per_class()[0])
    assert torch.equal(targets, torch.eye(CLASSES))


def test_mix_share_is_the_share_of_batches() -> None:
    still = sum(torch.equal(mixed(seed, mixup=1.0, mix_share=0.3)[1], torch.eye(CLASSES)) for seed in range(200))
    assert 110 < still < 165  # 140 expected, and a few whose permutation left every picture alone


def test_both_kinds_take_turns() -> None:
    # A blend is grey somewhere, a pasted window is not.
    blended = [bool(((some > 0) & (some < 1)).any()) for some, _ in (mixed(s, mixup=1, cutmix=1) for s in range(80))]
    assert 8 < sum(blended) < 35  # half of the batches are mixed, half of these blended


def test_switching_one_option_leaves_the_other_draws_alone() -> None:
    states = []
    for config in ({}, {"mixup": 0.4}, {"mixup": 0.4, "cutmix": 1.0, "mix_share": 1.0}):
        source = torch.Generator().manual_seed(7)
        mix(*one_per_class(), AugmentConfig.model_validate(config), source)
        states.append(source.get_state())
    assert all(torch.equal(states[0], state) for state in states[1:])


def test_the_generator_decides() -> None:
    first, again, other = (mixed(seed, mixup=1.0, mix_share=1)[1] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
