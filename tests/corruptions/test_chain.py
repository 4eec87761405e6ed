"""Chains of random operations."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.corruptions import chain, families
from smearlab.corruptions.draws import Images, draws_of
from smearlab.corruptions.strengths import OPERATIONS


def test_every_operation_is_in_the_table_of_families() -> None:
    assert set(OPERATIONS) <= set(families.OPERATIONS)
    drawn = {name for group in chain.GROUPS.values() for names in group.values() for name in names}
    assert drawn == set(OPERATIONS)
    assert set(chain.GROUPS) == set(families.GROUPS)
    assert all(names for group in chain.GROUPS.values() for names in group.values())


@pytest.mark.parametrize("length", [1, 2, 3])
def test_plans_hold_different_families_of_all_groups(length: int) -> None:
    plans = [chain.planned(length, generator) for generator in draws_of(("plan",), range(2000)).generators]
    assert {len(plan) for plan in plans} == {length}
    assert all(len({families.OPERATIONS[name] for name in plan}) == length for plan in plans)
    groups = [families.group_of(plan[0]) for plan in plans]
    assert np.allclose([groups.count(group) / 2000 for group in families.GROUPS], 0.25, atol=0.04)
    assert {name for plan in plans for name in plan} == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_strength_makes_the_change(name: str, cells: Images) -> None:
    before = cells.copy()
    changes = []
    for strength in (0.05, 0.5, 1.0):
        draws = draws_of((name,), range(8))
        altered = OPERATIONS[name](cells, np.full(8, strength), draws)
        assert altered.shape == cells.shape
        assert altered.dtype == np.uint8
        changes.append(np.abs(altered.astype(int) - cells).mean())
    assert np.array_equal(before, cells)
    assert 0 < changes[0] < 0.95 * changes[2]


def test_every_picture_has_its_own_strength(cells: Images) -> None:
    same = np.repeat(cells[:1], 4, axis=0)
    strengths = np.array([0.2, 0.4, 0.8, 1.0])
    for name in OPERATIONS:
        together = OPERATIONS[name](same, strengths, draws_of((name,), range(4)))
        alone = OPERATIONS[name](same[2:3], strengths[2:3], draws_of((name,), [2]))
        assert np.array_equal(alone[0], together[2]), name


def test_longer_chains_change_more(cells: Images) -> None:
    many = np.tile(cells, (12, 1, 1, 1))
    changes = [
        np.abs(chain.chain(length)(many, 3, draws_of((length,), range(96))).astype(int) - many).mean()
        for length in (1, 2, 3)
    ]
    assert changes == sorted(changes)
