"""Mixing generated fractals into pictures, as PixMix does (Hendrycks et al. 2022), and the fractals themselves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from smearlab.augment.randomness import numbers
from smearlab.augment.stain import logarithm

_MOST_ROUNDS = 3
# The paper's β: shares are drawn from Beta(β, 1) and Beta(1, β).
_BETA = 3.0
_BANK_SIZE = 64
# Maps of a system, points followed at once, and steps before and while they are counted.
_MAPS, _POINTS, _BURN_IN, _STEPS = 4, 1000, 12, 40


def pixmix(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Mix each picture with one to three fractals, by addition or multiplication (Hendrycks et al. 2022).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)``: 0 is the identity, 1 mixes as strongly as the paper with β = 3.
        chance: ``float32 (m, 8)`` in [0, 1).

    Returns:
        New pictures, clipped to 0–1 after every round.
    """
    rounds = (chance[:, 0] * _MOST_ROUNDS).long() + 1
    draws = numbers(chance[:, 1], 6 * _MOST_ROUNDS).view(-1, _MOST_ROUNDS, 6)
    mixed = pictures.clone()
    for turn in range(_MOST_ROUNDS):
        own, other = mixing_weights(draws[:, turn, :3], amounts)
        additive = draws[:, turn, 3] < 0.5
        for kind, mix in ((additive, added), (~additive, multiplied)):
            rows = (kind & (rounds > turn)).nonzero().squeeze(1)
            if len(rows):
                fractals = _taken(draws[rows, turn, 4:], *pictures.shape[2:], logarithms=mix is multiplied)
                mixed[rows] = mix(mixed.index_select(0, rows), fractals, own[rows], other[rows])
    return mixed


def mixing_weights(draws: torch.Tensor, amounts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weights of picture and fractal, ``(m, 1, 1, 1)`` each.

    Args:
        draws: ``float32 (m, 3)`` uniforms in [0, 1): for the picture's weight, the fractal's, and whether the fractal
            is blended in or taken off.
        amounts: ``float32 (m,)``; 0 gives the weights 1 and 0, 1 the paper's.
    """
    # Inverse distribution functions of Beta(β, 1) and Beta(1, β), as shares taken from one and added to zero.
    lost, gained = 1 - draws[:, 0] ** (1 / _BETA), 1 - draws[:, 1] ** (1 / _BETA)
    # As in the paper: a blend, or the picture strengthened and the fractal taken off.
    sign = torch.where(draws[:, 2] < 0.5, 1.0, -1.0) * amounts
    return (1 - sign * lost).view(-1, 1, 1, 1), (sign * gained).view(-1, 1, 1, 1)


def added(pictures: torch.Tensor, fractals: torch.Tensor, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Add weighted pictures and fractals in 0–1; clip to 0–1."""
    # Both are taken from -1 to 1, so that the middle of the range stays in the middle.
    offset = 0.5 - 0.5 * own - 0.5 * other
    return (pictures * own).add_(fractals * other).add_(offset).clamp_(0, 1)


def multiplied(pictures: torch.Tensor, logs: torch.Tensor, own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Multiply powers of pictures in 0–1 and of fractals, given as logarithms to the base of two; clip to 0–1."""
    # (2 p)^own × (2 f)^other / 2; powers are cheapest as logarithms to the base of two, and the fractals' are known.
    exponents = logarithm(pictures).mul_(own * (1 / np.log(2))).add_(logs * other)
    return exponents.add_(own + other - 1).exp2_().clamp_(max=1)


def _taken(draws: torch.Tensor, height: int, width: int, *, logarithms: bool) -> torch.Tensor:
    """Take a fractal for each picture, rolled down at random, by two uniforms of each picture."""
    windows = _windows(height, width, draws.device, logarithms)
    # Windows are numbered by fractal, channel and first row, and each channel is stored twice, one below the other.
    fractal, top = (draws[:, 0] * _BANK_SIZE).long(), (draws[:, 1] * height).long()
    first = (fractal.view(-1, 1) * 3 + torch.arange(3, device=draws.device)) * 2 * height + top.view(-1, 1)
    return windows.index_select(0, first.flatten()).view(-1, 3, height, width)


@lru_cache(maxsize=8)
def _windows(height: int, width: int, device: torch.device, logarithms: bool) -> torch.Tensor:
    """Return every window of the bank as a row ``(…, height × width)``: overlapping views, so nothing is copied."""
    planes = torch.tensor(fractal_bank(_BANK_SIZE)).permute(0, 3, 1, 2).float() / 255
    planes = F.interpolate(planes, (height, width), mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)
    planes = planes.clamp_min(1 / 255).log2() if logarithms else planes
    twice = torch.cat([planes, planes], dim=2).flatten().to(device)
    return twice.unfold(0, height * width, width)


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
    pictures = _developed(rng, sums).reshape(count, size, size, 3)
    pictures.setflags(write=False)
    return pictures


def _systems(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw maps ``(count, 4, 2, 3)`` and their colours ``(count, 4, 3)``.

    Singular values are scaled to a given sum, which is what makes a system neither dust nor a blot (Anderson & Farrell
    2022, "Improving fractal pre-training"); a little above theirs, because these pictures are small.
    """
    values = np.sort(rng.uniform(0.2, 1, (count, _MAPS, 2)))[..., ::-1]
    target = 0.5 * (6 + _MAPS + 2 * rng.uniform(0, 1, (count, 1, 1)))
    values = values * target / (values @ np.array([1, 2])).sum(1)[:, None, None]
    first, second = (_rotations(rng.uniform(0, 2 * np.pi, (count, _MAPS))) for _ in range(2))
    linear = first @ (np.minimum(values, 0.9)[..., None] * second)
    maps = np.concatenate([linear, rng.uniform(-1, 1, (count, _MAPS, 2, 1))], 3)
    return maps.astype(np.float32), rng.uniform(0, 1, (count, _MAPS, 3)).astype(np.float32)


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def _chaos_game(
    rng: np.random.Generator, maps: NDArray[np.float32], colours: NDArray[np.float32], size: int
) -> NDArray[np.float64]:
    """Follow many points at once; return visits and summed colours of each pixel, ``(4, count, size × size)``."""
    count = len(maps)
    rows = np.arange(count)[:, None]
    # Each map as one line of nine numbers: x from x, y, 1; y from x, y, 1; colour.
    lines = np.concatenate([maps.reshape(count, _MAPS, 6), colours], 2)
    across, down = rng.uniform(-1, 1, (2, count, _POINTS)).astype(np.float32)
    tints = np.full((count, _POINTS, 3), 0.5, np.float32)
    places, seen = [], []
    for step in range(_BURN_IN + _STEPS):
        chosen = lines[rows, rng.integers(0, _MAPS, (count, _POINTS))]
        across, down = (chosen[..., k] * across + chosen[..., k + 1] * down + chosen[..., k + 2] for k in (0, 3))
        tints = 0.5 * (tints + chosen[..., 6:])
        if step >= _BURN_IN:
            places.append(_pixels(across, size) + size * _pixels(down, size) + rows * size * size)
            seen.append(tints)
    cells, weights = np.concatenate(places).ravel(), np.concatenate(seen).reshape(-1, 3)
    sums = [np.bincount(cells, column, minlength=count * size * size) for column in (None, *weights.T)]
    return np.stack(sums).reshape(4, count, size * size).astype(np.float64)


def _pixels(positions: NDArray[np.float32], size: int) -> NDArray[np.int64]:
    """Number the pixels of positions ``(count, points)``; each picture's spread fills it, and the rest wraps round."""
    centre, spread = positions.mean(1, keepdims=True), positions.std(1, keepdims=True) + 1e-6
    scaled = ((positions - centre) / (3.4 * spread) + 0.5) * size
    numbered: NDArray[np.int64] = np.floor(scaled).astype(np.int64) % size
    return numbered


def _developed(rng: np.random.Generator, sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Turn visits and colours ``(4, count, pixels)`` into pictures ``(count, pixels, 3)``.

    A pixel is the more opaque the more often it was visited, on a logarithmic scale. Below lies another fractal of the
    bank, turned on its side, and below that one colour.
    """
    visits, colours = sums[0][..., None], np.moveaxis(sums[1:], 0, -1)
    tints = colours / np.maximum(visits, 1)
    # Mean colours are dull: spread each picture's over the whole range.
    low, high = (np.quantile(tints[:, ::7], q, axis=1, keepdims=True) for q in (0.02, 0.98))
    tints = np.clip((tints - low) / np.maximum(high - low, 0.05), 0, 1)
    density = np.log1p(visits) / np.log1p(np.quantile(visits, 0.98, axis=1, keepdims=True).clip(1))
    opaque = np.clip(density, 0, 1)
    ground = rng.uniform(0, 1, (len(visits), 1, 3))
    below = ground + _on_side(opaque) * (_on_side(tints) - ground)
    pictures = below + opaque * (tints - below)
    developed: NDArray[np.uint8] = (pictures * 255 + 0.5).astype(np.uint8)
    return developed


def _on_side(layers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each fractal ``(count, pixels, channels)`` its neighbour's layer, rows and columns swapped."""
    count, pixels, channels = layers.shape
    side = int(pixels**0.5)
    turned = np.roll(layers, 1, axis=0).reshape(count, side, side, channels).swapaxes(1, 2)
    return turned.reshape(count, pixels, channels)
