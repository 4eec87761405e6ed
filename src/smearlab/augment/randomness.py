"""Many random numbers from one: what an operation needs beyond its few columns of chance."""

from __future__ import annotations

from functools import lru_cache

import torch

_WORD = 0xFFFFFFFF


def centred(chance: torch.Tensor) -> torch.Tensor:
    """Stretch uniforms in [0, 1) to [-1, 1)."""
    return chance * 2 - 1


def numbers(chance: torch.Tensor, count: int) -> torch.Tensor:
    """Derive `count` uniforms from each uniform: the same on every device and in every batch.

    Args:
        chance: ``float32 (m,)`` in [0, 1); its 24 bits are the seed.
        count: how many numbers per seed.

    Returns:
        ``float32 (m, count)`` in [0, 1): a 32-bit mixing hash of seed and position (Wellons 2018, "Prospecting for hash
        functions"), in integers, which no device rounds.
    """
    seeds = (chance * 2**24).long() + 1
    # The seed is hashed before the position is added: seeds in a row must not share shifted sequences.
    words = _hashed(_hashed(seeds)[:, None] ^ _positions(count, chance.device))
    return (words >> 8).to(torch.float32) * 2.0**-24


@lru_cache(maxsize=32)
def _positions(count: int, device: torch.device) -> torch.Tensor:
    """Return the hashes of the positions; no result ever shares their memory."""
    return _hashed(torch.arange(1, count + 1, device=device) * 0x9E3779B1 & _WORD)


def _hashed(words: torch.Tensor) -> torch.Tensor:
    # Both factors are below 2³¹, so that a product of two words never overflows 63 bits.
    words = (words ^ (words >> 16)) * 0x21F0AAAD & _WORD
    words = (words ^ (words >> 15)) * 0x735A2D97 & _WORD
    return words ^ (words >> 15)
