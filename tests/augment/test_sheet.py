"""The sheet of examples: what its columns show, and how it is laid out."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.augment.config import AugmentConfig
from smearlab.augment.sheet import draw_sheet, operation_columns, policy_columns, progress_columns
from smearlab.errors import RecipeError

PICTURES = np.random.default_rng(0).integers(60, 200, (3, 24, 24, 3), dtype=np.uint8)


def test_a_policy_shows_the_pictures_and_different_draws() -> None:
    columns, headings = policy_columns(PICTURES, AugmentConfig(policy="ours"), 4, seed=0)
    assert len(columns) == len(headings) == 5
    assert (columns[0] == PICTURES).all()
    assert len({column.tobytes() for column in columns}) == 5
    assert {column.dtype for column in columns} == {np.dtype(np.uint8)}


def test_a_seed_decides_the_sheet() -> None:
    config = AugmentConfig(policy="randaugment", mixup=0.4, mix_share=1.0)
    first, second, other = (policy_columns(PICTURES, config, 2, seed)[0][1] for seed in (1, 1, 2))
    assert (first == second).all()
    assert not (first == other).all()


def test_no_augmentation_shows_the_same_picture_again() -> None:
    columns, _ = policy_columns(PICTURES, AugmentConfig(policy="none"), 2, seed=0)
    assert all((column == PICTURES).all() for column in columns)


def test_a_curriculum_grows_from_column_to_column() -> None:
    config = AugmentConfig(
        policy="ours", only=("brightness",), curriculum=1.0, curriculum_start=0.0, shares={"brightness": 9}
    )
    columns, headings = progress_columns(PICTURES, config, 4, seed=0)
    assert headings == ["as it is", "0 %", "33 %", "67 %", "100 %"]
    changes = [np.abs(column.astype(int) - PICTURES).mean() for column in columns[1:]]
    assert changes[0] < 1
    assert changes == sorted(changes)


def test_an_operation_goes_from_mild_to_full_both_ways() -> None:
    columns, headings = operation_columns(PICTURES, "brightness", 4, seed=0)
    means = [column.mean() for column in columns]
    assert headings[0] == "as it is"
    assert [float(heading) for heading in headings[1:]] == [-1.2, -0.6, 0.6, 1.2]
    assert means[1] < means[2] < means[0] < means[3] < means[4]


def test_an_operation_of_one_way_has_amounts_above_nothing() -> None:
    columns, headings = operation_columns(PICTURES, "gaussian_noise", 3, seed=0, magnitude=0.5)
    assert [float(heading) for heading in headings[1:]] == pytest.approx([0.033, 0.067, 0.1], abs=1e-3)
    changes = [np.abs(column.astype(int) - PICTURES).mean() for column in columns[1:]]
    assert changes == sorted(changes)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'gaussian_blur'"):
        operation_columns(PICTURES, "gausian_blur", 3, seed=0)


def test_the_pictures_lie_where_their_column_and_row_are() -> None:
    sheet = np.asarray(draw_sheet([PICTURES, 255 - PICTURES], ["a", "b"], ["one", "two", "three"]))
    for column, pictures in enumerate((PICTURES, 255 - PICTURES)):
        for row, picture in enumerate(pictures):
            top = 26 + row * 28
            left = sheet.shape[1] - (2 - column) * 28
            assert (sheet[top : top + 24, left : left + 24] == picture).all()


def test_the_margin_holds_the_longest_title() -> None:
    short, long = (draw_sheet([PICTURES], [""], [title] * 3).width for title in ("a", "immature granulocyte"))
    assert long > short + 80
