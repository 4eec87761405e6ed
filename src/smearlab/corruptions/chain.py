"""Chains: one, two or three different random operations on each picture, as hidden competition sets are altered.

For every picture and step a group is drawn (geometry; colour and tone; blur, noise and compression; occlusion: evenly),
then a family of that group that this picture's chain does not hold yet, then an operation of that family. Its strength
is even over the fifth of 0–1 that belongs to the severity. The operations follow each other in the order drawn.
"""

from __future__ import annotations

import numpy as np

from smearlab.corruptions import families, strengths
from smearlab.corruptions.draws import Draws, Function, Images

GROUPS: dict[str, dict[str, list[str]]] = {
    group: {
        family: [name for name in strengths.OPERATIONS if families.OPERATIONS[name] == family]
        for family in families.FAMILIES
        if families.FAMILIES[family] == group and family in {families.OPERATIONS[name] for name in strengths.OPERATIONS}
    }
    for group in families.GROUPS
}
"""Group → family → operations that chains are drawn from."""


def planned(length: int, generator: np.random.Generator) -> list[str]:
    """Draw the operations of one picture, of different families."""
    names: list[str] = []
    taken: set[str] = set()
    while len(names) < length:
        group = GROUPS[families.GROUPS[generator.integers(len(families.GROUPS))]]
        free = [family for family in group if family not in taken]
        if not free:
            continue
        family = free[generator.integers(len(free))]
        taken.add(family)
        names.append(group[family][generator.integers(len(group[family]))])
    return names


def chain(length: int) -> Function:
    """Return the function of a chain of so many operations."""

    def chained(images: Images, severity: int, draws: Draws) -> Images:
        plans = [planned(length, generator) for generator in draws.generators]
        amounts = draws.uniform((severity - 1) / 5, severity / 5, length)
        altered = images.copy()
        for step in range(length):
            # Pictures that have the same operation at this step go through it together.
            for name in sorted({plan[step] for plan in plans}):
                rows = [row for row, plan in enumerate(plans) if plan[step] == name]
                altered[rows] = strengths.OPERATIONS[name](altered[rows], amounts[rows, step], draws.of(rows))
        return altered

    return chained
