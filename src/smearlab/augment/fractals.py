"""Generated fractal pictures, and mixing them in as PixMix does (Hendrycks et al. 2022)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from smearlab.augment.randomness import numbers

_FLOOR = 2.0**-20
_MOST_ROUNDS = 3
# The paper's β: shares are drawn from Beta(β, 1) and Beta(1, β).
_BETA = 3.0
_BANK_SIZE = 64


def pixmix(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Mix each picture with one to three fractals, by addition or multiplication (Hendrycks et al. 2022).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)``: 0 is the identity, 1 mixes as strongly as the paper with β = 3.
        chance: ``float32 (m, 8)`` in [0, 1).

    Returns:
        New pictures, clipped to 0–1 after every round.
    """
    fractals, logarithms = _planes(*pictures.shape[2:], pictures.device)
    rounds = (chance[:, 0] * _MOST_ROUNDS).long() + 1
    draws = numbers(chance[:, 1], 5 * _MOST_ROUNDS).view(-1, _MOST_ROUNDS, 5)
    mixed = pictures.clone()
    for turn in range(_MOST_ROUNDS):
        choice, own, other = _drawn(draws[:, turn], amounts, len(fractals))
        additive = draws[:, turn, 1] < 0.5
        for kind, bank, mix in ((additive, fractals, _added), (~additive, logarithms, _multiplied)):
            rows = (kind & (rounds > turn)).nonzero().squeeze(1)
            if len(rows):
                mixed[rows] = mix(mixed[rows], bank[choice[rows]], own[rows], other[rows])
    return mixed


def _drawn(draws: torch.Tensor, amounts: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return one round's fractals ``(m,)`` and the weights of picture and fractal ``(m, 1, 1, 1)``."""
    choice = (draws[:, 0] * count).long()
    # Inverse distribution functions of Beta(β, 1) and Beta(1, β).
    near_one, near_zero = draws[:, 3] ** (1 / _BETA), 1 - draws[:, 4] ** (1 / _BETA)
    # As in the paper: a blend, or the picture strengthened and the fractal taken off.
    blend = draws[:, 2] < 0.5
    own = 1 + amounts * torch.where(blend, near_one - 1, 1 - near_one)
    other = amounts * torch.where(blend, near_zero, -near_zero)
    return choice, own.view(-1, 1, 1, 1), other.view(-1, 1, 1, 1)


def _added(pictures: torch.Tensor, fractals: torch.Tensor, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    # Both are taken from -1 to 1, so that the middle of the range stays in the middle.
    offset = 0.5 - 0.5 * own - 0.5 * other
    return torch.addcmul(offset, pictures, own).add_(fractals.mul_(other)).clamp_(0, 1)


def _multiplied(pictures: torch.Tensor, logs: torch.Tensor, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    # (2 p)^own × (2 f)^other / 2; powers are cheapest as logarithms, and the fractals' are known.
    doubled = (pictures * 2).clamp_min_(_FLOOR).log_()
    return doubled.mul_(own).add_(logs.mul_(other)).exp_().mul_(0.5).clamp_(0, 1)


@lru_cache(maxsize=4)
def _planes(height: int, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the bank as ``float32 (count, 3, height, width)`` in 0–1 and the logarithms of its doubled values."""
    planes = torch.tensor(fractal_bank(_BANK_SIZE)).permute(0, 3, 1, 2).float() / 255
    if planes.shape[2:] != (height, width):
        planes = F.interpolate(planes, (height, width), mode="bilinear", align_corners=False, antialias=True)
    planes = planes.contiguous().to(device)
    return planes, (planes * 2).clamp_min(1 / 255).log()


@lru_cache(maxsize=2)
def fractal_bank(count: int = 64, size: int = 96, seed: int = 0) -> NDArray[np.uint8]:
    """Draw colourful fractals of random iterated function systems, by the chaos game.

    Args:
        count: pictures; made once and kept in memory.
        size: side in pixels.
        seed: of every draw.

    Returns:
        ``uint8 (count, size, size, 3)`` RGB, read-only.
    """
    rng = np.random.default_rng(seed)
    maps, colours = _systems(rng, count)
    sums = _chaos_game(rng, maps, colours, size)
    pictures = _developed(rng, sums, size)
    pictures.setflags(write=False)
    return pictures


_MAPS = 4
_POINTS, _BURN_IN, _STEPS = 1500, 15, 40


def _systems(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw maps ``(count, 4, 2, 3)`` and their colours ``(count, 4, 3)``.

    Singular values are scaled to a given sum, which is what makes a system neither dust nor a blot (Anderson & Farrell
    2022, "Improving fractal pre-training").
    """
    values = rng.uniform(0.2, 1, (count, _MAPS, 2))
    target = 0.5 * (5 + _MAPS + rng.uniform(0, 1, (count, 1, 1)))
    values *= target / (values @ np.array([1, 2])).sum(1)[:, None, None]
    first, second = (_rotations(rng.uniform(0, 2 * np.pi, (count, _MAPS))) for _ in range(2))
    linear = first @ (np.minimum(values, 0.95)[..., None] * second)
    shifts = rng.uniform(-1, 1, (count, _MAPS, 2, 1))
    return np.concatenate([linear, shifts], 3).astype(np.float32), rng.uniform(0, 1, (count, _MAPS, 3)).astype(
        np.float32
    )


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def _chaos_game(
    rng: np.random.Generator, maps: NDArray[np.float32], colours: NDArray[np.float32], size: int
) -> NDArray[np.float64]:
    """Follow many points at once; return visits and summed colours of each pixel, ``(4, count, size × size)``."""
    count = len(maps)
    rows = np.arange(count)[:, None]
    points = rng.uniform(-1, 1, (count, _POINTS, 2)).astype(np.float32)
    tints = np.full((count, _POINTS, 3), 0.5, np.float32)
    sums = np.zeros((4, count * size * size))
    centre, reach = np.zeros((count, 1, 2)), np.ones((count, 1, 2))
    for step in range(_BURN_IN + _STEPS):
        choice = rng.integers(0, _MAPS, (count, _POINTS))
        chosen = maps[rows, choice]
        points = (chosen[..., :2] @ points[..., None])[..., 0] + chosen[..., 2]
        tints = 0.5 * (tints + colours[rows, choice])
        if step == _BURN_IN - 1:
            centre, reach = points.mean(1, keepdims=True), 2.2 * points.std(1, keepdims=True) + 1e-6
        if step >= _BURN_IN:
            places = ((points - centre) / reach * 0.5 + 0.5) * size
            inside = ((places >= 0) & (places < size)).all(2)
            cells = (rows * size * size + places[..., 1].astype(int) * size + places[..., 0].astype(int))[inside]
            sums[0] += np.bincount(cells, minlength=sums.shape[1])
            for channel in range(3):
                sums[channel + 1] += np.bincount(cells, tints[inside][:, channel], minlength=sums.shape[1])
    return sums.reshape(4, count, size * size)


def _developed(rng: np.random.Generator, sums: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Turn visits and colours into pictures: brightness by the logarithm of the visits, over a coloured ground."""
    visits, colours = sums[0][..., None], np.moveaxis(sums[1:], 0, -1)
    tints = colours / np.maximum(visits, 1)
    # Mean colours are dull: spread each picture's over the whole range.
    low, high = (np.quantile(tints[:, ::7], q, axis=1, keepdims=True) for q in (0.02, 0.98))
    tints = np.clip((tints - low) / np.maximum(high - low, 0.05), 0, 1)
    density = np.log1p(visits) / np.log1p(np.quantile(visits, 0.99, axis=1, keepdims=True).clip(1))
    ground = rng.uniform(0, 0.7, (len(visits), 1, 3))
    pictures = ground + np.clip(density, 0, 1) * (tints - ground)
    developed: NDArray[np.uint8] = (pictures * 255 + 0.5).astype(np.uint8)
    return developed.reshape(-1, size, size, 3)
