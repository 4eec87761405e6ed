"""A second look, from nearer, at pictures that show the cell smaller than those of training do.

A network that was trained on cells of all sizes names a cell at half its size well, but not as well as one of the
usual size. Two witnesses must agree before a picture is looked at again: what it shows of red cells and nuclei tells
that the field is wide (`smearlab.data.field`), and it looks strange to the model. Then its middle is enlarged by √2 and
by 2, and where the less strange of the two is much less strange than the picture itself, and not strange beyond
knowing, the cell is named by that. Each picture is judged by itself. `python -m benchmarks.second_look` has what it
gains and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.field import SIDE, field_width
from smearlab.data.framing import Framing, frame_pictures

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, IntArray, UInt8Array
    from smearlab.inference.spread import Floats

    Look = Callable[[UInt8Array], tuple[Floats, Floats]]

STRANGE = 1.2
"""Strangeness, near 1 for a typical cell, above which a picture is worth a second look."""
WIDE = 1.15
"""Field width, in framed cells, above which it is."""
NEARER = 0.65
"""Strangeness from nearer, over that of the picture itself, below which the second look counts."""
KNOWN = 10.0
"""Strangeness from nearer from which the second look does not count: a model to which a picture is strange from far and
near, a noisy and dark one, say, cannot tell which of the two it knows better."""
SHARES = (2**-0.5, 0.5)
"""Sides of the parts that are enlarged, over the side of the picture."""


def look_again(
    framed: UInt8Array, logits: Floats, strangeness: Floats, framing: Framing, look: Look
) -> tuple[Floats, BoolArray, UInt8Array]:
    """Look again where it is worth while.

    Args:
        framed: ``uint8 (n, size, size, 3)``.
        logits: float32 ``(n, k)`` of the first look.
        strangeness: float32 ``(n,)`` of the first look.
        framing: how the pictures were framed; nothing is looked at again where the network sees only a part of their
            content, or where they are too small to measure the field in.
        look: from framed pictures to their logits ``(m, k)`` and strangeness ``(m,)``.

    Returns:
        The logits float32 ``(n, k)`` to name the cells by, bool ``(n,)``: where they are of a second look, and the
        pictures ``uint8 (n, size, size, 3)`` that they are of.
    """
    again = np.zeros(len(framed), np.bool_)
    can_tell = framing.content == "whole" and framing.size >= SIDE
    rows = worth_while(framed, strangeness) if can_tell else np.zeros(0, np.int64)
    if not len(rows):
        return logits, again, framed
    near = [nearer(framed[rows], share, framing) for share in SHARES]
    looks = [look(pictures) for pictures in near]
    found, strange = np.stack([one[0] for one in looks]), np.stack([one[1] for one in looks])
    best = strange.argmin(0)
    column = np.arange(len(rows))
    counts = strange[best, column] < np.minimum(NEARER * strangeness[rows], KNOWN)
    again[rows] = counts
    logits, seen = logits.copy(), framed.copy()
    logits[rows[counts]] = found[best, column][counts]
    seen[rows[counts]] = np.stack(near)[best, column][counts]
    return logits, again, seen


def worth_while(framed: UInt8Array, strangeness: Floats) -> IntArray:
    """Return the rows of pictures that look strange and show a wide field, int64 ``(m,)``."""
    strange = np.flatnonzero(strangeness > STRANGE)
    return np.asarray([row for row in strange if field_width(framed[row]) > WIDE], np.int64)


def nearer(framed: UInt8Array, share: float, framing: Framing) -> UInt8Array:
    """Enlarge the middle of pictures ``uint8 (n, size, size, 3)`` to their size; its side is this share of theirs."""
    return frame_pictures(framed, Framing(crop="centre", fraction=share, size=framing.size, filter=framing.filter))
