"""New models out of finished runs, measured and reported as runs of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from smearlab.data.read import read
from smearlab.errors import TrainingError
from smearlab.evaluation.evaluate_run import evaluate_run
from smearlab.training.soups import Brewed, greedy_soup, wise_ft

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells
    from smearlab.training.run_folder import Run


def brew_soup(runs: Sequence[Path], data: str | Path | Cells | None, out: Path) -> Run:
    """Write the greedy soup of several runs as a run of its own, with its figures and its report.

    Raises:
        TrainingError: fewer than two runs, no data, runs that do not fit together, or `out` is taken.
    """
    if len(runs) < 2:
        raise TrainingError("A soup needs two runs or more.")
    if data is None:
        raise TrainingError("A soup is chosen by the validation pictures. Give --data, what the runs were trained on.")
    start = time.monotonic()
    cells = read(data)
    return _measured(greedy_soup(runs, cells, out), time.monotonic() - start)


def brew_wise_ft(run: Path, alphas: Sequence[float], data: str | Path | Cells, out: Path) -> Run:
    """Write the best interpolation between a run's starting weights and its own as a run of its own.

    Raises:
        TrainingError: the run started from random weights, does not belong to the data, or `out` is taken.
    """
    start = time.monotonic()
    return _measured(wise_ft(run, alphas, read(data), out), time.monotonic() - start)


def _measured(brewed: Brewed, seconds: float) -> Run:
    evaluate_run(brewed.run, brewed.prepared, brewed.trained, {"read and choose": seconds})
    return brewed.run
