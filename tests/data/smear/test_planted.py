"""The plan of a set, and its alterations."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.data.smear.planted import STRAY, blueprint, plant


def test_numbers_are_the_rows_before_shuffling() -> None:
    plan = blueprint(0, 10)
    assert sorted(plan.numbers) == list(range(len(plan.labels)))
    assert list(plan.numbers) != sorted(plan.numbers)


@pytest.mark.parametrize("per_class", [2, 20, 150])
def test_partners_point_at_the_original(per_class: int) -> None:
    plan = blueprint(1, per_class)
    copies = np.isin(plan.kinds, ["exact_duplicate", "near_duplicate"])
    assert copies.sum() >= 2
    np.testing.assert_array_equal(plan.labels[copies], plan.labels[plan.partners[copies]])
    assert plan.drawn[plan.partners[copies]].all()
    conflicting = plan.kinds == "conflicting_duplicate"
    assert (plan.labels[conflicting] != plan.labels[plan.partners[conflicting]]).all()


def test_no_cell_is_copied_twice() -> None:
    plan = blueprint(2, 150)
    partners = plan.partners[(plan.partners >= 0) & (plan.kinds != "off_topic")]
    assert len(set(partners)) == len(partners) == 19


def test_junk_is_on_no_slide() -> None:
    plan = blueprint(0, 150)
    np.testing.assert_array_equal(plan.slides == STRAY, plan.kinds == "off_topic")


def test_masks_follow_their_picture() -> None:
    """A shifted copy's mask is shifted likewise: a picture that is its own mask shows it."""
    shifted = 0
    for seed in range(6):
        plan = blueprint(seed, 20)
        count = len(plan.labels)
        cell = np.zeros((count, 96, 96), dtype=bool)
        cell[plan.drawn, 30:60, 40:70] = True
        images = np.repeat(np.where(cell, 60, 220).astype(np.uint8)[..., None], 3, axis=-1)
        planted = plant(seed, plan, images, cell.copy(), cell)
        for row, partner in planted["near_duplicate"]:
            np.testing.assert_array_equal(images[row, ..., 0] < 140, cell[row])
            shifted += int((cell[row] != cell[partner]).any())
    assert shifted > 0
