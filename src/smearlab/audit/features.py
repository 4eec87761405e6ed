"""What a model and the pixels say of each picture of a collection, and of junk and strange cells to compare it with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smearlab.audit.appearance import Floats
from smearlab.audit.drawings import draw_junk
from smearlab.audit.looking import Looks, looking
from smearlab.audit.strange import strange_cell
from smearlab.data.fingerprint import exact_groups
from smearlab.data.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from smearlab.data.cells import BoolArray, Cells, IntArray, UInt8Array
    from smearlab.inference.predictor import Predictions
    from smearlab.inference.trust import Trust

DRAWN = 1024
"""Drawn pictures of junk that a collection is compared with."""
STRANGE = 384
"""Cells of the collection that are also looked at as other microscopes would show them."""

_LARGEST_DRAWING, _SMALLEST_DRAWING = 144, 32


@dataclass(frozen=True, eq=False)
class View:
    """What is known of n pictures.

    Attributes:
        features: float32 ``(n, d)``, the network's activations before its last layer.
        appearance: float32 ``(n, a)``, numbers that describe the pixels; see `smearlab.audit.appearance`.
    """

    features: Floats
    appearance: Floats

    def __len__(self) -> int:
        return len(self.features)

    def take(self, which: IntArray | BoolArray | slice) -> View:
        """Return what is known of some of the pictures."""
        return View(self.features[which], self.appearance[which])


@dataclass(frozen=True, eq=False)
class Comparison:
    """What tells cells from other things in one collection.

    Attributes:
        appearance: float32 ``(n, a)`` of the collection's pictures.
        first: int64 ``(n,)`` position of the first picture with the same pixels.
        junk: drawn pictures that are no cells.
        strange: some of the collection's pictures, altered as other dyes, lamps and lenses would.
        strange_of: int64 ``(m,)`` position of the picture that each of `strange` was made of.
        trust: what the model knows of the features of cells.
    """

    appearance: Floats
    first: IntArray
    junk: View
    strange: View
    strange_of: IntArray
    trust: Trust


@dataclass(frozen=True, eq=False)
class Described:
    """What a model says of the n pictures of a collection, in their order.

    Attributes:
        class_names: names of the model's ``k`` classes.
        probabilities: float32 ``(n, k)``, calibrated.
        features: float32 ``(n, d)``, the activations before the last layer.
        distances: float32 ``(n,)`` to the nearest class; near 1 for typical cells of the model's own laboratory.
        is_cell: bool ``(n,)``, False where a picture looks like no cell the model knows.
        logits: float32 ``(n, k)``.
        comparison: what tells cells from other things; None where only the model's answers are at hand.
    """

    class_names: tuple[str, ...]
    probabilities: Floats
    features: Floats
    distances: Floats
    is_cell: BoolArray
    logits: Floats
    comparison: Comparison | None = None

    def __len__(self) -> int:
        return len(self.features)


def describe(cells: Cells, model: str | Path = "default", teaches: BoolArray | None = None) -> Described:
    """Run a model over a collection, and over junk and strange cells to compare it with.

    One pass over the pictures, some dozens at a time; what is kept of each are some hundreds of numbers.

    Args:
        cells: the pictures, of any and mixed sizes.
        model: a model folder, a run folder, or ``default``, the model that ships.
        teaches: ``bool (n,)``, False for pictures that are never looked at as other microscopes would show them.

    Raises:
        ModelError: there is no such model, or it is not as it should be.
    """
    with looking(cells, model) as looks:
        return describe_by(looks, cells, teaches)


def describe_by(looks: Looks, cells: Cells, teaches: BoolArray | None = None) -> Described:
    """Do what `describe` does with looks that are under way."""
    junk_begun = looks.begin(draw_junk(DRAWN, drawing_side(cells)))
    first = exact_groups(cells)
    different = first == np.arange(len(cells))
    chosen, seeds = _by_content(cells, np.flatnonzero(different if teaches is None else different & teaches))
    strange_begun = looks.begin(_strange_cells(cells, chosen, seeds))
    with progress("Describing pictures", len(cells) + DRAWN + STRANGE) as advance:
        answers, pixels = looks.end(looks.collection, advance)
        junk, strange = (_view(*looks.end(begun, advance)) for begun in (junk_begun, strange_begun))
    return Described(
        class_names=answers.class_names,
        probabilities=answers.probabilities,
        features=_kept(answers),
        distances=answers.distances,
        is_cell=answers.is_cell,
        logits=answers.logits,
        comparison=Comparison(pixels, first, junk, strange, chosen, looks.predictor.folder.trust),
    )


def drawing_side(cells: Cells) -> int:
    """Return the side at which junk is drawn: that of the collection's pictures, so that all are scaled alike."""
    sides = [min(cells.images[position].shape[:2]) for position in range(0, len(cells), max(1, len(cells) // 64))]
    middle = int(np.median(sides)) if sides else _LARGEST_DRAWING
    return int(np.clip(middle, _SMALLEST_DRAWING, _LARGEST_DRAWING))


def _kept(answers: Predictions) -> Floats:
    if answers.features is None:
        raise ValueError("the features were not asked for")
    return answers.features


def _view(answers: Predictions, pixels: Floats) -> View:
    return View(_kept(answers), pixels)


def _by_content(cells: Cells, positions: IntArray) -> tuple[IntArray, IntArray]:
    """Choose `STRANGE` of the positions, each several times where they are fewer, and a seed for each choice.

    Both depend on the pixels and not on the order of the pictures or on what else lies between them: the same cells are
    altered in the same way when a collection is audited again after it was cleaned.
    """
    sums = np.array([zlib.crc32(np.ascontiguousarray(cells.images[one]).tobytes()) for one in positions], np.int64)
    order = np.argsort(sums, kind="stable")
    times, left = divmod(STRANGE, max(1, len(order)))
    places = np.concatenate([np.tile(order, times), order[:left]]) if len(order) else order
    rounds = np.arange(len(places)) // max(1, len(order))
    return positions[places], sums[places] * (STRANGE + 1) + rounds


def _strange_cells(cells: Cells, chosen: IntArray, seeds: IntArray) -> list[UInt8Array]:
    altered = zip(chosen.tolist(), seeds.tolist(), strict=True)
    return [strange_cell(cells.images[position], np.random.default_rng([1, seed])) for position, seed in altered]
