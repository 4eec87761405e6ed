"""Several stress tests on the same pictures and conditions, compared picture by picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.errors import DataError
from smearlab.evaluation.stress_figures import Drawn, draw_figures, interval
from smearlab.evaluation.stress_files import CLEAN_KEY, Correct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import IntArray

FIGURES = ("accuracy", "balanced_accuracy")


def compare_stress(paths: Sequence[str | Path], seed: int = 0) -> list[dict[str, Any]]:
    """Compare stress tests with the first of them, over the conditions that all of them tried.

    Every bootstrap sample draws the same pictures for all models and conditions, so that the interval of a difference
    is that of the difference alone.

    Args:
        paths: the ``--out`` folders of two or more stress tests on the same pictures.
        seed: of the resampling.

    Returns:
        One row per test and suite (and one for the unaltered pictures, as suite ``clean``): ``name``, ``suite``,
        ``n``, ``conditions``; ``accuracy`` and ``balanced_accuracy`` as ``{value, low, high}``; and
        ``accuracy_difference`` and ``balanced_accuracy_difference`` to the first test, None in its own rows.

    Raises:
        DataError: fewer than two, no stress test, or the pictures or conditions are not the same.
    """
    folders = [Path(path) for path in paths]
    if len(folders) < 2:
        raise DataError("Give the folders of two stress tests or more to compare.")
    tests = _aligned(folders, [Correct.read(folder) for folder in folders])
    shared = _shared(folders, tests)
    first = tests[0]
    labels = np.unique(first.labels, return_inverse=True)[1].astype(np.int64)
    groups = first.groups if first.groups.any() else None
    all_drawn = [draw_figures(labels, test.correct[_find(test, shared)], groups, seed) for test in tests]
    suites: dict[str, list[int]] = {}
    for place, key in enumerate(shared):
        suites.setdefault(key.partition("/")[0], []).append(place)
    return [
        _row(folder, suite, places, drawn, all_drawn[0])
        for suite, places in suites.items()
        for folder, drawn in zip(folders, all_drawn, strict=True)
    ]


def _row(folder: Path, suite: str, places: list[int], drawn: Drawn, first: Drawn) -> dict[str, Any]:
    differences = {
        f"{name}_difference": None
        if drawn is first
        else interval(getattr(drawn, name)[:, places].mean(1) - getattr(first, name)[:, places].mean(1))
        for name in FIGURES
    }
    found = {"name": folder.name, "suite": suite, "n": drawn.pictures, "conditions": len(places)}
    return {**found, **drawn.mean(places), **differences}


def _aligned(folders: Sequence[Path], tests: Sequence[Correct]) -> list[Correct]:
    """Put the pictures of all tests in the order of their rows; they must be the same."""
    sorted_tests = [_by_row(test) for test in tests]
    first = sorted_tests[0]
    for folder, test in zip(folders, sorted_tests, strict=True):
        if not (np.array_equal(test.rows, first.rows) and np.array_equal(test.labels, first.labels)):
            raise DataError(
                f"{folder} and {folders[0]} were tried on different pictures and cannot be compared. Run both on the "
                "same data with the same --part, --limit and --seed."
            )
    return sorted_tests


def _by_row(test: Correct) -> Correct:
    order = np.argsort(test.rows, kind="stable")
    return Correct(test.conditions, test.correct[:, order], test.rows[order], test.labels[order], test.groups[order])


def _shared(folders: Sequence[Path], tests: Sequence[Correct]) -> list[str]:
    """Return the conditions that all tests have, in the order of the first."""
    shared = [str(key) for key in tests[0].conditions if all((test.conditions == key).any() for test in tests)]
    if shared == [CLEAN_KEY]:
        raise DataError(
            f"{', '.join(map(str, folders))} have no condition in common. Run them with the same --suite and "
            "--severities."
        )
    return shared


def _find(test: Correct, keys: Sequence[str]) -> IntArray:
    places = {str(key): place for place, key in enumerate(test.conditions)}
    return np.array([places[key] for key in keys], dtype=np.int64)
