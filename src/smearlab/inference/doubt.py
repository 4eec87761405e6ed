"""More looks at the pictures whose class a model is unsure of.

A cell has no up or down: what a network says of its mirror image and of its quarter turns differs by what the network
does not know. Where the first answer is not sure, the picture is looked at mirrored, a quarter turned, and both, and
the mean of the four probabilities names it: test-time augmentation (Krizhevsky et al. 2012) for the few pictures that
gain from it, and better calibrated (Ashukha et al. 2020). Cells like those of training are nearly all named by one
look. A view from nearer was tried as well: it gains on most alterations, and loses on blurred and noisy cells.
`python -m benchmarks.second_look` has what it gains and what it costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from smearlab.data.cells import BoolArray, UInt8Array
    from smearlab.inference.spread import Floats

    Ask = Callable[[UInt8Array], Floats]

SURE = 0.9
"""Confidence from which one look is enough: further looks at all pictures gained no more than those below it."""


def look_around(seen: UInt8Array, probabilities: Floats, ask: Ask) -> tuple[Floats, BoolArray]:
    """Look at pictures from other sides where the model is not sure of them.

    Args:
        seen: ``uint8 (n, size, size, 3)``, the framed pictures that the probabilities are of.
        probabilities: float32 ``(n, k)``.
        ask: from framed pictures to their probabilities ``(m, k)``.

    Returns:
        Probabilities float32 ``(n, k)``, and bool ``(n,)``: where they are a mean over several looks.
    """
    unsure = np.asarray(probabilities.max(1) < SURE)
    rows = np.flatnonzero(unsure)
    if not len(rows):
        return probabilities, unsure
    looks = [probabilities[rows], *(ask(view) for view in views(seen[rows]))]
    found = probabilities.copy()
    found[rows] = np.mean(looks, axis=0)
    return found, unsure


def views(pictures: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
    """Return square pictures ``uint8 (n, s, s, 3)`` upside down, a quarter turned, and a quarter turned upside down."""
    turned = np.rot90(pictures, axes=(1, 2))
    upside_down, turned_too = pictures[:, ::-1], turned[:, ::-1]
    return np.ascontiguousarray(upside_down), np.ascontiguousarray(turned), np.ascontiguousarray(turned_too)
