"""Figures of a classifier as pure functions, each with a bootstrap interval, and paired tests. Needs NumPy only."""

from smearlab.metrics.calibration import brier_score, expected_calibration_error, negative_log_likelihood, reliability
from smearlab.metrics.comparison import McNemar, PairedDifference, mcnemar, paired_difference
from smearlab.metrics.counts import (
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion_matrix,
    macro_f1,
    macro_precision,
    macro_recall,
)
from smearlab.metrics.evaluate import ClassMetrics, Metrics, evaluate_predictions
from smearlab.metrics.intervals import Interval, bootstrap
from smearlab.metrics.ranking import macro_auc

__all__ = [
    "ClassMetrics",
    "Interval",
    "McNemar",
    "Metrics",
    "PairedDifference",
    "accuracy",
    "balanced_accuracy",
    "bootstrap",
    "brier_score",
    "class_scores",
    "confusion_matrix",
    "evaluate_predictions",
    "expected_calibration_error",
    "macro_auc",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "mcnemar",
    "negative_log_likelihood",
    "paired_difference",
    "reliability",
]
