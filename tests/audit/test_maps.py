"""Maps and natural groups: against scikit-learn, and on features whose groups are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from smearlab.audit.maps import pca_map, tsne_map
from smearlab.audit.natural_groups import describe_groups, natural_groups
from smearlab.data.cells import Cells, IntArray
from smearlab.errors import DataError
from smearlab.metrics.projection import principal_components, sample_of


@pytest.fixture
def blobs() -> tuple[NDArray[np.float32], IntArray]:
    """Four groups of 60, 50, 40 and 30 in 20 dimensions, in random order."""
    rng = np.random.default_rng(0)
    numbers = rng.permutation(np.repeat(np.arange(4), [60, 50, 40, 30]))
    centres = rng.normal(0, 6, (4, 20))
    return (centres[numbers] + rng.normal(0, 1, (180, 20))).astype(np.float32), numbers


def test_components_are_scikit_learns(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    found, shares = principal_components(blobs[0], 3)
    reference = PCA(3, svd_solver="full").fit(blobs[0].astype(np.float64))
    np.testing.assert_allclose(np.abs(found), np.abs(reference.transform(blobs[0])), atol=1e-3)
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, rtol=1e-4)


def test_pca_map_has_every_row(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    rows = np.arange(180) * 2
    found = pca_map(blobs[0], rows)
    assert (found.points.shape, found.name) == ((180, 2), "PCA")
    np.testing.assert_array_equal(found.rows, rows)


def test_blank_and_narrow_features_have_a_map() -> None:
    for features in (np.zeros((6, 4)), np.arange(6.0)[:, None]):
        points = pca_map(features, np.arange(6)).points
        assert points.shape == (6, 2)
        assert np.isfinite(points).all()
    assert tsne_map(np.zeros((6, 4)), np.arange(6)).points.shape == (6, 2)


@pytest.mark.parametrize("features", [np.zeros(5), np.full((5, 2), np.nan)])
def test_what_is_no_table_is_refused(features: NDArray[np.float64]) -> None:
    with pytest.raises(DataError, match="table"):
        principal_components(features)


def test_tsne_keeps_groups_together_and_repeats(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    features, numbers = blobs
    found = tsne_map(features, np.arange(180), seed=3)
    away = np.linalg.norm(found.points[:, None] - found.points, axis=2) + np.diag(np.full(180, np.inf))
    assert (numbers[away.argmin(1)] == numbers).mean() > 0.97
    np.testing.assert_array_equal(found.points, tsne_map(features, np.arange(180), seed=3).points)


def test_tsne_samples_large_sets_and_keeps_those_asked_for(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    found = tsne_map(blobs[0], np.arange(180) + 1000, limit=40, always=np.array([7, 90, 11]))
    assert len(found.points) == len(found.rows) == 40
    assert {1007, 1090, 1011} <= set(found.rows.tolist())
    assert "40 pictures drawn at random" in found.note


def test_tsne_of_a_handful_is_refused() -> None:
    with pytest.raises(DataError, match="5 pictures"):
        tsne_map(np.zeros((4, 2)), np.arange(4))


def test_sample_holds_at_most_half_of_what_is_asked_for() -> None:
    sample = sample_of(100, 10, np.arange(50))
    assert len(np.unique(sample)) == 10
    assert (sample < 50).sum() >= 5
    np.testing.assert_array_equal(sample_of(4, 10), np.arange(4))


def test_natural_groups_are_those_that_were_made(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    features, numbers = blobs
    found = natural_groups(features, numbers, 4, candidates=range(2, 8))
    assert max(found.silhouettes, key=lambda number: found.silhouettes[number]) == len(found) == 4
    np.testing.assert_array_equal(found.table, np.diag([60, 50, 40, 30]))
    assert found.agreement == pytest.approx(1.0)
    assert natural_groups(features).agreement != found.agreement  # no labels: not a number


def test_groups_are_described_by_class_with_typical_members(blobs: tuple[NDArray[np.float32], IntArray]) -> None:
    features, numbers = blobs
    labels = np.where(numbers == 3, np.arange(180) % 2, numbers)
    names = ("basophil", "monocyte", "platelet")
    cells = Cells(np.zeros((180, 4, 4, 3), np.uint8), labels.astype(np.int64), np.full(180, "x"), names, np.arange(180))
    groups = describe_groups(natural_groups(features, cells.labels, 3), cells)
    assert [group.size for group in groups] == [60, 50, 40, 30]
    assert groups[0].note == "Nearly all basophil (100%)."
    assert set(groups[3].counts) == {"basophil", "monocyte"}
    assert all(numbers[position] == 1 for position in groups[1].typical)


def test_equal_features_are_one_group() -> None:
    found = natural_groups(np.ones((30, 5)))
    assert len(found) == 1
    assert found.silhouettes == {}


def test_too_few_pictures_for_groups() -> None:
    with pytest.raises(DataError, match="3 pictures"):
        natural_groups(np.ones((2, 5)))
