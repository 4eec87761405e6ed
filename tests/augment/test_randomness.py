"""Numbers derived from one number must pass for independent draws."""

from __future__ import annotations

import torch

from smearlab.augment.randomness import centred, numbers


def test_numbers_are_uniform() -> None:
    drawn = numbers(torch.rand(400, generator=torch.Generator().manual_seed(0)), 50)
    assert drawn.dtype == torch.float32
    assert drawn.shape == (400, 50)
    assert 0 <= float(drawn.min()) <= float(drawn.max()) < 1
    counts = torch.histc(drawn, 20, 0, 1)
    assert float((counts - 1000).abs().max()) < 5 * 1000**0.5


def test_neighbouring_seeds_share_nothing() -> None:
    seeds = torch.arange(300) / 2**24
    drawn = numbers(seeds, 200)
    assert len(set(drawn.flatten().tolist())) > 0.99 * drawn.numel()
    correlations = torch.corrcoef(drawn) - torch.eye(300)
    assert float(correlations.abs().max()) < 0.4  # 5.5 times the standard error
    along = torch.corrcoef(drawn.T) - torch.eye(200)
    assert float(along.abs().max()) < 0.32


def test_a_number_depends_on_its_seed_and_place_only() -> None:
    seeds = torch.rand(9, generator=torch.Generator().manual_seed(1))
    drawn = numbers(seeds, 12)
    assert torch.equal(numbers(seeds[3:4], 5)[0], drawn[3, :5])
    assert torch.equal(numbers(seeds, 12), drawn)


def test_the_first_numbers_never_change() -> None:
    # A fixed value: with another, every trained model's augmentation would no longer be what its recipe says.
    drawn = (numbers(torch.tensor([0.0, 0.5]), 2) * 2**24).long()
    assert drawn.tolist() == [[13943817, 9375628], [11544374, 6034033]]


def test_centred_covers_minus_one_to_one() -> None:
    assert centred(torch.tensor([0.0, 0.5])).tolist() == [-1, 0]
