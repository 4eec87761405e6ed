"""The names that data give to the parts of a split they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.cells import SPLIT_PARTS
from smearlab.data.forms.base import name_rows
from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from smearlab.data.cells import IntArray, StrArray

_PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def split_part(text: str) -> str | None:
    """Return ``train``, ``validation``, ``test``, ``""`` for an empty text, or None for any other.

    >>> split_part("Val"), split_part("testing"), split_part("fold 1")
    ('validation', 'test', None)
    """
    name = text.strip().lower()
    return _PART_NAMES.get(name) if name else ""


def resolve_parts(raw: StrArray, rows: IntArray) -> StrArray | None:
    """Bring the parts of all pictures to their usual names.

    Args:
        raw: ``str (N,)`` as the data names them.
        rows: ``int64 (N,)`` rows for messages.

    Returns:
        ``str (N,)``, or None where fewer than two parts are named, because that is no split.

    Raises:
        DataError: a name that is none of the three.
    """
    found = {str(text): split_part(str(text)) for text in np.unique(raw)}
    for text, part in found.items():
        if part is None:
            where = name_rows(rows[raw == text].tolist())
            known = ", ".join(SPLIT_PARTS)
            hint = did_you_mean(text.lower(), _PART_NAMES)
            raise DataError(f"The split '{text}' ({where}) is none of {known}.{hint}")
    if len(set(found.values()) - {""}) < 2:
        return None
    return np.array([found[str(text)] for text in raw], dtype=np.str_)
