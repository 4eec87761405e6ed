"""Outlines: 256 bits of each training picture, by which a model knows again what it learnt from.

A model must not judge labels that it was taught. The name of a file does not tell that its cells were copied from the
training data, and saving a picture once more changes its bytes. Its outline stays: 16 × 16 places, each brighter or
darker than the next one in its row (a difference hash). What was turned, mirrored or cut anew is not known again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.framing import frame_pictures

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, Pictures, UInt8Array
    from smearlab.data.framing import Framing

PLACES = 16
"""Places along a side."""
BYTES = PLACES * PLACES // 8
"""Of one outline."""
SAME = 30
"""Bits that two outlines of one cell may differ in; those of different cells differ in more than 45."""
ASKED = 2000
"""Pictures of a collection that are compared at most; they lie evenly among all."""
_SIDE = 6 * PLACES
_FEWEST, _MOST = PLACES * PLACES // 8, PLACES * PLACES * 7 // 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_BATCH = 256


def outlines(pictures: Pictures, framing: Framing) -> UInt8Array:
    """Take the outline of each picture.

    Args:
        pictures: ``uint8 (h, w, 3)`` RGB each, of any and mixed sizes.
        framing: of the model, so that a whole field and the cell cut out of it have one outline.

    Returns:
        ``uint8 (n, 32)``.
    """
    own = framing.model_copy(update={"size": _SIDE, "content": "whole"})
    found = np.empty((len(pictures), BYTES), np.uint8)
    for start in range(0, len(pictures), _BATCH):
        some = [pictures[at] for at in range(start, min(start + _BATCH, len(pictures)))]
        grey = frame_pictures(some, own).astype(np.float32) @ _LUMA
        places = grey.reshape(len(some), PLACES, 6, PLACES, 6).mean(axis=(2, 4))
        brighter = places > np.roll(places, -1, axis=2)
        found[start : start + len(some)] = np.packbits(brighter.reshape(len(some), -1), axis=1)
    return found


def known_again(found: UInt8Array, known: UInt8Array) -> BoolArray:
    """Tell which outlines ``(n, 32)`` are among those known ``(m, 32)``: ``bool (n,)``.

    An outline of hardly any or nearly all bits belongs to a blank picture. It is not known again: all blanks are alike.
    """
    same = np.zeros(len(found), dtype=np.bool_)
    if not len(known):
        return same
    bits, table = _signs(found), _signs(known).T
    for start in range(0, len(found), _BATCH):
        # The product of signs is the number of equal bits minus the number of others.
        agree = bits[start : start + _BATCH] @ table
        same[start : start + _BATCH] = agree.max(axis=1) >= PLACES * PLACES - 2 * SAME
    filled = np.unpackbits(found, axis=1).sum(axis=1)
    told: BoolArray = same & (filled >= _FEWEST) & (filled <= _MOST)
    return told


def share_known(pictures: Pictures, framing: Framing, known: UInt8Array) -> float:
    """Return the share, 0–1, of pictures whose outlines are known; of many, `ASKED` are compared."""
    if not len(pictures):
        return 0.0
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(ASKED, len(pictures))).astype(np.int64))
    return float(known_again(outlines([pictures[at] for at in chosen], framing), known).mean())


def _signs(packed: UInt8Array) -> np.ndarray:
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
