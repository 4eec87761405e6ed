"""The blurs of a picture as one: factors of frequencies multiplied, filters of rows and columns multiplied."""

from __future__ import annotations

import math
from functools import reduce

import torch

from smearlab.augment.operations import INDEX
from smearlab.augment.separable import (
    Filter,
    apply_separable,
    compose,
    downsample_filter,
    gaussian_filter,
    pixelate_filter,
    to_pixels,
)
from smearlab.augment.spectral import apply_factors, disc_factors, line_factors, shape

OPTICS = ("defocus", "motion_blur")
"""Not separable into rows and columns; multiplied as factors of the picture's frequencies."""
FILTERS = ("gaussian_blur", "downsample", "pixelate")
"""Separable; multiplied as one matrix for the rows and one for the columns."""


def optics(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur by lens and movement at once.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m, operations)`` in the order of `operations.ENGINE`; of these `OPTICS` are done.
        chance: ``float32 (m, operations, 8)``.
    """
    height, width = pictures.shape[2:]
    factors = torch.ones(len(pictures), *shape(height, width), device=pictures.device)
    for name in OPTICS:
        some = amounts[:, INDEX[name]].nonzero().squeeze(1)
        if len(some):
            lengths = to_pixels(amounts[some, INDEX[name]], height, width)
            angles = chance[some, INDEX[name], 0] * math.pi
            straight = name == "motion_blur"
            own = line_factors(lengths, angles, height, width) if straight else disc_factors(lengths, height, width)
            factors[some] *= own
    return apply_factors(pictures, factors)


def filters(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blur, shrink and enlarge at once; arguments as of `optics`, the operations those of `FILTERS`."""
    height, width = pictures.shape[2:]
    chains: list[list[Filter]] = [[] for _ in pictures]
    for name, make in zip(FILTERS, (gaussian_filter, downsample_filter, pixelate_filter), strict=True):
        some = amounts[:, INDEX[name]].nonzero().squeeze(1)
        if len(some):
            for place, own in zip(some.tolist(), _each(make(amounts[some, INDEX[name]], height, width)), strict=True):
                chains[place].append(own)
    still = torch.eye(height, device=pictures.device), torch.eye(width, device=pictures.device)
    whole = [reduce(compose, chain) if chain else still for chain in chains]
    return apply_separable(pictures, *(torch.stack(side) for side in zip(*whole, strict=True)))


def _each(filters: Filter) -> list[Filter]:
    """Return the filter of each picture."""
    rows = filters[0].unbind(0)
    columns = rows if filters[1] is filters[0] else filters[1].unbind(0)
    return list(zip(rows, columns, strict=True))
