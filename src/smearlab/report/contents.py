"""What a report is made of: plain data, gathered by whoever trained or measured a model.

Nothing here computes or draws. Class names are identifiers; pictures are ``uint8 (h, w, 3)`` RGB of any size; sources
may be paths, of which a report never shows the absolute part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smearlab.data.cells import BoolArray, FloatArray, IntArray, UInt8Array
from smearlab.report.estimates import MetricsJson


@dataclass(frozen=True, eq=False)
class Example:
    """A picture with where it came from.

    Attributes:
        image: ``uint8 (h, w, 3)`` RGB.
        row: 0-based position in the source.
        source: file name or description of the row.
    """

    image: UInt8Array
    row: int
    source: str


@dataclass(frozen=True, eq=False)
class Mistake:
    """A picture that the model named wrongly.

    Attributes:
        picture: the picture and where it came from.
        true_label: class the data gives.
        label: class the model gave.
        confidence: probability (0 to 1) the model gave its answer.
    """

    picture: Example
    true_label: str
    label: str
    confidence: float


@dataclass(frozen=True, eq=False)
class DuplicatePair:
    """Two pictures that show the same cell.

    Attributes:
        kind: ``exact``, ``conflicting`` (same pixels, two labels) or ``near``.
        first: one of them.
        second: the other.
        first_label: class the data gives the first.
        second_label: class the data gives the second.
    """

    kind: str
    first: Example
    second: Example
    first_label: str
    second_label: str


@dataclass(frozen=True)
class SkippedPicture:
    """A picture that could not be decoded: its row, its name, and why."""

    row: int
    source: str
    reason: str


@dataclass(frozen=True, eq=False)
class PartResult:
    """How a model did on one part of the data.

    Attributes:
        metrics: the figures as ``metrics.json`` holds them: overall ones and ``per_class``, each
            ``{"value", "low", "high"}``; ``support`` may be a bare number.
        confusion: ``int64 (classes, classes)`` counts, a row per true class; None where it was not measured.
        confidence: ``float64 (n,)`` probability of each answer; None leaves the reliability diagram out.
        correct: ``bool (n,)`` whether that answer was right.
    """

    metrics: MetricsJson
    confusion: IntArray | None = None
    confidence: FloatArray | None = None
    correct: BoolArray | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What the model is.

    Attributes:
        network: name of the architecture.
        parameters: count of trained numbers.
        classes: identifiers the model tells apart.
        framing: how a picture becomes the network's input, in words.
        files: file name to size in bytes, of the model folder.
        notes: further facts as ``label: text``, for example the temperature or where the weights came from.
    """

    network: str
    parameters: int
    classes: Sequence[str]
    framing: str
    files: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """What the work was done with.

    Attributes:
        device: for example ``cpu`` or the name of a GPU.
        threads: threads used.
        seed: seed of all random draws, or None where nothing was drawn.
        precision: for example ``float32`` or ``bf16``.
        versions: package to version.
        seconds: stage of the work to seconds, in order.
        created: date and time as text.
    """

    device: str
    threads: int
    seed: int | None = None
    precision: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True, eq=False)
class DataFacts:
    """What the data is and what was found in it.

    Attributes:
        name: a short name of the data.
        class_names: identifiers in the order of the labels' indices.
        counts: part (``train``, ``validation``, ``test``, or any name) to pictures per class, in that order.
        examples: class to some of its pictures.
        split: how the parts were made, in words.
        leakage: what the leakage check found, in words; empty where none was made.
        leakage_ok: whether it found nothing that makes the figures doubtful.
        duplicate_counts: kind of duplicate to how many pictures are concerned.
        duplicates: pairs to show side by side; many are cut to the first few dozen.
        unreadable: pictures that were skipped.
    """

    name: str
    class_names: Sequence[str]
    counts: Mapping[str, Sequence[int]]
    examples: Mapping[str, Sequence[Example]] = field(default_factory=dict)
    split: str = ""
    leakage: str = ""
    leakage_ok: bool = True
    duplicate_counts: Mapping[str, int] = field(default_factory=dict)
    duplicates: Sequence[DuplicatePair] = ()
    unreadable: Sequence[SkippedPicture] = ()

    @property
    def total(self) -> int:
        """How many pictures are in all parts together."""
        return sum(sum(numbers) for numbers in self.counts.values())


@dataclass(frozen=True, eq=False)
class RunReport:
    """Everything the page about one training run shows.

    Attributes:
        name: the run folder as the user gave it, for the commands to go on with; only the last name of an absolute
            one is shown.
        data: the data and what was found in it.
        results: part (``train``, ``validation``, ``test``) to how the model did there. The headline is ``test``, else
            ``validation``, else whatever comes first.
        model: what was trained.
        machine: what it was trained with.
        history: rows of ``history.jsonl``, one per epoch.
        best_epoch: the epoch (1-based) whose weights were kept, or None.
        chosen: whether validation pictures had a say in which weights ship; False where the last ones do.
        recipe_name: name of the recipe.
        recipe_toml: the recipe as TOML text.
        mistakes: wrongly named pictures of the headline part, the most confident first.
        mistake_count: how many there are in all; None takes it from the confusion matrix.
        notes: further remarks, shown under the headline.
        robustness: clean, seen and unseen families, as in ``metrics.json``; None where it was not measured.
    """

    name: str
    data: DataFacts
    results: Mapping[str, PartResult]
    model: ModelFacts
    machine: Machine
    history: Sequence[Mapping[str, object]] = ()
    best_epoch: int | None = None
    chosen: bool = True
    recipe_name: str = ""
    recipe_toml: str = ""
    mistakes: Sequence[Mistake] = ()
    mistake_count: int | None = None
    notes: Sequence[str] = ()
    robustness: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Everything the page about a model measured on one data set shows.

    Attributes:
        name: the model as the user gave it, for the commands to go on with; only the last name of an absolute one
            is shown.
        data: the data measured on; ``counts`` has one part.
        result: how the model did.
        model: the model.
        machine: what it was measured with.
        mistakes: wrongly named pictures, the most confident first.
        mistake_count: how many there are in all; None takes it from the confusion matrix.
        notes: further remarks, for example classes that the model does not know.
    """

    name: str
    data: DataFacts
    result: PartResult
    model: ModelFacts
    machine: Machine
    mistakes: Sequence[Mistake] = ()
    mistake_count: int | None = None
    notes: Sequence[str] = ()
