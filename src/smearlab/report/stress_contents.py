"""What a stress report is made of: plain data, gathered by whoever ran the stress test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from smearlab.data.cells import FloatArray, IntArray, UInt8Array
from smearlab.report.contents import Example, Machine, ModelFacts

SummaryJson: TypeAlias = Mapping[str, Any]
"""The contents of a ``summary.json``."""


@dataclass(frozen=True, eq=False)
class Flip:
    """A picture that is named rightly as it is, and wrongly when it is altered.

    Attributes:
        picture: as it is.
        altered: ``uint8 (h, w, 3)`` RGB.
        severity: of the corruption.
        true_label: class the data gives.
        sure: probability (0 to 1) of the right answer to the picture as it is.
        label: the answer to the altered picture.
        confidence: its probability.
    """

    picture: Example
    altered: UInt8Array
    severity: int
    true_label: str
    sure: float
    label: str
    confidence: float


@dataclass(frozen=True, eq=False)
class CorruptionPictures:
    """What one corruption looks like and what it does to the answers.

    Attributes:
        name: of the corruption.
        note: its family and group, in words.
        pictures: what to call each picture (``as it is``, ``severity 3``), and the picture.
        flips: the most confident wrong answers to pictures that are named rightly as they are.
        flipped: how many pictures flip at any severity.
    """

    name: str
    note: str
    pictures: Sequence[tuple[str, UInt8Array]]
    flips: Sequence[Flip]
    flipped: int


@dataclass(frozen=True, eq=False)
class SuiteFacts:
    """One suite of a stress test.

    Attributes:
        name: of the suite.
        accuracy: ``float64 (corruptions, severities)``, NaN where a severity was not tried.
        severities: headings of the columns.
        corruptions: headings of the rows, and what each looks like.
    """

    name: str
    accuracy: FloatArray
    severities: Sequence[int]
    corruptions: Sequence[CorruptionPictures]


@dataclass(frozen=True, eq=False)
class Confusions:
    """Confusion matrices under the worst corruption and of the pictures as they are, ``int64 (classes, classes)``."""

    worst: IntArray
    worst_name: str
    clean: IntArray


@dataclass(frozen=True, eq=False)
class StressReport:
    """All that a page about a stress test shows.

    Attributes:
        name: the model as the user gave it.
        data: a short name of the data.
        class_names: identifiers the model tells apart.
        summary: the contents of ``summary.json``.
        suites: in the order of the page.
        confusions: what is taken for what.
        model: what the model is.
        machine: what the work was done with.
        notes: what the reader should know.
    """

    name: str
    data: str
    class_names: Sequence[str]
    summary: SummaryJson
    suites: Sequence[SuiteFacts]
    confusions: Confusions
    model: ModelFacts
    machine: Machine
    notes: Sequence[str] = field(default_factory=tuple)
