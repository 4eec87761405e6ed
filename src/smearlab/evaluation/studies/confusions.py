"""Whether one type of cell is read as another more often than as any other: what two teams found of every network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.data.cells import FloatArray, IntArray

READ_AS: dict[str, tuple[tuple[str, str], ...]] = {
    "5 and 6 read as 3": (("monocyte", "immature_granulocyte"), ("neutrophil", "immature_granulocyte")),
    "3 and 5 confused": (("monocyte", "immature_granulocyte"), ("immature_granulocyte", "monocyte")),
}
"""Figure to pairs of a true class and the one that it is read as; classes are counted from 0, as in BloodMNIST."""


def confusions(
    named: IntArray, labels: IntArray, class_names: Sequence[str], weights: FloatArray
) -> dict[str, FloatArray]:
    """Return how much more often classes are read as one certain class than as each other wrong one, in shares.

    Above 0 the confusion is more than chance among the wrong answers would make it.

    Args:
        named: ``int (P,)`` the classes that a network named.
        labels: ``int64 (P,)`` the true ones.
        class_names: identifiers.
        weights: ``float64 (B + 1, P)`` how often each picture was drawn.

    Returns:
        Figure to ``float64 (B + 1,)``; those whose classes the data does not have are left out.
    """
    found = {}
    for figure, pairs in READ_AS.items():
        if {name for pair in pairs for name in pair} <= set(class_names) and len(class_names) > 2:
            places = [(class_names.index(true), class_names.index(other)) for true, other in pairs]
            found[figure] = np.mean(
                [_excess(named, labels, *place, len(class_names), weights) for place in places], axis=0
            )
    return found


def _excess(named: IntArray, labels: IntArray, true: int, other: int, classes: int, weights: FloatArray) -> FloatArray:
    members = labels == true
    answers, drawn = named[members], weights[:, members]
    elsewhere = (answers != true) & (answers != other)
    score = (answers == other) - elsewhere / (classes - 2)
    return np.asarray(drawn @ score / np.maximum(drawn.sum(axis=1), 1))
