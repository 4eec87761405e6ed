"""``smearlab trust``: how far a model's confidence, its prediction sets and its "no cell" can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.data.atomic import write_json
from smearlab.data.paths import user_path
from smearlab.data.progress import progress
from smearlab.data.read import read
from smearlab.errors import DataError
from smearlab.evaluation.conditions import SCALE, Condition, choose_suites, conditions_of
from smearlab.evaluation.matching import match_classes
from smearlab.evaluation.stress_pass import CHUNK, Source
from smearlab.evaluation.stress_rows import choose_rows
from smearlab.inference.predictor import Predictions, Predictor, joined
from smearlab.inference.trust import softmax
from smearlab.metrics.calibration import brier_score, expected_calibration_error, negative_log_likelihood
from smearlab.metrics.intervals import Interval, wilson
from smearlab.metrics.selective import abstention, set_coverage
from smearlab.report.trust_report import TrustPart, TrustReport, write_trust_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import Cells, IntArray
from smearlab.data.results_folder import check_results_folder

FACTS, REPORT = "trust.json", "report.html"
ACCURACIES = (0.99, 0.995, 0.999)
"""Accuracies for which the share that can be answered is said."""
_FILES = (FACTS, REPORT)


@dataclass(frozen=True)
class TrustOptions:
    """What is measured.

    Attributes:
        suites: stress suites; every picture is altered once by a corruption and severity of each, drawn at random.
        part: test, validation, train or all; None takes the test part of a run's own data, all of other data.
        limit: at most about so many pictures, each class by its share; None for all.
        seed: of corruptions and sample.
    """

    suites: tuple[str, ...] = ("bloodmnist-c", "microscope")
    part: str | None = None
    limit: int | None = None
    seed: int = 0


def trust(
    model: str | Path, data: str | Path | Cells, out: str | Path, options: TrustOptions | None = None
) -> dict[str, Any]:
    """Measure calibration, prediction sets, abstention and rejection, and write ``trust.json`` and a report.

    Args:
        model: a model folder, a run folder or ``default``.
        data: any labelled form that `read` takes, that the model was not trained on; classes are matched by name.
        out: the folder to write to: new, empty, or of an earlier ``smearlab trust``, whose files are replaced.
        options: suites, part, how many.

    Returns:
        The contents of ``trust.json``.

    Raises:
        DataError: the data cannot be read, has no labels, or no class that the model knows; an unknown suite; or `out`
            holds something else.
        ModelError: the model cannot be loaded.
    """
    options, folder = options or TrustOptions(), user_path(out)
    check_results_folder(folder, "trust report", _FILES, FACTS)
    if SCALE in options.suites:
        raise DataError(f"smearlab trust draws corruptions at random, which '{SCALE}' has not: leave it to stress.")
    asked = [suite for suite in choose_suites(options.suites) if suite != SCALE] if options.suites else []
    conditions = {suite: conditions_of((suite,)) for suite in asked}
    predictor = Predictor.load(model)
    cells = read(data, tolerate_unreadable=True, minimum_classes=1)
    matched = match_classes(cells, predictor.class_names)
    chosen = choose_rows(matched, model, options.part, options.limit, options.seed)
    source = Source(matched.cells.take(chosen.positions), predictor.framing, options.seed)
    labels = matched.labels[chosen.positions]
    with progress("Naming pictures", len(labels) * (1 + len(conditions))) as advance:
        seen = {"as they are": _see(predictor, source, None, options.seed, advance)}
        for suite, drawn in conditions.items():
            seen[suite] = _see(predictor, source, drawn, options.seed, advance)
    parts = [_part(predictor, name, predictions, labels) for name, predictions in seen.items()]
    facts = {
        "model": predictor.info.name,
        "data": cells.name,
        "part": chosen.part,
        "n": len(labels),
        "temperature": float(predictor.folder.trust.temperature[0]),
        "is_cell": predictor.info.is_cell.model_dump(),
        "class_names": list(predictor.class_names),
        "parts": {part.name: part.facts for part in parts},
        "notes": [*matched.notes, *chosen.notes],
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FACTS, facts)
    write_trust_report(folder / REPORT, TrustReport(cells.name, facts, parts))
    return facts


def trust_lines(facts: dict[str, Any]) -> list[str]:
    """Say in lines what was found."""
    lines = []
    for name, part in facts["parts"].items():
        ece = part["ece"]
        words = f"{name}: accuracy {part['accuracy']:.2%}, ECE {ece['before']:.4f} before and {ece['after']:.4f} after"
        sets = [f"{100 * one['coverage']['value']:.1f} % at {one['target']:g}" for one in part["prediction_sets"]]
        covered = f"; sets hold the truth in {', '.join(sets)}" if sets else ""
        lines.append(f"{words} temperature{covered}; {part['kept']['value']:.1%} pass as cells.")
    return lines


def _see(
    predictor: Predictor,
    source: Source,
    conditions: Sequence[Condition] | None,
    seed: int,
    advance: Any,  # noqa: ANN401
) -> Predictions:
    """Name all pictures, each altered by one condition of its own, or as they are."""
    count = len(source.cells)
    drawn = np.full(count, -1)
    if conditions is not None:
        drawn = np.random.default_rng([seed, len(conditions)]).integers(0, len(conditions), count)
    parts, order = [], []
    for number in np.unique(drawn):
        own = np.flatnonzero(drawn == number)
        condition = None if conditions is None else conditions[number]
        for start in range(0, len(own), CHUNK):
            positions = own[start : start + CHUNK]
            parts.append(predictor.predict_framed(source.framed(positions, condition)))
            order.append(positions)
            advance(len(positions))
    return joined(parts).take(np.argsort(np.concatenate(order)))


def _part(predictor: Predictor, name: str, predictions: Predictions, labels: IntArray) -> TrustPart:
    raw = softmax(predictions.logits.astype(np.float64))
    chances = predictions.probabilities.astype(np.float64)
    correct = np.asarray(predictions.label_indices == labels)
    # Further looks may name another class than the logits, so each confidence is held against its own answer.
    plainly = np.asarray(raw.argmax(1) == labels)
    curve = abstention(chances.max(1), correct)
    facts = {
        "accuracy": float(correct.mean()),
        "ece": {way: float(expected_calibration_error(labels, p)) for way, p in (("before", raw), ("after", chances))},
        "brier": {"before": brier_score(labels, raw), "after": brier_score(labels, chances)},
        "nll": {"before": negative_log_likelihood(labels, raw), "after": negative_log_likelihood(labels, chances)},
        "kept": wilson(int(predictions.is_cell.sum()), len(labels)).model_dump(),
        "abstention": {
            "area": curve.area,
            "answered_at": {f"{wanted:g}": curve.share_at(wanted) for wanted in ACCURACIES},
        },
        "prediction_sets": _sets(predictor, predictions, labels),
    }
    return TrustPart(name, facts, raw.max(1), plainly, chances.max(1), correct, curve.answered, curve.accuracy)


def _sets(predictor: Predictor, predictions: Predictions, labels: IntArray) -> list[dict[str, Any]]:
    coverages = predictor.folder.trust.conformal_coverages
    rows = []
    for coverage in [] if coverages is None else np.round(coverages.astype(np.float64), 4).tolist():
        found = set_coverage(predictions.prediction_masks(coverage), labels)
        own = zip(predictions.class_names, found.per_class, strict=True)
        rows.append(
            {
                "target": coverage,
                "coverage": found.coverage.model_dump(),
                "per_class": {name: _dumped(interval) for name, interval in own},
                "mean_size": found.mean_size,
                "single": found.single,
                "empty": found.empty,
            }
        )
    return rows


def _dumped(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval.model_dump()
