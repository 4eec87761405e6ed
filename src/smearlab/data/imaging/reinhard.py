"""Colour transfer after Reinhard: give pictures the mean and spread of a target's colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smearlab.data.cells import FloatArray, UInt8Array
from smearlab.data.imaging.batches import as_batch, each, to_uint8

_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_TO_LAB = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
# Computed, as the inverses printed in the paper are rounded: the way there and back would move colours.
_FROM_LMS, _FROM_LAB = np.linalg.inv(_TO_LMS), np.linalg.inv(_TO_LAB)
_BLACK = 1.0  # grey level that black is taken for: it has no logarithm
_LEAST_SPREAD = 1e-3  # a blank picture has no spread to stretch


@dataclass(frozen=True, eq=False)
class ColourProfile:
    """The colours of one picture or of several together.

    Attributes:
        mean: ``float64 (3,)`` of l, α and β.
        spread: ``float64 (3,)`` their standard deviations.
    """

    mean: FloatArray
    spread: FloatArray


def colour_profile(images: UInt8Array) -> ColourProfile:
    """Measure the colours of a target: a picture ``uint8 (h, w, 3)``, or all of a batch together.

    Raises:
        DataError: wrong dtype or shape.
    """
    values = to_lab(as_batch(images)).reshape(-1, 3)
    return ColourProfile(values.mean(0), values.std(0))


def normalise_reinhard(images: UInt8Array, target: UInt8Array | ColourProfile) -> UInt8Array:
    """Give each picture the mean and standard deviation of a target's colours (Reinhard et al. 2001).

    In the decorrelated space lαβ, each axis by itself. It takes no account of what the colours are of: a picture of a
    platelet among few red cells is stretched to the spread of the target just the same.

    Args:
        images: ``uint8 (h, w, 3)`` or ``uint8 (n, h, w, 3)`` RGB.
        target: a picture, a batch, or what `colour_profile` measured.

    Returns:
        ``uint8`` of the same shape; the same picture, but for rounding and black, where it is the target itself. A
        picture of one colour takes the target's mean.

    Raises:
        DataError: wrong dtype or shape.
    """
    wanted = target if isinstance(target, ColourProfile) else colour_profile(target)

    def change(picture: UInt8Array) -> UInt8Array:
        values = to_lab(picture)
        own = ColourProfile(values.mean((0, 1)), values.std((0, 1)))
        stretch = np.where(own.spread > _LEAST_SPREAD, wanted.spread / np.maximum(own.spread, _LEAST_SPREAD), 1.0)
        return to_uint8(from_lab((values - own.mean) * stretch + wanted.mean))

    return each(images, change)


def to_lab(images: UInt8Array) -> FloatArray:
    """Turn RGB ``uint8 (…, 3)`` into lαβ ``float64 (…, 3)`` (Ruderman et al. 1998, as Reinhard et al. use it)."""
    lms = np.maximum(images, _BLACK) @ _TO_LMS.T
    return np.asarray(np.log10(lms) @ _TO_LAB.T, dtype=np.float64)


def from_lab(values: FloatArray) -> FloatArray:
    """Turn lαβ ``(…, 3)`` into RGB ``float64 (…, 3)`` in grey levels, neither rounded nor cut to 0–255."""
    return np.asarray(10 ** (values @ _FROM_LAB.T) @ _FROM_LMS.T, dtype=np.float64)
