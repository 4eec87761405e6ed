"""Reading labelled pictures in any form into `Cells`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import __version__ as pillow_version

from smearlab.data.cache import open_or_build
from smearlab.data.cells import Cells, Unreadable
from smearlab.data.content import content_key
from smearlab.data.decode import DECODER_VERSION
from smearlab.data.forms.base import UNLABELLED_HINT, name_some
from smearlab.data.forms.opening import open_form
from smearlab.data.labels import resolve_labels
from smearlab.data.parts import resolve_parts
from smearlab.data.stored import open_stored, store
from smearlab.errors import DataError, counted

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray
    from smearlab.data.stored import Stored

TOLERATED_SHARE = 0.05
"""The share of pictures that may be unreadable without stopping."""

_LAYOUT_VERSION = 2
_MORE_CLASSES = "Add pictures of another class: a further class folder, or rows with another label."


def read(
    data: str | Path | Cells,
    *,
    tolerate_unreadable: bool = False,
    labelled: bool = True,
    minimum_classes: int = 2,
) -> Cells:
    """Read pictures in any form; they are decoded once into the cache and opened from there as memory maps.

    Pictures are never resized. One that cannot be decoded is skipped and listed in `Cells.unreadable`.

    Args:
        data: a ``.npz`` file (``images`` and ``labels``, or MedMNIST's parts), a folder of class folders, a Parquet
            file or folder of shards in the Hugging Face image layout, a CSV of ``path,label[,group,source,split]``,
            ``bloodmnist[:28|64|128|224]``, or ``demo``; or cells, which are only checked. Without labels also a
            picture, a glob or a folder of pictures.
        tolerate_unreadable: go on when a whole class or more than 5 % of the pictures cannot be decoded.
        labelled: whether labels are wanted; without, none are read or checked.
        minimum_classes: how many classes there must be; 2 to train, 1 to evaluate.

    Returns:
        The readable pictures, in the order of their rows.

    Raises:
        DataError: the data is missing, damaged or in no known form; labels are missing or impossible; too few
            classes; too many unreadable pictures. The message says what to do.
        MissingExtraError: a Parquet file is given and pyarrow is not installed.
    """
    if isinstance(data, Cells):
        return _checked(data, labelled, minimum_classes)
    if str(data) == "demo":
        from smearlab.data.demo import demo_cells  # draws with much code that no one else needs

        return _checked(demo_cells(), labelled, minimum_classes)
    form = open_form(data)
    key = content_key(form.files(), f"{type(form).__name__} {DECODER_VERSION} {_LAYOUT_VERSION} {pillow_version}")
    stored = open_stored(open_or_build(f"pictures-{key}", lambda folder: store(form, folder)))
    if not stored.readable.any():
        raise DataError(f"None of {counted(len(stored.readable), 'picture')} of {data} can be read: {_faults(stored)}.")
    if not labelled:
        return _to_cells(stored, form.name, None, ())
    if stored.fault:
        raise DataError(stored.fault)
    labels, names, notes = resolve_labels(stored.labels, np.arange(len(stored.readable)), str(data))
    if not tolerate_unreadable:
        _refuse_losses(stored, labels, names, str(data))
    labels, names = _without_lost_classes(labels, names, stored)
    cells = replace(_to_cells(stored, form.name, labels, names), notes=notes)
    return _checked(cells, labelled, minimum_classes)


def _to_cells(stored: Stored, name: str, labels: IntArray | None, class_names: tuple[str, ...]) -> Cells:
    rows = np.arange(len(stored.readable))
    kept = stored.readable
    parts = resolve_parts(stored.parts, rows) if labels is not None else None
    unreadable = tuple(
        Unreadable(row, str(stored.sources[row]), -1 if labels is None else int(labels[row]), str(stored.reasons[row]))
        for row in np.flatnonzero(~kept).tolist()
    )
    return Cells(
        images=stored.images,
        labels=None if labels is None else labels[kept],
        sources=stored.sources[kept],
        class_names=class_names,
        rows=rows[kept],
        groups=stored.groups[kept] if np.any(stored.groups != "") else None,
        parts=None if parts is None else parts[kept],
        unreadable=unreadable,
        name=name,
    )


def _refuse_losses(stored: Stored, labels: IntArray, names: tuple[str, ...], where: str) -> None:
    """Stop where so many pictures are unreadable that the result would not be what was asked for."""
    lost = set(range(len(names))) - set(labels[stored.readable].tolist())
    share = float(np.mean(~stored.readable))
    if lost:
        what = f"every picture of the class {', '.join(names[index] for index in sorted(lost))}"
    elif share > TOLERATED_SHARE:
        what = f"{np.sum(~stored.readable):,} of {counted(len(labels), 'picture')} ({share:.1%})"
    else:
        return
    raise DataError(
        f"In {where}, {what} cannot be read: {_faults(stored)}. "
        "Mend or remove these, or pass --tolerate-unreadable to go on without them."
    )


def _faults(stored: Stored) -> str:
    bad = np.flatnonzero(~stored.readable)
    return name_some([f"{stored.sources[row]} ({stored.reasons[row]})" for row in bad])


def _without_lost_classes(labels: IntArray, names: tuple[str, ...], stored: Stored) -> tuple[IntArray, tuple[str, ...]]:
    """Drop classes without a readable picture; their unreadable ones get the label -1."""
    left = np.isin(np.arange(len(names)), labels[stored.readable])
    position = np.where(left, np.cumsum(left) - 1, -1)
    return position[labels], tuple(name for name, keep in zip(names, left, strict=True) if keep)


def _checked(cells: Cells, labelled: bool, minimum_classes: int) -> Cells:
    if not labelled:
        return cells
    if cells.labels is None:
        raise DataError(f"{cells.name} has no labels. {UNLABELLED_HINT}")
    if len(cells.labels) and not 0 <= cells.labels.min() <= cells.labels.max() < len(cells.class_names):
        raise DataError(f"{cells.name} has labels outside its {len(cells.class_names)} classes.")
    present = np.unique(cells.labels)
    if len(present) < minimum_classes:
        names = ", ".join(cells.class_names[index] for index in present) or "none"
        raise DataError(
            f"{cells.name} has pictures of too few classes ({names}); a classifier needs at least {minimum_classes}. "
            f"{' '.join((*cells.notes, _MORE_CLASSES))}"
        )
    return cells
