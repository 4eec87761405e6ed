"""Figures in one line, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def headline(figures: Mapping[str, Any]) -> str:
    """Return balanced accuracy and accuracy with their 95 % intervals.

    Args:
        figures: the contents of a ``metrics.json``.
    """
    part = f"{figures['part']}: " if "part" in figures else ""
    balanced, accuracy = (_interval(figures[name]) for name in ("balanced_accuracy", "accuracy"))
    return f"{part}balanced accuracy {balanced}, accuracy {accuracy} on {figures['n']:,} pictures."


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"
