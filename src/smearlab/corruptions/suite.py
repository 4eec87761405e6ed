"""What a suite of corruptions is, and how one is applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from smearlab.corruptions import families
from smearlab.corruptions.draws import Function, Images, Ints, draws_of
from smearlab.corruptions.pixels import resized
from smearlab.errors import DataError, did_you_mean

SEVERITIES = (1, 2, 3, 4, 5)
REFERENCE_SIDE = 96
"""Lengths are given in pixels of a picture of this side, unless a native size says otherwise."""
# Small enough for a chunk's planes to stay in the processor's cache, large enough for the overhead not to count.
_CHUNK = 16


@dataclass(frozen=True)
class Corruption:
    """One way of altering pictures, at five severities.

    Attributes:
        name: within its suite.
        operation: the row of `families.OPERATIONS` it belongs to; empty where several families are mixed.
        function: ``(images, severity, draws) -> images``.
        sized: whether it knows lengths in pixels, so that the native size matters.
    """

    name: str
    operation: str
    function: Function
    sized: bool = False

    @property
    def description(self) -> str:
        """What it does, in a few words; empty where its name says it."""
        return first_line(self.function)

    @property
    def family(self) -> str:
        """The family, a row of `families.FAMILIES`; empty where several are mixed."""
        return families.OPERATIONS[self.operation] if self.operation else ""

    @property
    def group(self) -> str:
        """The group of the family; empty where several are mixed."""
        return families.group_of(self.operation) if self.operation else ""


@dataclass(frozen=True)
class Suite:
    """A named set of corruptions.

    Attributes:
        name: as in ``--suite``.
        description: one sentence.
        corruptions: in the order of a report.
        severities: all that there are.
        native: whether published lengths belong to a picture size that can be chosen.
    """

    name: str
    description: str
    corruptions: tuple[Corruption, ...]
    severities: tuple[int, ...] = SEVERITIES
    native: bool = False

    @property
    def mixed(self) -> bool:
        """Whether each of its corruptions mixes several families, so that none belongs to one."""
        return not any(one.operation for one in self.corruptions)

    def corruption(self, name: str) -> Corruption:
        """Return a corruption by name.

        Raises:
            DataError: the suite has none of that name.
        """
        for corruption in self.corruptions:
            if corruption.name == name:
                return corruption
        known = [corruption.name for corruption in self.corruptions]
        message = f"The suite '{self.name}' has no corruption '{name}'.{did_you_mean(name, known)}"
        raise DataError(f"{message} It has: {', '.join(known)}.")


def first_line(function: Callable[..., object]) -> str:
    """Return what the first line of a function's docstring says."""
    return (function.__doc__ or "").split("\n")[0].rstrip(".")


def check(images: Images, severity: int, severities: Sequence[int]) -> None:
    """Check that pictures and a severity can be used.

    Raises:
        DataError: they cannot.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or min(images.shape[1:3]) < 8:
        given = f"{images.dtype} {images.shape}"
        raise DataError(f"Corruptions need pictures as uint8 (n, h, w, 3) of at least 8×8 pixels, not {given}.")
    if severity not in severities:
        raise DataError(f"There is no severity {severity}; choose one of {', '.join(map(str, severities))}.")


def applied(
    images: Images,
    corruption: Corruption,
    severity: int,
    address: Sequence[object],
    rows: Ints,
    native_size: int = REFERENCE_SIDE,
    workers: int = 1,
) -> Images:
    """Alter pictures, chunk by chunk.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        corruption: what to do.
        severity: 1–5.
        address: what the draws depend on beside the rows.
        rows: ``int64 (n,)`` number of each picture.
        native_size: side, in pixels, of the pictures to which the corruption's lengths belong.
        workers: threads; NumPy and Pillow let others run through most of their work.
    """
    parts = [slice(start, start + _CHUNK) for start in range(0, len(images), _CHUNK)]

    def chunk(part: slice) -> Images:
        return _at_size(images[part], corruption, severity, address, rows[part], native_size)

    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            altered = list(pool.map(chunk, parts))
    else:
        altered = [chunk(part) for part in parts]
    return np.concatenate(altered) if altered else images.copy()


def _at_size(
    images: Images, corruption: Corruption, severity: int, address: Sequence[object], rows: Ints, native_size: int
) -> Images:
    """Apply at the pictures' own size, or, where they are smaller than the native size and it matters, at that."""
    height, width = images.shape[1:3]
    side = min(height, width)
    enlarge = corruption.sized and side < native_size != REFERENCE_SIDE
    draws = draws_of(address, rows.tolist(), 1.0 if enlarge else side / native_size)
    if not enlarge:
        return corruption.function(images, severity, draws)
    large = resized(images, round(height * native_size / side), round(width * native_size / side))
    return resized(corruption.function(large, severity, draws), height, width)
