"""The files of a stress test: the table, who was right under which condition, and all predictions."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smearlab.data.atomic import atomic_path, write_text
from smearlab.data.results_folder import check_results_folder
from smearlab.errors import DataError
from smearlab.evaluation.stress_figures import CLEAN, Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import BoolArray, Cells, IntArray, StrArray
    from smearlab.evaluation.conditions import Condition
    from smearlab.evaluation.stress_pass import Answers

TABLE, SUMMARY, CORRECT, REPORT, PREDICTIONS = (
    "stress.csv",
    "summary.json",
    "correct.npz",
    "report.html",
    "predictions.csv",
)
FILES = (TABLE, SUMMARY, CORRECT, REPORT, PREDICTIONS)
COLUMNS = ("suite", "corruption", "severity", "n", "accuracy", "balanced_accuracy")
CLEAN_KEY = "clean"


@dataclass(frozen=True, eq=False)
class Correct:
    """Who was right under which condition: what two stress tests are compared by.

    Attributes:
        conditions: ``str (C,)`` ``suite/corruption/severity``; ``clean`` first.
        correct: ``bool (C, n)``.
        rows: ``int64 (n,)`` the pictures' rows in their source.
        labels: ``str (n,)`` names of the true classes.
        groups: ``str (n,)`` slides or patients; empty where there are none.
    """

    conditions: StrArray
    correct: BoolArray
    rows: IntArray
    labels: StrArray
    groups: StrArray

    def write(self, path: Path) -> None:
        """Write it as ``correct.npz``, atomically."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            arrays = {name: getattr(self, name) for name in ("conditions", "correct", "rows", "labels", "groups")}
            np.savez_compressed(file, **arrays)

    @classmethod
    def read(cls, folder: Path) -> Correct:
        """Read it from the folder of a stress test.

        Raises:
            DataError: there is none, or it is damaged.
        """
        path = folder / CORRECT
        if not path.is_file():
            raise DataError(f"{folder} holds no stress test: it has no {CORRECT}. Give the --out of `smearlab stress`.")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(*(arrays[name] for name in ("conditions", "correct", "rows", "labels", "groups")))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(f"{path} is damaged ({error}). Run the stress test again.") from None


def check_out(folder: Path) -> None:
    """Make sure that nothing but an earlier stress test is written over.

    Raises:
        DataError: `folder` is a file, or holds anything else.
    """
    check_results_folder(folder, "stress test", FILES, SUMMARY, "suites")


def write_table(path: Path, conditions: Sequence[Condition], drawn: Drawn) -> None:
    """Write ``stress.csv``: one line per corruption and severity, atomically."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place, one in enumerate(conditions, CLEAN + 1):
        figures = (f"{table[0, place]:.6f}" for table in (drawn.accuracy, drawn.balanced_accuracy))
        writer.writerow([one.suite, one.corruption, one.severity, drawn.pictures, *figures])
    write_text(path, buffer.getvalue())


def write_answers(
    path: Path, cells: Cells, conditions: Sequence[Condition], answers: Answers, class_names: Sequence[str]
) -> None:
    """Write every answer: ``suite,corruption,severity,row,source,true_label,label,confidence,p_…``, atomically.

    The unaltered pictures come first, as suite ``clean``, corruption ``none``, severity 0.
    """
    header = ["suite", "corruption", "severity", "row", "source", "true_label", "label", "confidence"]
    true = np.asarray(cells.class_names)[cells.known_labels].tolist()
    keys = [(CLEAN_KEY, "none", 0), *((one.suite, one.corruption, one.severity) for one in conditions)]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*header, *(f"p_{name}" for name in class_names)])
        for place, key in enumerate(keys):
            probabilities = answers.probabilities[place].tolist() if answers.probabilities is not None else []
            named = [class_names[index] for index in answers.named[place]]
            sure = answers.confidence[place].tolist()
            lines = zip(cells.rows.tolist(), cells.sources.tolist(), true, named, sure, probabilities, strict=True)
            for *plain, confidence, shares in lines:
                writer.writerow([*key, *plain, f"{confidence:.6f}", *(f"{value:.6f}" for value in shares)])
