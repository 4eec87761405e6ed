"""What a stress test puts pictures through: every corruption of a suite at every severity, one condition each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.corruptions.families import FAMILIES, OPERATIONS
from smearlab.corruptions.geometry import magnify
from smearlab.corruptions.suites import SEVERITIES, SUITES, corrupt
from smearlab.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import IntArray, UInt8Array

SCALE = "scale"
SCALE_DESCRIPTION = "The same cells magnified: how far pictures may be smaller or larger than those of training."
FACTORS: dict[float, int] = {0.5: 4, 0.6: 3, 0.7: 2, 0.85: 1, 1.2: 1, 1.4: 2, 1.7: 3, 2.0: 4}
"""Magnification to severity, which grows with the distance from 1; at 1 a picture is what it was."""
ALL = "all"


@dataclass(frozen=True)
class Condition:
    """One corruption of a suite at one severity.

    Attributes:
        suite: name of the suite.
        corruption: name within the suite.
        severity: from 1, the mildest.
        operation: row of `smearlab.corruptions.families.OPERATIONS`; empty where several are mixed.
        factor: magnification, in the suite `SCALE` only.
    """

    suite: str
    corruption: str
    severity: int
    operation: str = ""
    factor: float = 1.0

    @property
    def family(self) -> str:
        """The family that the operation belongs to; empty where several are mixed."""
        return OPERATIONS.get(self.operation, "")

    @property
    def group(self) -> str:
        """The group that the family belongs to; empty where several are mixed."""
        return FAMILIES.get(self.family, "")

    @property
    def key(self) -> str:
        """``suite/corruption/severity``: its name in ``correct.npz``."""
        return f"{self.suite}/{self.corruption}/{self.severity}"


def suite_names() -> tuple[str, ...]:
    """Return the names of all suites."""
    return (*SUITES, SCALE)


def suite_description(suite: str) -> str:
    """Say in a sentence what a suite does to pictures."""
    return SCALE_DESCRIPTION if suite == SCALE else SUITES[suite].description


def choose_suites(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the suites asked for, each once; ``all`` stands for every one.

    Raises:
        DataError: there is no such suite, or none was asked for.
    """
    known = suite_names()
    names = [name for word in asked for name in (known if word == ALL else (word,))]
    for name in names:
        if name not in known:
            raise DataError(
                f"There is no suite '{name}'.{did_you_mean(name, [*known, ALL])} "
                f"The suites are {', '.join(known)}; {ALL} takes every one."
            )
    if not names:
        raise DataError(f"No suite was asked for. Give --suite {known[0]}, another of {', '.join(known)}, or {ALL}.")
    return tuple(dict.fromkeys(names))


def conditions_of(suites: Sequence[str], severities: Sequence[int] = ()) -> list[Condition]:
    """Return the conditions of some suites, in order.

    Args:
        suites: their names.
        severities: those wanted; all where empty. Magnifications are always tried all of them.

    Raises:
        DataError: a severity that the suites do not have.
    """
    strange = sorted(set(severities) - set(SEVERITIES))
    if strange:
        raise DataError(f"There is no severity {strange[0]}; they go from {SEVERITIES[0]} (mild) to {SEVERITIES[-1]}.")
    found: list[Condition] = []
    for suite in suites:
        found += _magnifications() if suite == SCALE else _of_suite(suite, severities)
    if not found:
        raise DataError("The suites have none of these severities. Leave --severities out for all of them.")
    return found


def _magnifications() -> list[Condition]:
    return [Condition(SCALE, f"magnify_x{factor:g}", rank, "zoom", factor) for factor, rank in FACTORS.items()]


def _of_suite(name: str, severities: Sequence[int]) -> list[Condition]:
    suite = SUITES[name]
    return [
        Condition(name, corruption.name, severity, corruption.operation)
        for corruption in suite.corruptions
        for severity in suite.severities
        if not severities or severity in severities
    ]


def alter(images: UInt8Array, condition: Condition, rows: IntArray, seed: int, native_size: int = 96) -> UInt8Array:
    """Alter pictures as a condition says; what becomes of one does not depend on the others.

    Args:
        images: ``uint8 (n, h, w, 3)``.
        condition: what to do.
        rows: ``int64 (n,)`` the pictures' rows in their source, which with the seed decide what is drawn for them.
        seed: of the draws.
        native_size: side in pixels at which the pixel sizes of ``bloodmnist-c`` are meant, 96 or 224.

    Returns:
        ``uint8 (n, h, w, 3)``.
    """
    images = np.ascontiguousarray(images)
    if condition.suite == SCALE:
        return magnify(images, condition.factor)
    options = {"native_size": native_size} if SUITES[condition.suite].native else {}
    return corrupt(images, condition.suite, condition.corruption, condition.severity, seed, rows, **options)
