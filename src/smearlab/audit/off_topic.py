"""Pictures that are no blood cells: drawings, screenshots, photographs, bar codes, text.

Whether a picture is a cell is asked of a linear discriminant between the collection's own cells and drawn junk. The
collection decides what a cell is: dyes, lamp and camera are learnt from it, a little widened by its cells as other
microscopes would show them. The model's own statistics decide where to begin, so that a collection may be half junk.
Nothing depends on the scale of a network's features: scores lie at -1 for the mean cell and at 1 for the mean drawing.
What the model itself knows for a cell is no junk, whatever a small collection seems to teach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smearlab.audit.discriminant import (
    Columns,
    Discriminant,
    Doubles,
    Moments,
    columns_of,
    fit_discriminant,
    known_cells,
    moments_of,
    sample,
)
from smearlab.audit.features import Comparison, Described, View
from smearlab.audit.findings import Finding
from smearlab.audit.unreadable import judge_picture

if TYPE_CHECKING:
    from smearlab.data.cells import BoolArray, Cells, IntArray

PROBABLE, CERTAIN = 0.5, 0.9
"""Scores from which a picture is reported, and from which it may be dropped unseen."""
PROBABLE_AT, CERTAIN_AT = 0.3, 0.4
"""Places of these scores between the mean cell (-1) and the mean drawing (1)."""

_START_SHARE = 0.3  # of the pictures, those most like known cells, from which the collection's own cells are learnt
_OWN_BELOW = -0.2  # far on the side of cells: a drawing let in here would draw others after it
_LEAST_CELLS = 10
_MOST_CELLS = 4000
_STRANGE_SHARE, _STRANGE_WEIGHT = 0.05, 100  # least share; it is half where the cells are as many as the weight
_ROUNDS = 3
_DISSENT, _ENOUGH = 0.6, 200
"""How far above its place by the model's own statistics a picture may be put, where no more than so many cells taught;
in proportion further where more did. A few dozen teach too little: in collections of forty cells, clean ones came to
lie among the drawings without this."""


def find_off_topic(cells: Cells, described: Described, teaches: BoolArray | None = None) -> list[Finding]:
    """Find the pictures that are no blood cells.

    Pictures without any content (`smearlab.audit.unreadable`) are left out: nobody can say what they do not show.

    Args:
        cells: the pictures.
        described: what `smearlab.audit.features.describe` says of them.
        teaches: ``bool (n,)``, False for pictures from which nothing should be learnt: altered copies and ruined ones.

    Returns:
        One finding per such picture, in the order of rows. From a score of `CERTAIN` on it may be dropped unseen.
    """
    scores = off_topic_scores(cells, described, teaches)
    suspects = np.flatnonzero(scores >= PROBABLE)
    return [_finding(cells, int(row), float(scores[row])) for row in suspects if not _shows_nothing(cells, int(row))]


def _shows_nothing(cells: Cells, position: int) -> bool:
    verdict = judge_picture(cells.images[position])
    return verdict is not None and not verdict.drawn


def _finding(cells: Cells, position: int, score: float) -> Finding:
    action = "drop" if score >= CERTAIN else "review"
    suggestion = f"{action}: no blood cell"
    return Finding(int(cells.rows[position]), str(cells.sources[position]), "off_topic", score, suggestion=suggestion)


def off_topic_scores(cells: Cells, described: Described, teaches: BoolArray | None = None) -> Doubles:
    """Say of every picture how surely it is no blood cell: ``float64 (n,)`` in 0 to 1, for ranking.

    Arguments as of `find_off_topic`.

    Raises:
        ValueError: `described` is of another collection, or lacks its comparison.
    """
    comparison = described.comparison
    if comparison is None or len(described) != len(cells):
        raise ValueError("off_topic_scores needs what describe() says of these very pictures")
    different = comparison.first == np.arange(len(cells))
    if teaches is not None:
        different &= teaches
    return _certainty(_places(View(described.features, comparison.appearance), comparison, different))


def _certainty(places: Doubles) -> Doubles:
    """Turn places between cell (-1) and drawing (1) into scores, strictly in order."""
    low = PROBABLE * np.exp(2 * np.minimum(places - PROBABLE_AT, 0))
    middle = PROBABLE + (CERTAIN - PROBABLE) * (places - PROBABLE_AT) / (CERTAIN_AT - PROBABLE_AT)
    high = 1 - (1 - CERTAIN) * np.exp(-np.maximum(places - CERTAIN_AT, 0))
    return np.where(places < PROBABLE_AT, low, np.where(places < CERTAIN_AT, middle, high))


def _places(view: View, comparison: Comparison, different: BoolArray) -> Doubles:
    """Place every picture between cells and drawings, as learnt from some of the different ones."""
    columns, known = known_cells(comparison.trust)
    judge = _against_junk(columns, known, comparison)
    places = by_model = judge.scores(view)
    own = different & (places <= _start_limit(places[different]))
    for _ in range(_ROUNDS):
        if own.sum() < _LEAST_CELLS:
            break  # too few to learn from: what is known so far must do
        places = _collection_judge(view, comparison, np.flatnonzero(own)).scores(view)
        own = different & (places < _OWN_BELOW)
    return np.minimum(places, by_model + _DISSENT * max(1.0, float(own.sum()) / _ENOUGH))


def _start_limit(places: Doubles) -> float:
    return min(PROBABLE_AT, float(np.quantile(places, _START_SHARE))) if len(places) else PROBABLE_AT


def _collection_judge(view: View, comparison: Comparison, own: IntArray) -> Discriminant:
    """Fit the discriminant between the collection's own cells, somewhat widened by strange ones, and junk."""
    chosen = view.take(sample(own, _MOST_CELLS))
    columns = columns_of(chosen)
    cells = moments_of(columns.of(chosen))
    strange = comparison.strange.take(np.isin(comparison.strange_of, own))
    if len(strange):
        share = max(_STRANGE_SHARE, _STRANGE_WEIGHT / (_STRANGE_WEIGHT + len(own)))
        cells = cells.mixed(moments_of(columns.of(strange)), share)
    return _against_junk(columns, cells, comparison)


def _against_junk(columns: Columns, cells: Moments, comparison: Comparison) -> Discriminant:
    return fit_discriminant(columns, cells, moments_of(columns.of(comparison.junk)))
