"""Which labels are wrong: confident learning on predictions of models that never saw the label they judge.

Confident learning (Northcutt, Jiang & Chuang 2021) compares each label with what a model says of the picture, measured
against how sure the model usually is of each class. A label that the model clearly contradicts is an error; a cell
between two classes, about which two experts might differ as well, is ambiguous. Both are flagged, apart from each
other, and every label gets a score by which all can be ranked.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.audit.findings import Finding
from smearlab.data.atomic import atomic_path
from smearlab.errors import DataError, require

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from smearlab.data.cells import BoolArray, Cells, FloatArray, IntArray

COLUMNS = ("row", "source", "label", "suggested", "score")
"""Columns of ``label_quality.csv``."""
ERROR = 0.02
"""Score up to which a contradicted label counts as an error: another class is at least 96 % more probable."""
AMBIGUOUS = 0.65
"""Score up to which a label that is no error counts as ambiguous: it has at most 30 % more than another class."""
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """What is thought of every label.

    Attributes:
        scores: ``float64 (n,)`` on 0 to 1: 0 where the model is sure of another class, 1 where it is sure of the label,
            0.5 where the label and the best other class are equally probable.
        suggested: ``int64 (n,)`` the class that fits best, which is the label itself where that is right.
        is_error: ``bool (n,)`` labels that are almost certainly wrong.
        is_ambiguous: ``bool (n,)`` cells between two classes, or whose class is not certain; none of them an error.
    """

    scores: FloatArray
    suggested: IntArray
    is_error: BoolArray
    is_ambiguous: BoolArray

    @property
    def order(self) -> IntArray:
        """Positions of all labels, worst first: ``int64 (n,)``; equal ones in their own order."""
        return np.argsort(self.scores, kind="stable").astype(np.int64)

    def findings(self, cells: Cells) -> list[Finding]:
        """List the errors as findings, worst first; the finding's score is one minus that of the label.

        Args:
            cells: those that were judged.
        """
        return [
            Finding(
                row=int(cells.rows[position]),
                source=str(cells.sources[position]),
                kind="label_error",
                score=float(1 - self.scores[position]),
                suggestion=f"relabel: {cells.class_names[self.suggested[position]]}",
            )
            for position in self.order
            if self.is_error[position]
        ]

    def write_csv(self, path: Path, cells: Cells) -> None:
        """Write every label, worst first, to a CSV file, atomically.

        Args:
            path: of the file.
            cells: those that were judged.
        """
        labels, names = cells.known_labels, cells.class_names
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for at in self.order:
                # Nine digits: the worst labels differ only far behind the point.
                score = f"{self.scores[at]:.9f}"
                writer.writerow(
                    [cells.rows[at], cells.sources[at], names[labels[at]], names[self.suggested[at]], score]
                )


def judge_labels(
    cells: Cells, probabilities: NDArray[np.floating[Any]], excluded: BoolArray | None = None
) -> LabelQuality:
    """Judge every label by confident learning.

    Args:
        cells: labelled pictures.
        probabilities: ``(n, k)`` of each of the cells' classes, by models that never saw the label of the row; see
            `smearlab.audit.fold_predictions.out_of_sample`.
        excluded: ``bool (n,)`` rows that have another defect (copies, junk): they get a score, but are never flagged,
            and teach nothing about how sure the model usually is.

    Raises:
        DataError: there are no labels, or the probabilities are not one finite row for each picture.
        MissingExtraError: cleanlab is not installed.
    """
    labels, chances = cells.known_labels, _checked(cells, probabilities)
    judged = np.ones(len(labels), dtype=np.bool_) if excluded is None else ~excluded
    suggested = chances.argmax(1).astype(np.int64)
    scores = margins(labels, chances)
    contradicted = np.zeros(len(labels), dtype=np.bool_)
    contradicted[judged] = _contradicted(labels[judged], chances[judged])
    is_error = contradicted & (suggested != labels) & (scores <= ERROR)
    is_ambiguous = judged & ~is_error & (scores <= AMBIGUOUS)
    return LabelQuality(scores, suggested, is_error, is_ambiguous)


def margins(labels: IntArray, chances: FloatArray) -> FloatArray:
    """Return the normalised margin of each label, ``float64 (n,)`` on 0 to 1.

    Args:
        labels: ``int64 (n,)``.
        chances: ``float64 (n, k)`` probabilities.

    Raises:
        MissingExtraError: cleanlab is not installed.
    """
    require("cleanlab", "train", "Judging labels")
    from cleanlab.rank import get_label_quality_scores

    if not len(labels):
        return np.zeros(0)
    scores = get_label_quality_scores(labels, chances, method="normalized_margin")
    return np.clip(np.asarray(scores, dtype=np.float64), 0, 1)


def _contradicted(labels: IntArray, chances: FloatArray) -> BoolArray:
    """Mark the labels ``bool (n,)`` that stand off the diagonal of the confident joint.

    Only classes that occur as labels take part: of another one nobody knows how sure a model usually is. A cell that
    looks like one of those stands off the diagonal anyway.
    """
    from cleanlab.filter import find_label_issues

    classes, dense = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return np.zeros(len(labels), dtype=np.bool_)
    present = chances[:, classes] + _LEAST
    present /= present.sum(1, keepdims=True)
    # One process: starting several costs more than the few thousand rows of a share.
    found = find_label_issues(dense, present, filter_by="confident_learning", n_jobs=1)
    return np.asarray(found, dtype=np.bool_) | ~np.isin(chances.argmax(1), classes)


def _checked(cells: Cells, probabilities: NDArray[np.floating[Any]]) -> FloatArray:
    chances = np.asarray(probabilities, dtype=np.float64)
    shape = (len(cells), len(cells.class_names))
    if chances.shape != shape or not np.isfinite(chances).all() or (chances < 0).any():
        raise DataError(
            f"The probabilities are {chances.shape}, or not all of them are numbers from 0; give one row for each of "
            f"the {shape[0]} pictures and one column for each of the {shape[1]} classes."
        )
    return shares(chances)


def shares(chances: FloatArray) -> FloatArray:
    """Scale ``(n, k)`` numbers from 0 so that each row adds up to 1; a row of nothing becomes even."""
    total = chances.sum(1, keepdims=True)
    even = np.full(chances.shape, 1 / chances.shape[1])
    scaled: FloatArray = np.divide(chances, total, out=even, where=total > 0)
    return scaled
