"""Cells as a manifest wants them: pictures dropped and relabelled before anything else is done with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.read import TOLERATED_SHARE, read
from smearlab.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.audit.manifest import Decision, Manifest
    from smearlab.data.cells import Cells, IntArray


def read_cleaned(data: str | Path | Cells, manifest: Manifest, *, tolerate_unreadable: bool = False) -> Cells:
    """Read labelled pictures in any form and apply a manifest to them; the data is not touched.

    Args:
        data: any form that `smearlab.data.read.read` takes.
        manifest: made for this data.
        tolerate_unreadable: go on although more than 5 % of the pictures that are kept cannot be decoded.

    Raises:
        DataError: the data cannot be read; the manifest was made for other data, or leaves fewer than two classes.
    """
    cells = clean(read(data, tolerate_unreadable=True, minimum_classes=1), manifest)
    lost = len(cells.unreadable)
    if lost > TOLERATED_SHARE * (lost + len(cells)) and not tolerate_unreadable:
        raise DataError(
            f"{counted(lost, 'picture')} that {manifest.name} keeps cannot be read: {cells.unreadable[0].source} "
            f"({cells.unreadable[0].reason}) and so on. Drop them in the manifest, mend them, or pass "
            "--tolerate-unreadable to go on without them."
        )
    return read(cells)


def clean(cells: Cells, manifest: Manifest) -> Cells:
    """Apply a manifest to cells: drop and relabel; `Cells.rows` go on counting the rows of the source.

    Args:
        cells: the whole collection, as it is read.
        manifest: made for it.

    Returns:
        What is kept. Classes that have no picture left are gone; a note says what was done.

    Raises:
        DataError: the manifest was made for other data, or keeps no picture.
    """
    manifest.check(cells)
    decisions = manifest.decisions
    kept = np.array([decisions[row].action != "drop" for row in cells.rows.tolist()], dtype=bool)
    if not kept.any():
        raise DataError(f"{manifest.name} keeps no picture of {cells.name} that can be read.")
    changed = cells.take(np.flatnonzero(kept))
    unreadable = tuple(one for one in cells.unreadable if decisions[one.row].action != "drop")
    changed = replace(changed, unreadable=unreadable, notes=(*cells.notes, summary(manifest)))
    return changed if changed.labels is None else _relabelled(changed, changed.labels, decisions)


def _relabelled(cells: Cells, labels: IntArray, decisions: Sequence[Decision]) -> Cells:
    """Give pictures their new labels, and forget classes that have no picture left."""
    names = cells.class_names
    labels = labels.copy()
    for place, row in enumerate(cells.rows.tolist()):
        if decisions[row].action == "relabel":
            labels[place] = names.index(decisions[row].label)
    left = np.isin(np.arange(len(names)), labels)
    number = np.append(np.where(left, np.cumsum(left) - 1, -1), -1)  # the label -1, none, stays -1
    return replace(
        cells,
        labels=number[labels],
        class_names=tuple(name for name, here in zip(names, left, strict=True) if here),
        unreadable=tuple(replace(one, label=int(number[one.label])) for one in cells.unreadable),
    )


def summary(manifest: Manifest) -> str:
    """Say in a sentence what a manifest does.

    >>> from smearlab.audit.manifest import Decision, Manifest
    >>> summary(Manifest((Decision(0, "a.png"), Decision(1, "b.png", "drop")), "mine.csv"))
    'By mine.csv, 1 of 2 pictures is dropped and 0 are relabelled.'
    """
    dropped, relabelled = manifest.count("drop"), manifest.count("relabel")
    verbs = ["is" if number == 1 else "are" for number in (dropped, relabelled)]
    whole = counted(len(manifest), "picture")
    return f"By {manifest.name}, {dropped:,} of {whole} {verbs[0]} dropped and {relabelled:,} {verbs[1]} relabelled."
