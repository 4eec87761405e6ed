"""Pictures to calibrate an exported file with, and others to compare it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.corruptions.suites import corrupt
from smearlab.data.framing import frame_pictures
from smearlab.data.read import read
from smearlab.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import Cells, IntArray, UInt8Array
    from smearlab.data.framing import Framing

CALIBRATION = 256
"""Pictures to calibrate with, at most; half of them altered."""
COMPARED = 1024
"""Pictures to compare on, at most."""
FEWEST = 16
"""Fewer pictures than this are refused: nothing could be said with them."""


@dataclass(frozen=True, eq=False)
class Material:
    """Pictures of one source, dealt out.

    Attributes:
        name: of the source.
        calibration: ``uint8 (m, size, size, 3)``, framed; empty where nothing is calibrated.
        pictures: to compare on, as they are: each ``uint8 (h, w, 3)``.
        labels: ``int64 (n,)`` the model's class of each, -1 where it is unknown; None where there are no labels.
        drawn: whether they are drawings of the demo and no real cells.
    """

    name: str
    calibration: UInt8Array
    pictures: list[UInt8Array]
    labels: IntArray | None
    drawn: bool


def gather(
    data: str | Path | None, framing: Framing, class_names: tuple[str, ...], *, calibrate: bool, seed: int = 0
) -> Material:
    """Deal the pictures of a source out: none is both calibrated with and compared on.

    Args:
        data: pictures in any form, with or without labels; None takes the demo's drawings.
        framing: of the model.
        class_names: of the model, by which labels are matched.
        calibrate: whether pictures to calibrate with are needed.
        seed: of the draw, and of what is altered.

    Raises:
        DataError: the data cannot be read, or has fewer than `FEWEST` pictures.
    """
    cells = _read("demo" if data is None else data)
    if len(cells) < FEWEST:
        raise DataError(f"{cells.name} has {len(cells)} pictures; at least {FEWEST} are needed to measure an export.")
    order = np.random.default_rng(seed).permutation(len(cells))
    first = min(CALIBRATION, len(cells) // 2) if calibrate else 0
    chosen = np.sort(order[first : first + COMPARED])
    return Material(
        name=cells.name,
        calibration=_varied([cells.images[int(row)] for row in order[:first]], framing, seed),
        pictures=[np.asarray(cells.images[int(row)]) for row in chosen],
        labels=None if cells.labels is None else _model_labels(cells, class_names)[chosen],
        drawn=data is None or str(data) == "demo",
    )


def _read(data: str | Path) -> Cells:
    try:
        return read(data, tolerate_unreadable=True, minimum_classes=1)
    except DataError as error:
        try:
            return read(data, labelled=False)
        except DataError:
            raise error from None  # what is wrong with the labels says more


def _model_labels(cells: Cells, class_names: tuple[str, ...]) -> IntArray:
    places = {name: index for index, name in enumerate(class_names)}
    known = np.array([places.get(name, -1) for name in cells.class_names], np.int64)
    return np.asarray(known[cells.known_labels], np.int64)


def _varied(pictures: list[UInt8Array], framing: Framing, seed: int) -> UInt8Array:
    """Frame pictures and alter every second one, so that the ranges hold on altered pictures too."""
    framed = frame_pictures(pictures, framing).copy()
    if len(framed) > 1:
        framed[1::2] = corrupt(framed[1::2], "chain", "chain1", 3, seed)
    return framed
