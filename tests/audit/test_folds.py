import numpy as np
import pytest
from tests.audit.labelled import alone, coloured_cells

from smearlab.audit.folds import make_folds
from smearlab.errors import DataError


def test_every_row_is_judged_once_by_what_it_does_not_teach() -> None:
    cells = coloured_cells()
    judged = np.zeros(len(cells), dtype=np.int64)
    for taught, fold in make_folds(cells, 5, 0, groups=alone(cells)):
        judged[fold] += 1
        assert not np.intersect1d(taught, fold).size
        assert len(taught) + len(fold) == len(cells)
    assert (judged == 1).all()


def test_classes_are_spread_evenly() -> None:
    cells = coloured_cells(per_class=40)
    for _, fold in make_folds(cells, 5, 0, groups=alone(cells)):
        assert np.bincount(cells.known_labels[fold]).tolist() == [8, 8, 8]


def test_copies_stay_in_one_fold_also_where_one_is_excluded() -> None:
    cells = coloured_cells()
    groups = np.repeat(np.arange(30), 4)
    excluded = np.arange(len(cells)) % 4 == 1
    folds = make_folds(cells, 5, 0, groups=groups, excluded=excluded)
    for group in range(30):
        assert len(set(folds.numbers[groups == group])) == 1


def test_excluded_rows_are_judged_and_teach_nothing() -> None:
    cells = coloured_cells()
    excluded = np.zeros(len(cells), dtype=np.bool_)
    excluded[:50] = True
    folds = make_folds(cells, 4, 0, groups=alone(cells), excluded=excluded)
    assert all((taught >= 50).all() for taught, _ in folds)
    assert sorted(np.concatenate([fold for _, fold in folds])) == list(range(len(cells)))


def test_a_thousand_copies_of_one_picture_are_no_obstacle() -> None:
    cells = coloured_cells(per_class=100)
    groups = np.where(np.arange(300) < 200, 0, np.arange(300))
    folds = make_folds(cells, 5, 0, groups=groups)
    assert np.bincount(folds.numbers, minlength=5).min() > 0
    assert len(set(folds.numbers[:200])) == 1


def test_copies_are_found_where_no_groups_are_given() -> None:
    cells = coloured_cells(per_class=10)
    twice = cells.take(np.concatenate([np.arange(30), np.arange(30)]))
    numbers = make_folds(twice, 5, 0).numbers
    np.testing.assert_array_equal(numbers[:30], numbers[30:])


def test_the_seed_decides() -> None:
    cells = coloured_cells()
    first, again, other = (make_folds(cells, 5, seed, groups=alone(cells)).numbers for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(("count", "words"), [(1, "at least 2 folds"), (121, "too few for 121 folds")])
def test_impossible_folds_are_refused(count: int, words: str) -> None:
    cells = coloured_cells()
    with pytest.raises(DataError, match=words):
        make_folds(cells, count, 0, groups=alone(cells))
