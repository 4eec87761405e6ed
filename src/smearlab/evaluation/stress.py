"""`smearlab stress`: a model on pictures that are altered in every way of a suite, mildly to severely."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.atomic import write_json
from smearlab.data.paths import user_path
from smearlab.data.read import read
from smearlab.errors import DataError
from smearlab.evaluation.conditions import Condition, choose_suites, conditions_of
from smearlab.evaluation.facts import machine_facts, model_facts
from smearlab.evaluation.matching import match_classes
from smearlab.evaluation.stress_figures import draw_figures
from smearlab.evaluation.stress_files import (
    CLEAN_KEY,
    CORRECT,
    PREDICTIONS,
    REPORT,
    SUMMARY,
    TABLE,
    Correct,
    check_out,
    write_answers,
    write_table,
)
from smearlab.evaluation.stress_pass import Answers, Source, answer_all
from smearlab.evaluation.stress_pictures import Outcome, confusions, flips_per_corruption, suite_facts
from smearlab.evaluation.stress_rows import choose_rows
from smearlab.evaluation.stress_summary import Measurement, summarise
from smearlab.evaluation.trained_on import trained_on
from smearlab.evaluation.variants import load_variant
from smearlab.evaluation.words import left_out
from smearlab.inference.predictor import Predictor
from smearlab.report.stress_contents import StressReport
from smearlab.report.stress_report import write_stress_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smearlab.data.cells import Cells

NATIVE_SIZES = (96, 224)


@dataclass(frozen=True)
class StressOptions:
    """How a stress test is made.

    Attributes:
        suites: names of suites; ``all`` stands for every one.
        severities: those wanted, from 1 to 5; all where empty.
        part: which part of the data; None takes the test part of a run's own data, and all pictures of other data.
        limit: at most about this many pictures, each class by its share; None takes all.
        size: side in pixels, 96 or 224, at which the pixel sizes of ``bloodmnist-c`` are meant.
        tta: views for test-time augmentation, see `views.views_of`; None takes none.
        adapt_norm: prior strength in pictures of test-time batch-norm adaptation; None leaves the model as it is.
        one_look: one look at each picture, never a second; see `smearlab.inference.second_look` and `doubt`.
        predictions: whether to write every answer.
        seed: of corruptions, sample and intervals.
    """

    suites: Sequence[str] = ("all",)
    severities: Sequence[int] = field(default_factory=tuple)
    part: str | None = None
    limit: int | None = None
    size: int = 96
    tta: str | None = None
    adapt_norm: float | None = None
    one_look: bool = False
    predictions: bool = False
    seed: int = 0

    def words(self) -> list[str]:
        """Return the options as they are typed, without those left at their default."""
        given = {
            "--severities": " ".join(map(str, self.severities)),
            "--part": self.part,
            "--limit": self.limit,
            "--size": self.size if self.size != StressOptions.size else None,
            "--tta": self.tta,
            "--adapt-norm": self.adapt_norm,
            "--seed": self.seed or None,
        }
        words = [word for suite in self.suites for word in ("--suite", suite)]
        words += ["--one-look"] if self.one_look else []
        return words + [
            word for name, value in given.items() if value not in (None, "") for word in (name, *str(value).split())
        ]


def stress(
    model: str | Path, data: str | Path | Cells, out: str | Path, options: StressOptions | None = None
) -> dict[str, Any]:
    """Measure how a model holds up on altered pictures; write ``stress.csv``, ``summary.json`` and a report.

    Args:
        model: a model folder, a run folder or ``default``.
        data: any form that `read` takes; classes are matched by name.
        out: the folder to write to: new, empty, or of an earlier stress test, whose files are replaced.
        options: what to try; all suites on all severities by default.

    Returns:
        The contents of ``summary.json``.

    Raises:
        DataError: an option is unknown; the data cannot be read, has no labels, or no class that the model knows; or
            `out` holds something else than an earlier stress test.
        ModelError: the model cannot be loaded, or not adapted.
    """
    options, folder = options or StressOptions(), user_path(out)
    check_out(folder)
    suites, conditions = _checked(options)
    clock = _Clock()
    predictor = Predictor.load(model, threads=1, second_look=not options.one_look)
    variant = load_variant(predictor, model, options.tta, options.adapt_norm)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    matched = match_classes(cells, predictor.class_names)
    chosen = choose_rows(matched, model, options.part, options.limit, options.seed)
    source = Source(matched.cells.take(chosen.positions), predictor.framing, options.seed, options.size)
    clock.lap("read")
    answers = answer_all(variant.predictor, source, conditions, adapter=variant.adapter, keep=options.predictions)
    clock.lap("alter and predict")
    labels = matched.labels[chosen.positions]
    drawn = draw_figures(labels, answers.named == labels, source.cells.groups, options.seed)
    outcome = Outcome(source, labels, conditions, answers, drawn, predictor.class_names)
    trained = trained_on(model, predictor.info)
    summary = {
        "model": predictor.info.name,
        "data": cells.name,
        "part": chosen.part,
        "n": len(labels),
        "options": options.words(),
        **summarise(Measurement(conditions, drawn, trained, source.side), suites),
        "adaptation": _adaptation(conditions, answers),
        **left_out(cells, matched, [*chosen.notes, *variant.words(answers.adaptation)]),
    }
    clock.lap("measure")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, outcome, summary, options)
    write_stress_report(folder / REPORT, _report(model, predictor, outcome, summary, suites, clock.seconds))
    return summary


class _Clock:
    """Seconds of each stage so far."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = time.monotonic()

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.monotonic()
        self.seconds[stage] = now - self._start
        self._start = now


def _checked(options: StressOptions) -> tuple[tuple[str, ...], list[Condition]]:
    if options.size not in NATIVE_SIZES:
        raise DataError(f"--size {options.size}: give {' or '.join(map(str, NATIVE_SIZES))}.")
    suites = choose_suites(options.suites)
    return suites, conditions_of(suites, options.severities)


def _write(folder: Path, outcome: Outcome, summary: dict[str, Any], options: StressOptions) -> None:
    cells, conditions = outcome.source.cells, outcome.conditions
    # The summary goes first: by it the folder is known as a stress test's, should anything stop the rest.
    write_json(folder / SUMMARY, summary)
    write_table(folder / TABLE, conditions, outcome.drawn)
    groups = cells.groups if cells.groups is not None else np.full(len(cells), "")
    Correct(
        conditions=np.array([CLEAN_KEY, *(one.key for one in conditions)]),
        correct=outcome.correct,
        rows=cells.rows,
        labels=np.asarray(outcome.class_names)[outcome.labels],
        groups=groups,
    ).write(folder / CORRECT)
    (folder / PREDICTIONS).unlink(missing_ok=True)
    if options.predictions:
        write_answers(folder / PREDICTIONS, cells, conditions, outcome.answers, outcome.class_names)


def _adaptation(conditions: Sequence[Condition], answers: Answers) -> dict[str, str] | None:
    if answers.adaptation is None:
        return None
    keys = [CLEAN_KEY, *(one.key for one in conditions)]
    return {key: reason or "adapted" for key, reason in zip(keys, answers.adaptation, strict=True)}


def _report(
    model: str | Path,
    predictor: Predictor,
    outcome: Outcome,
    summary: dict[str, Any],
    suites: Sequence[str],
    seconds: dict[str, float],
) -> StressReport:
    flips = flips_per_corruption(outcome.conditions)
    return StressReport(
        name=str(model),
        data=summary["data"],
        class_names=outcome.class_names,
        summary=summary,
        suites=[suite_facts(outcome, suite, flips) for suite in suites],
        confusions=confusions(outcome, summary),
        model=model_facts(predictor),
        machine=machine_facts(seconds, seed=outcome.source.seed),
        notes=summary["notes"],
    )
