"""``smearlab shift``: what is different about another laboratory's pictures, and what it will cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.corruptions.families import FAMILIES, OPERATIONS
from smearlab.data.progress import progress
from smearlab.data.read import read
from smearlab.errors import DataError
from smearlab.evaluation.explain import evenly
from smearlab.inference.predictor import Predictor
from smearlab.inference.statistics import STATISTICS, picture_statistics, reference_statistics, signature

if TYPE_CHECKING:
    from smearlab.data.cells import Cells
    from smearlab.inference.spread import Floats

ALTERATIONS = Path(__file__).with_name("alterations.json")
LEAST = 20
"""Pictures that a comparison needs at least."""
LITTLE = 0.25
"""Mean shift in standard deviations below which pictures count as like those of training."""
_SHOWN = 5


@dataclass(frozen=True)
class Resemblance:
    """An alteration that the pictures resemble.

    Attributes:
        operation: what it is called among the operations; see ``docs/stress.md``.
        suite: of the corruption that is nearest.
        corruption: its name.
        severity: its severity, 1 to 5.
        likeness: cosine of the angle between what it changes and what has changed, at most 1.
    """

    operation: str
    suite: str
    corruption: str
    severity: int
    likeness: float


@dataclass(frozen=True)
class Change:
    """A statistic that has moved: by how many standard deviations of the reference."""

    statistic: str
    deviations: float


@dataclass(frozen=True)
class Shift:
    """How unlabelled pictures differ from those of training.

    Attributes:
        pictures: how many were compared.
        size: root mean square of the shifts of all statistics, in standard deviations.
        resembles: alterations, the most similar first.
        changes: the statistics that have moved most.
        expected_accuracy: mean calibrated confidence, which is what a calibrated model is right in.
        not_cells: share of pictures that look like no cell.
        advice: what to do, in sentences.
    """

    pictures: int
    size: float
    resembles: tuple[Resemblance, ...]
    changes: tuple[Change, ...]
    expected_accuracy: float
    not_cells: float
    advice: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what stands in the JSON file."""
        return asdict(self)


def shift(
    model: str | Path | Predictor,
    pictures: str | Path | Cells,
    reference: str | Path | Cells | None = None,
    limit: int = 500,
) -> Shift:
    """Compare unlabelled pictures with those a model was trained on.

    Args:
        model: a model folder, a run folder, ``default``, or a loaded `Predictor`.
        pictures: any form that `read` takes; labels are ignored.
        reference: pictures of the laboratory that the model was trained for; None takes what the model knows of them.
        limit: at most so many pictures of each, evenly spaced; 0 for all.

    Raises:
        DataError: the pictures cannot be read, or are too few; or there is no reference.
        ModelError: the model cannot be loaded.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    usual = predictor.folder.trust.picture_statistics
    if reference is not None:
        usual = reference_statistics(_few(reference, limit).images, predictor.framing)
    if usual is None:
        raise DataError(
            "The model does not know what its training pictures looked like: it is of an earlier smearlab."
            " Give some of them with --reference."
        )
    cells = _few(pictures, limit)
    with progress("Comparing", 2 * len(cells)) as advance:
        found = signature(picture_statistics(cells.images, predictor.framing, advance), usual)
        predictions = predictor.predict(cells.images, progress=advance)
    moved = found[: len(STATISTICS)]
    order = np.argsort(-np.abs(moved))[:_SHOWN]
    resembles = resemblances(found)
    size = float(np.sqrt((moved**2).mean()))
    expected = float(predictions.confidence.mean())
    not_cells = float((~predictions.is_cell).mean())
    return Shift(
        pictures=len(cells),
        size=size,
        resembles=resembles,
        changes=tuple(Change(STATISTICS[place], float(moved[place])) for place in order),
        expected_accuracy=expected,
        not_cells=not_cells,
        advice=tuple(_advice(size, resembles, expected, not_cells)),
    )


def resemblances(found: Floats) -> tuple[Resemblance, ...]:
    """Rank the alterations by how much their change is like the one found.

    Args:
        found: float32 ``(2s,)`` of `smearlab.inference.statistics.signature`.

    Returns:
        One `Resemblance` for each operation, of its most similar corruption and severity, the most similar first.
    """
    table, names = _alterations()
    change = found.astype(np.float64) - table[0]
    others = table[1:] - table[0]
    lengths = np.linalg.norm(others, axis=1) * max(float(np.linalg.norm(change)), 1e-9)
    likeness = others @ change / np.maximum(lengths, 1e-9)
    best: dict[str, Resemblance] = {}
    for place in np.argsort(-likeness, kind="stable"):
        suite, corruption, operation, severity = names[place]
        best.setdefault(operation, Resemblance(operation, suite, corruption, severity, float(likeness[place])))
    return tuple(best.values())


def shift_words(found: Shift) -> list[str]:
    """Say in lines what was found."""
    words = [f"{found.pictures:,} pictures; mean shift {found.size:.2f} standard deviations of the training pictures'."]
    if found.size >= LITTLE:
        words.append("They resemble pictures altered by:")
        words += [
            f"  {one.operation.replace('_', ' '):<22} likeness {one.likeness:.2f}"
            f" (as {one.corruption} of {one.suite} at severity {one.severity})"
            for one in found.resembles[:3]
        ]
        words.append("What has moved most:")
        words += [f"  {change.statistic:<32} {change.deviations:+.1f} standard deviations" for change in found.changes]
    words.append(f"Expected accuracy: {found.expected_accuracy:.1%}. No cell: {found.not_cells:.1%}.")
    return [*words, *found.advice]


@cache
def _alterations() -> tuple[np.ndarray, list[tuple[str, str, str, int]]]:
    """Return ``float64 (1 + C, 2s)`` signatures, the first of unaltered cells, and what the others are."""
    content = json.loads(ALTERATIONS.read_text(encoding="utf-8"))
    rows = content["alterations"]
    table = np.array([content["unaltered"], *(row[4] for row in rows)], np.float64)
    return table, [(row[0], row[1], row[2], int(row[3])) for row in rows]


def _few(pictures: str | Path | Cells, limit: int) -> Cells:
    cells = read(pictures, labelled=False, tolerate_unreadable=True)
    cells = cells.take(evenly(len(cells), limit))
    if len(cells) < LEAST:
        raise DataError(f"A comparison needs {LEAST} pictures or more; {cells.name} has {len(cells)}.")
    return cells


_BY_GROUP = {
    "colour": "The colours differ: photograph an empty field and balance the white, and compare stain and lamp.",
    "geometry": "Cells lie or are scaled otherwise: cut them out as for training, or set framing.crop.",
    "degradation": "The pictures are less sharp or noisier: check focus, camera and how files are compressed.",
    "occlusion": "Something lies over the cells: clean slide and optics, or cut neighbours away.",
}


def _advice(size: float, resembles: tuple[Resemblance, ...], expected: float, not_cells: float) -> list[str]:
    if size < LITTLE:
        words = ["The pictures look like those of training: use the model as it is."]
    else:
        group = FAMILIES.get(OPERATIONS.get(resembles[0].operation, ""), "")
        words = [_BY_GROUP.get(group, "Several things differ at once, as in another laboratory.")]
        words.append("Label a hundred of these cells and run `smearlab evaluate`; a guess without labels is a guess.")
    if expected < 0.95:
        words.append("Try `smearlab evaluate --adapt-norm 32` on them, and train with the recipe robust on such cells.")
    if not_cells > 0.05:
        words.append(f"{not_cells:.0%} look like no cell: look at them, and fit the limit anew with refit_trust.")
    return words
