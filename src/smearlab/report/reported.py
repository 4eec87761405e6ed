"""Which of the figures that others reported of a system stands for their own pictures."""

from __future__ import annotations

from collections.abc import Mapping

LOCAL = ("accuracy", "macro_f1", "validation_accuracy")
"""The figures that may stand for a team's own pictures, the first that it reported."""
_OTHER = ("online", "head_phase_")  # on pictures of others, or of a network that was not done


def local_figure(figures: Mapping[str, float]) -> tuple[str, float] | None:
    """Return the name and the value of the figure on a team's own pictures; None where it reported none.

    >>> local_figure({"head_phase_validation_accuracy": 0.43, "validation_accuracy": 0.93, "online": 0.49})
    ('validation_accuracy', 0.93)
    """
    names = [name for name in figures if not name.startswith(_OTHER)]
    name = next((name for name in (*LOCAL, *names) if name in names), None)
    return None if name is None else (name, figures[name])
