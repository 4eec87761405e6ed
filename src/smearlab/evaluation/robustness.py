"""What a run's report says about altered pictures: clean, seen families, unseen families, and the gap between them.

A look, not a stress test: a sample of the test pictures under a few corruptions of every group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.corruptions.families import GROUP_TITLES, GROUPS
from smearlab.evaluation.conditions import Condition, conditions_of
from smearlab.evaluation.stress_figures import CLEAN, Drawn, draw_figures
from smearlab.evaluation.stress_pass import Source, answer_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import Cells, IntArray
    from smearlab.inference.predictor import Predictor
    from smearlab.training.sections import RobustnessConfig


def chosen_conditions(config: RobustnessConfig, seen: frozenset[str]) -> list[Condition]:
    """Choose some corruptions of every group, those of seen and of unseen families apart.

    Families take turns, so that a group is not judged by one of them alone. Corruptions that mix several families are
    neither seen nor unseen and stay out.

    Args:
        config: suites, severity, and corruptions per group.
        seen: families that the policy trains on.
    """
    known = [one for one in conditions_of(config.suites, [config.severity]) if one.family]
    chosen: list[Condition] = []
    for group in GROUPS:
        for was_seen in (True, False):
            some = [one for one in known if one.group == group and (one.family in seen) == was_seen]
            chosen += _taking_turns(some)[: config.conditions]
    return chosen


def measure_robustness(
    predictor: Predictor, cells: Cells, labels: IntArray, config: RobustnessConfig, seen: frozenset[str], seed: int
) -> dict[str, Any]:
    """Measure a model on a sample of altered pictures.

    Args:
        predictor: the model; best loaded with one thread, as pictures are named on all cores at once.
        cells: the pictures of one part.
        labels: ``int64 (N,)`` of them, as the model's class indices.
        config: what is measured, and on how many of the pictures.
        seen: families that the policy trains on.
        seed: of the sample, the alterations and the resampling.

    Returns:
        ``clean``, ``seen``, ``unseen`` (None where there is no such family), ``gap_seen`` and ``gap_unseen`` (how much
        lower than clean), each with ``accuracy`` and ``balanced_accuracy`` as ``{value, low, high}``; and the same for
        every condition.
    """
    sample = np.sort(np.random.default_rng((seed, 5)).permutation(len(cells))[: config.pictures]).astype(np.int64)
    some, truth = cells.take(sample), labels[sample]
    conditions = chosen_conditions(config, seen)
    answers = answer_all(predictor, Source(some, predictor.framing, seed), conditions)
    drawn = draw_figures(truth, answers.named == truth, some.groups, seed)
    places = {
        name: [place for place, one in enumerate(conditions, CLEAN + 1) if (one.family in seen) == was_seen]
        for name, was_seen in (("seen", True), ("unseen", False))
    }
    return {
        "pictures": len(sample),
        "severity": config.severity,
        "clean": drawn.mean([CLEAN]),
        **{name: drawn.mean(some_places) if some_places else None for name, some_places in places.items()},
        **{f"gap_{name}": drawn.loss(some_places) if some_places else None for name, some_places in places.items()},
        "conditions": [_row(one, drawn, place, seen) for place, one in enumerate(conditions, CLEAN + 1)],
    }


def _row(one: Condition, drawn: Drawn, place: int, seen: frozenset[str]) -> dict[str, Any]:
    named = {"suite": one.suite, "corruption": one.corruption, "family": one.family, "group": one.group}
    named["group_title"] = next((title for group, title in GROUP_TITLES.items() if group == one.group), one.group)
    return {**named, "seen": one.family in seen, **drawn.mean([place])}


def _taking_turns(conditions: Sequence[Condition]) -> list[Condition]:
    """Order conditions so that every family comes once before any comes twice."""
    turns: dict[str, int] = {}
    numbered: list[tuple[int, int, Condition]] = []
    for order, one in enumerate(conditions):
        turns[one.family] = turns.get(one.family, 0) + 1
        numbered.append((turns[one.family], order, one))
    return [one for *_, one in sorted(numbered, key=lambda item: item[:2])]
