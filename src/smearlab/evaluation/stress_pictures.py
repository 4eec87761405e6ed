"""Gathering what a stress report shows: figures in tables, examples, and the pictures that flipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.corruptions.families import GROUP_TITLES
from smearlab.corruptions.suites import SUITES
from smearlab.evaluation.conditions import SCALE, Condition
from smearlab.evaluation.measure import example
from smearlab.evaluation.stress_figures import CLEAN, Drawn
from smearlab.metrics.counts import confusion_matrix
from smearlab.report.stress_contents import Confusions, CorruptionPictures, Flip, SuiteFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import BoolArray, IntArray, UInt8Array
    from smearlab.evaluation.stress_pass import Answers, Source

FLIPS_IN_ALL = 160
FLIPS_SHOWN = 6
SHOWN_SEVERITIES = (1, 3, 5)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of a stress test.

    Attributes:
        source: the pictures.
        labels: ``int64 (n,)`` true classes as the model counts them.
        conditions: what was done to them.
        answers: what the model said.
        drawn: the figures.
        class_names: the model's.
    """

    source: Source
    labels: IntArray
    conditions: Sequence[Condition]
    answers: Answers
    drawn: Drawn
    class_names: tuple[str, ...]

    @property
    def correct(self) -> BoolArray:
        """``bool (1 + C, n)``: whether each answer was right."""
        return np.asarray(self.answers.named == self.labels)


def suite_facts(outcome: Outcome, suite: str, flips: int) -> SuiteFacts:
    """Gather what the report shows of one suite.

    Args:
        outcome: of the stress test.
        suite: its name.
        flips: how many flipped pictures to show of each corruption.
    """
    ours = [(place, one) for place, one in enumerate(outcome.conditions, CLEAN + 1) if one.suite == suite]
    names = list(dict.fromkeys(one.corruption for _, one in ours))
    severities = sorted({one.severity for _, one in ours})
    accuracy = np.full((len(names), len(severities)), np.nan)
    for place, one in ours:
        accuracy[names.index(one.corruption), severities.index(one.severity)] = outcome.drawn.accuracy[0, place]
    shown = _example_picture(outcome)
    pictures = [
        _corruption(outcome, [(place, one) for place, one in ours if one.corruption == name], shown, flips)
        for name in names
    ]
    if suite == SCALE:
        pictures = [_all_magnifications(outcome, [one for _, one in ours], shown, pictures)] + [
            CorruptionPictures(one.name, one.note, [], one.flips, one.flipped) for one in pictures
        ]
        return SuiteFacts(suite, accuracy, severities, pictures)
    return SuiteFacts(suite, accuracy, severities, pictures)


def confusions(outcome: Outcome, summary: dict[str, Any]) -> Confusions:
    """Return the confusion matrices under the worst corruption of all suites, and of the pictures as they are."""
    by_corruption = {
        (suite, name): facts["balanced_accuracy"]["value"]
        for suite, content in summary["suites"].items()
        for name, facts in content["corruptions"].items()
    }
    worst = min(by_corruption, key=lambda key: by_corruption[key])
    places = [place for place, one in enumerate(outcome.conditions, CLEAN + 1) if (one.suite, one.corruption) == worst]
    return Confusions(_confusion(outcome, places), worst[1], _confusion(outcome, [CLEAN]))


def flips_per_corruption(conditions: Sequence[Condition]) -> int:
    """Return how many flipped pictures of each corruption fit into a page that is not too heavy."""
    corruptions = len({(one.suite, one.corruption) for one in conditions})
    return max(2, min(FLIPS_SHOWN, FLIPS_IN_ALL // corruptions))


def _confusion(outcome: Outcome, places: Sequence[int]) -> IntArray:
    named = outcome.answers.named[list(places)].astype(np.int64)
    return confusion_matrix(np.tile(outcome.labels, len(places)), named.ravel(), len(outcome.class_names))


def _corruption(
    outcome: Outcome, severities: Sequence[tuple[int, Condition]], shown: int, flips: int
) -> CorruptionPictures:
    first = severities[0][1]
    chosen = [one for _, one in severities if one.severity in SHOWN_SEVERITIES] or [one for _, one in severities]
    pictures = [("as it is", _picture(outcome, shown, None))]
    pictures += [(f"severity {one.severity}", _picture(outcome, shown, one)) for one in chosen]
    found, total = _flips(outcome, severities, flips)
    return CorruptionPictures(first.corruption, _note(first), pictures, found, total)


def _note(condition: Condition) -> str:
    """Say which family and group it is, or, where it mixes several, what it does."""
    group = next((title for name, title in GROUP_TITLES.items() if name == condition.group), "")
    if group:
        return f"{condition.family}; {group}"
    return SUITES[condition.suite].corruption(condition.corruption).description or "several alterations at once"


def _all_magnifications(
    outcome: Outcome, conditions: Sequence[Condition], shown: int, corruptions: Sequence[CorruptionPictures]
) -> CorruptionPictures:
    ordered = sorted([*conditions, None], key=lambda one: 1.0 if one is None else one.factor)
    pictures = [("as it is" if one is None else f"× {one.factor:g}", _picture(outcome, shown, one)) for one in ordered]
    return CorruptionPictures("magnification", corruptions[0].note, pictures, [], 0)


def _flips(outcome: Outcome, severities: Sequence[tuple[int, Condition]], shown: int) -> tuple[list[Flip], int]:
    """Find pictures named rightly as they are and wrongly altered, each at the severity of its surest wrong answer."""
    places = [place for place, _ in severities]
    wrong = outcome.correct[CLEAN] & ~outcome.correct[places]
    sure = np.where(wrong, outcome.answers.confidence[places], -1.0)
    worst, surest = sure.argmax(0), sure.max(0)
    flipped = np.flatnonzero(wrong.any(0))
    order = flipped[np.argsort(-surest[flipped], kind="stable")][:shown]
    return [_flip(outcome, int(position), *severities[worst[position]]) for position in order], len(flipped)


def _flip(outcome: Outcome, position: int, place: int, condition: Condition) -> Flip:
    answers, names, cells = outcome.answers, outcome.class_names, outcome.source.cells
    return Flip(
        picture=example(cells, position),
        altered=_picture(outcome, position, condition),
        severity=condition.severity,
        true_label=names[outcome.labels[position]],
        sure=float(answers.confidence[CLEAN, position]),
        label=names[answers.named[place, position]],
        confidence=float(answers.confidence[place, position]),
    )


def _picture(outcome: Outcome, position: int, condition: Condition | None) -> UInt8Array:
    return np.asarray(outcome.source.altered(np.array([position]), condition)[0])


def _example_picture(outcome: Outcome) -> int:
    """Choose a picture that is surely named rightly: of the class whose cells have most to show, where it is there."""
    right = outcome.correct[CLEAN]
    names = np.asarray(outcome.class_names)[outcome.labels]
    for wanted in (right & (names == "neutrophil"), right, np.ones_like(right)):
        if wanted.any():
            return int(np.argmax(np.where(wanted, outcome.answers.confidence[CLEAN], -1)))
    return 0
