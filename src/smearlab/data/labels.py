"""From labels as the data gives them to class indices and class names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smearlab.celltypes import CLASS_NAMES, canonical_name, identifier
from smearlab.data.forms.base import name_rows, name_some
from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smearlab.data.cells import IntArray
    from smearlab.data.forms.base import RawLabel


@dataclass(frozen=True, eq=False)
class RawLabels:
    """The labels of all rows, as the data gives them.

    Attributes:
        values: the distinct labels.
        codes: ``int64 (N,)`` indices into `values`.
        declared: the class names that integer labels index, where the data gives them.
    """

    values: Sequence[RawLabel]
    codes: IntArray
    declared: tuple[str, ...] | None = None


class Resolved(NamedTuple):
    """Labels as the rest of smearlab uses them.

    Attributes:
        labels: ``int64 (N,)`` indices into `class_names`.
        class_names: identifiers.
        notes: which different names were taken for one class, in sentences.
    """

    labels: IntArray
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def resolve_labels(raw: RawLabels, rows: IntArray, where: str) -> Resolved:
    """Turn raw labels into indices of class names.

    Names become identifiers, with the spellings of the eight cell types unified. Whole numbers are indices into the
    declared names; without these, numbers from 0 to 7 are the eight cell types in BloodMNIST's order, and others are
    ``class_<number>`` if they follow each other from 0 or 1. Only classes that occur are named: those of the eight
    cell types in their own order, declared ones in theirs, and others sorted. Names that differ only in case
    and spaces, or are known names of one cell type, are one class, and a note says so; other names never merge.

    Args:
        raw: labels of N pictures.
        rows: ``int64 (N,)`` rows for messages.
        where: the data's path, for messages.

    Raises:
        DataError: missing, negative, fractional or otherwise impossible labels; the message names the rows. Or
            different class names that would become one.
    """

    def rows_of(*bad: RawLabel) -> str:
        codes = [code for code, value in enumerate(raw.values) if any(value is one for one in bad)]
        return name_rows(rows[np.isin(raw.codes, codes)].tolist())

    if any(value is None for value in raw.values):
        raise DataError(
            f"There is no label in {rows_of(None)} of {where} (counted from 0). Give each picture its class, or take "
            "these pictures out."
        )
    names = _name_all(raw, rows_of, where)
    notes = _merged(_texts(raw), names, where)
    order = _in_order(set(names), raw.declared)
    position = {name: index for index, name in enumerate(order)}
    lookup = np.array([position[name] for name in names], dtype=np.int64)
    return Resolved(lookup[raw.codes], order, notes)


def _texts(raw: RawLabels) -> list[str]:
    """Return each distinct label as a person would name it."""
    numbers = [_number(value) for value in raw.values]
    if raw.declared is None or any(isinstance(number, str) for number in numbers):
        return [str(number) for number in numbers]
    return [raw.declared[number] if isinstance(number, int) else "" for number in numbers]


def _merged(texts: list[str], names: list[str], where: str) -> tuple[str, ...]:
    """Say which names became one class; refuse to merge what may be different things, as CD4+ and CD4-."""
    given: dict[str, list[str]] = {}
    for text, name in sorted(zip(texts, names, strict=True)):
        alike = next((one for one in given.get(name, []) if identifier(one) == identifier(text)), text)
        if _spelling(alike) != _spelling(text):
            raise DataError(
                f"The class names '{alike}' and '{text}' of {where} would both become '{name}'. Rename one so that "
                "they differ in letters or digits, or give both the same name if they are one class."
            )
        if text not in given.setdefault(name, []):
            given[name].append(text)
    return tuple(f"{_listed(same)} are read as {name}." for name, same in given.items() if len(same) > 1)


def _listed(texts: list[str]) -> str:
    quoted = [f"'{text}'" for text in texts]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _spelling(text: str) -> str:
    """Return what must agree in two names with the same identifier: all but case, spaces and inner hyphens."""
    return re.sub(r"[\s_]+|(?<=\w)-(?=\w)", " ", unicodedata.normalize("NFC", text.strip().lower()))


def _name_all(raw: RawLabels, rows_of: Callable[..., str], where: str) -> list[str]:
    """Return the class name of each distinct label."""
    values = [_number(value) for value in raw.values]
    if any(isinstance(value, str) for value in values):
        return [_identifier(str(value), rows_of(value), where) for value in raw.values]
    numbers = []
    for value, given in zip(values, raw.values, strict=True):
        if not isinstance(value, int):
            raise DataError(f"The label {given} in {rows_of(given)} of {where} is no whole number. Correct it.")
        if value < 0:
            raise DataError(
                f"The label {given} in {rows_of(given)} of {where} is negative. "
                "Labels count from 0; correct or remove these pictures."
            )
        numbers.append(value)
    if raw.declared is not None:
        return _declared_names(numbers, raw, rows_of, where)
    if max(numbers) < len(CLASS_NAMES):
        return [CLASS_NAMES[number] for number in numbers]
    _check_consecutive(numbers, raw, rows_of, where)
    return [f"class_{number}" for number in numbers]


def _number(value: RawLabel) -> RawLabel:
    """Return whole numbers in any spelling as int, everything else as it is."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _declared_names(numbers: list[int], raw: RawLabels, rows_of: Callable[..., str], where: str) -> list[str]:
    declared = raw.declared or ()
    beyond = [given for number, given in zip(numbers, raw.values, strict=True) if number >= len(declared)]
    if beyond:
        raise DataError(
            f"The label {name_some(beyond)} in {rows_of(*beyond)} of {where} is out of range: "
            f"the data names {len(declared)} classes, 0 to {len(declared) - 1}."
        )
    return [_identifier(declared[number], f"class {number}", where) for number in numbers]


def _check_consecutive(numbers: list[int], raw: RawLabels, rows_of: Callable[..., str], where: str) -> None:
    """A gap in the numbers is nearly always a mistake, such as 255 for 'unknown'."""
    known = sorted(set(numbers))
    gap = next((i for i in range(1, len(known)) if known[i] != known[i - 1] + 1), len(known))
    good = known[:gap] if known[0] <= 1 else []
    beyond = [given for number, given in zip(numbers, raw.values, strict=True) if number not in good]
    if beyond:
        others = f"others run from {good[0]} to {good[-1]}" if good else "labels must begin at 0 or 1"
        raise DataError(
            f"The label {name_some(beyond)} in {rows_of(*beyond)} of {where} is out of range: {others}. "
            "Number the classes without gaps, or give their names."
        )


def _identifier(text: str, which: str, where: str) -> str:
    name = canonical_name(text)
    if not name:
        raise DataError(f"The class name '{text}' ({which}) of {where} has no letters or digits. Rename it.")
    return name


def _in_order(names: set[str], declared: tuple[str, ...] | None) -> tuple[str, ...]:
    if names <= set(CLASS_NAMES):
        return tuple(name for name in CLASS_NAMES if name in names)
    if declared is not None:
        return tuple(dict.fromkeys(name for name in map(canonical_name, declared) if name in names))
    return tuple(sorted(names, key=_by_number))


def _by_number(name: str) -> tuple[str, int, str]:
    """Sort ``class_10`` after ``class_9``."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number), name) if stem and number.isdigit() else (name, -1, name)
