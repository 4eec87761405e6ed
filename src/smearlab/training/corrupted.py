"""Altered validation pictures, so that the epoch that is kept is one that holds up, not only one that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.augment.operations import operations_of
from smearlab.corruptions.families import FAMILIES, OPERATIONS
from smearlab.corruptions.suites import SUITES, corrupt
from smearlab.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smearlab.augment.config import AugmentConfig
    from smearlab.corruptions.suites import Corruption
    from smearlab.data.cells import IntArray, UInt8Array
    from smearlab.training.sections import SelectionConfig


@dataclass(frozen=True, eq=False)
class Corrupted:
    """Altered pictures of one part.

    Attributes:
        images: ``uint8 (m, h, w, 3)``.
        positions: ``int64 (m,)`` which picture of the data each of them was.
    """

    images: UInt8Array
    positions: IntArray


def seen_families(augment: AugmentConfig) -> frozenset[str]:
    """Return the families of which a policy uses any operation."""
    return frozenset(OPERATIONS[name] for name in operations_of(augment))


def is_seen(corruption: Corruption, seen: frozenset[str]) -> bool:
    """Whether a policy that uses these families has trained on a corruption; a mixture may hold any family."""
    return corruption.family in seen or (bool(seen) and corruption.family not in FAMILIES)


def chosen_corruptions(selection: SelectionConfig, augment: AugmentConfig) -> tuple[Corruption, ...]:
    """Return the corruptions that a recipe selects by: those named, else all of families it does not train on.

    Raises:
        RecipeError: a family or group that the suite has none of, one that the policy trains on, or nothing left.
    """
    suite, seen = SUITES[selection.suite], seen_families(augment)
    _check_names("families", selection.families, {one.family for one in suite.corruptions if one.family}, suite.name)
    _check_names("groups", selection.groups, {one.group for one in suite.corruptions if one.group}, suite.name)
    named = [
        one
        for one in suite.corruptions
        if (not selection.families or one.family in selection.families)
        and (not selection.groups or one.group in selection.groups)
    ]
    trained_on = sorted({one.family for one in named if is_seen(one, seen)})
    if selection.allow_seen or not trained_on:
        return tuple(named)
    unseen = tuple(one for one in named if not is_seen(one, seen))
    if selection.families or not unseen:
        raise RecipeError(_why_seen(selection, trained_on, sorted({one.family for one in unseen})))
    return unseen


def corrupted_copy(
    images: UInt8Array, positions: IntArray, selection: SelectionConfig, corruptions: Iterable[Corruption], seed: int
) -> Corrupted:
    """Alter some pictures by every chosen corruption at every chosen severity: a function of its arguments alone.

    Args:
        images: ``uint8 (N, h, w, 3)``.
        positions: ``int64 (m,)`` the pictures to draw from.
        selection: severities and pictures per condition.
        corruptions: from `chosen_corruptions`.
        seed: of the sample and of the alterations.
    """
    parts, rows = [], []
    conditions = [(one.name, severity) for one in corruptions for severity in selection.severities]
    for number, (name, severity) in enumerate(conditions):
        rng = np.random.default_rng((seed, 4, number))
        drawn = np.sort(rng.permutation(positions)[: selection.pictures]).astype(np.int64)
        parts.append(corrupt(np.asarray(images[drawn]), selection.suite, name, severity, seed, drawn))
        rows.append(drawn)
    return Corrupted(np.concatenate(parts), np.concatenate(rows))


def _check_names(key: str, names: tuple[str, ...], known: set[str], suite: str) -> None:
    for name in names:
        if name not in known:
            has = (
                f"It has: {', '.join(sorted(known))}." if known else f"It mixes all of them; leave selection.{key} out."
            )
            raise RecipeError(f"selection.{key}: the suite {suite} has no '{name}'.{did_you_mean(name, known)} {has}")


def _why_seen(selection: SelectionConfig, seen: list[str], unseen: list[str]) -> str:
    if SUITES[selection.suite].mixed:
        return (
            f"selection.suite {selection.suite}: its alterations mix families, and the policy trains on some. "
            "Take another suite, or set selection.allow_seen = true."
        )
    left = f"take of the others ({', '.join(unseen)})" if unseen else "leave some of them out with augment.without"
    return (
        f"selection.suite {selection.suite}: the policy trains on {', '.join(seen)}, so choosing the epoch by them "
        f"says nothing about pictures altered in unseen ways. Either {left}, or set selection.allow_seen = true."
    )
