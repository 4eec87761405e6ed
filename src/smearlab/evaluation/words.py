"""Figures in one line, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smearlab.metrics.resampling import FEW_GROUPS, Grouping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smearlab.data.cells import Cells, StrArray, Unreadable
    from smearlab.evaluation.matching import Matched

_NAMED = 3


def headline(figures: Mapping[str, Any]) -> str:
    """Return balanced accuracy and accuracy with their 95 % intervals.

    Args:
        figures: the contents of a ``metrics.json``.
    """
    part = f"{figures['part']}: " if "part" in figures else ""
    balanced, accuracy = (_interval(figures[name]) for name in ("balanced_accuracy", "accuracy"))
    left_out = sum(figures.get("left_out", {}).values())
    of_all = f" of {figures['n'] + left_out:,}" if left_out else ""
    return f"{part}balanced accuracy {balanced}, accuracy {accuracy} on {figures['n']:,}{of_all} pictures."


def stress_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return balanced accuracy as the pictures are and under each suite, a line each, and the worst corruption.

    Args:
        summary: the contents of a ``summary.json``.
    """
    suites = summary["suites"]
    width = max(map(len, ("as they are", *suites)))
    lines = [f"Balanced accuracy on {summary['n']:,} pictures:"]
    lines.append(f"  {'as they are':<{width}}  {_interval(summary['clean']['balanced_accuracy'])}")
    for name, suite in suites.items():
        worst = suite["worst_corruption"]
        value = suite["corruptions"][worst]["balanced_accuracy"]["value"]
        mean = _interval(suite["mean"]["balanced_accuracy"])
        lines.append(f"  {name:<{width}}  {mean}  worst: {worst} {value:.4f}")
    return lines


def left_out(cells: Cells, matched: Matched, words: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the figures leave out: ``left_out`` and ``unreadable`` in numbers, ``notes`` in words."""
    return {
        "left_out": matched.unknown,
        "unreadable": len(cells.unreadable),
        "notes": [*matched.notes, *group_notes(matched.cells.groups), *unreadable_notes(cells.unreadable), *words],
    }


def unreadable_notes(unreadable: Sequence[Unreadable]) -> list[str]:
    """Say how many pictures could not be read, and name the first; nothing where all could."""
    if not unreadable:
        return []
    count = f"{len(unreadable):,} {'picture' if len(unreadable) == 1 else 'pictures'}"
    first = ", ".join(f"{item.source} ({item.reason})" for item in unreadable[:_NAMED])
    more = ", …" if len(unreadable) > _NAMED else ""
    return [f"{count} could not be read: {first}{more}."]


def group_notes(groups: StrArray | None, part: str = "") -> list[str]:
    """Warn of intervals that rest on few groups; nothing where there are enough of them, or none.

    Args:
        groups: ``str (N,)`` slide or patient of each measured picture, or None.
        part: which part was measured on, such as ``test``; empty where there is but one.
    """
    if groups is None:
        return []
    count, where = Grouping.of(groups, len(groups)).count, f"the {part} part" if part else "the data"
    if count == len(groups):
        return []
    if count == 1:
        return [f"Only 1 group (slide, patient) in {where}: intervals cannot tell how groups differ."]
    if count < FEW_GROUPS:
        return [f"Only {count} groups (slides, patients) in {where}: intervals are rough."]
    return []


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"
