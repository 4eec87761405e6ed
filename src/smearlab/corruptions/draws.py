"""What a corruption draws, every picture from a generator of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Images: TypeAlias = NDArray[np.uint8]
"""``uint8 (n, h, w, 3)`` RGB."""
Reals: TypeAlias = NDArray[np.float64]
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Size: TypeAlias = "int | tuple[int, ...] | None"


@dataclass(frozen=True)
class Draws:
    """Where n pictures take their random numbers from, and how long a published pixel is in them.

    Attributes:
        generators: one per picture, so that a picture's result is the same alone and in any batch.
        unit: length of one published pixel, in pixels of these pictures (> 0).
    """

    generators: Sequence[np.random.Generator]
    unit: float = 1.0

    def __len__(self) -> int:
        return len(self.generators)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> Reals:
        """Draw ``float64 (n, *size)``, even over [low, high)."""
        return np.array([generator.uniform(low, high, size) for generator in self.generators])

    def signed(self, low: float, high: float) -> Reals:
        """Draw ``float64 (n,)``: an amount in [low, high), on either side of zero with equal chance."""
        return self.uniform(low, high) * np.where(self.uniform() < 0.5, -1.0, 1.0)

    def integers(self, low: int, high: int, size: Size = None) -> Ints:
        """Draw ``int64 (n, *size)``, even over low … high, both of which can occur."""
        return np.array([generator.integers(low, high, size, endpoint=True) for generator in self.generators])

    def of(self, rows: Iterable[int]) -> Draws:
        """Return the draws of some of the pictures, by position."""
        return replace(self, generators=[self.generators[row] for row in rows])


Function: TypeAlias = Callable[[Images, int, Draws], Images]
"""``(images, severity 1–5, draws) -> images``: alters a batch; leaves the pictures that it is given untouched."""


def draws_of(address: Sequence[object], rows: Iterable[int], unit: float = 1.0) -> Draws:
    """Make the generators of some pictures of one corruption.

    Args:
        address: what the draws depend on beside the row: seed, suite, corruption, severity.
        rows: numbers of the pictures (>= 0).
        unit: length of one published pixel in pixels of the pictures.
    """
    # Counter-based generators need no warm-up: the key alone makes a stream, for a hundred-thousandth of a second each.
    digest = hashlib.blake2b("|".join(map(str, address)).encode(), digest_size=8).digest()
    key = int.from_bytes(digest, "little")
    return Draws([np.random.Generator(np.random.Philox(key=[key, int(row)])) for row in rows], unit)
