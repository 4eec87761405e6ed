"""Building blocks of a report: pages, plots, picture grids, tables. Plain data in, one HTML file out; no torch."""

from smearlab.report.contents import (
    DataFacts,
    DuplicatePair,
    EvaluationReport,
    Example,
    Machine,
    Mistake,
    ModelFacts,
    PartResult,
    RunReport,
    SkippedPicture,
)
from smearlab.report.evaluation_report import write_evaluation_report
from smearlab.report.page import Page
from smearlab.report.run_report import write_run_report

__all__ = [
    "DataFacts",
    "DuplicatePair",
    "EvaluationReport",
    "Example",
    "Machine",
    "Mistake",
    "ModelFacts",
    "Page",
    "PartResult",
    "RunReport",
    "SkippedPicture",
    "write_evaluation_report",
    "write_run_report",
]
