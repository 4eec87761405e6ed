"""The discriminant between cells and junk."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from smearlab.audit import discriminant
from smearlab.audit.discriminant import Columns, columns_of, fit_discriminant, known_cells, moments_of, sample
from smearlab.audit.features import View
from smearlab.inference.trust import Trust, fit_trust, parse_trust


def _view(count: int, seed: int, shift: float = 0.0, width: int = 6) -> View:
    rng = np.random.default_rng(seed)
    features = (rng.normal(size=(count, width)) @ np.diag(np.arange(1, width + 1)) + shift).astype(np.float32)
    return View(features, rng.normal(size=(count, 3)).astype(np.float32))


def test_it_is_fishers_discriminant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discriminant, "SHRINKAGE", 0.0)
    cells, junk = _view(400, 0), _view(400, 1, 4.0)
    columns = Columns(columns_of(cells).features, None)
    found = fit_discriminant(columns, moments_of(columns.of(cells)), moments_of(columns.of(junk)))
    rows = np.concatenate([columns.of(cells), columns.of(junk)])
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(rows, np.repeat([0, 1], 400)).coef_[0]
    cosine = found.weights @ reference / np.linalg.norm(found.weights) / np.linalg.norm(reference)
    assert cosine == pytest.approx(1, abs=1e-4)


def test_cells_lie_at_minus_one_and_junk_at_one() -> None:
    cells, junk = _view(300, 0), _view(200, 1, 5.0)
    columns = columns_of(cells)
    found = fit_discriminant(columns, moments_of(columns.of(cells)), moments_of(columns.of(junk)))
    assert found.scores(cells).mean() == pytest.approx(-1, abs=1e-3)
    assert found.scores(junk).mean() == pytest.approx(1, abs=1e-3)
    assert found.scores(cells.take(slice(0, 0))).shape == (0,)


def test_the_scale_of_features_does_not_matter() -> None:
    def scores(scale: float) -> np.ndarray:
        cells, junk = (
            View(one.features * np.float32(scale), one.appearance) for one in (_view(300, 0), _view(99, 1, 5))
        )
        columns = columns_of(cells)
        return fit_discriminant(columns, moments_of(columns.of(cells)), moments_of(columns.of(junk))).scores(junk)

    np.testing.assert_allclose(scores(1000.0), scores(1.0), atol=1e-3)


def test_huge_numbers_only_count_as_far_away() -> None:
    columns = columns_of(_view(50, 0))
    wild = View(np.full((1, 6), 1e9, np.float32), np.full((1, 3), -1e9, np.float32))
    assert np.abs(columns.of(wild)).max() == discriminant.CLIP


def test_a_column_without_spread_is_no_hair_trigger() -> None:
    features = np.concatenate([np.random.default_rng(0).normal(size=(50, 3)), np.ones((50, 1))], axis=1)
    columns = columns_of(View(features.astype(np.float32), np.zeros((50, 2), np.float32)))
    nudged = View(np.array([[0, 0, 0, 1.001]], np.float32), np.zeros((1, 2), np.float32))
    assert abs(columns.of(nudged)[0, 3]) < 0.05


def test_mixed_moments_are_those_of_the_pictures_together() -> None:
    one, other = (np.random.default_rng(seed).normal(seed, 1, (100, 4)).astype(np.float32) for seed in (1, 2))
    mixed, whole = moments_of(one).mixed(moments_of(other), 0.5), moments_of(np.concatenate([one, other]))
    np.testing.assert_allclose(mixed.mean, whole.mean, atol=1e-5)
    np.testing.assert_allclose(mixed.covariance, whole.covariance, atol=1e-4)


def test_what_a_model_knows_of_cells_is_what_it_was_fitted_on() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 500)
    centres = rng.normal(0, 3, (4, 8))
    features = (centres[labels] + rng.normal(size=(2000, 8)) @ np.diag([4, 2, 1, 1, 1, 1, 1, 1])).astype(np.float32)
    arrays, _ = fit_trust(rng.normal(size=(2000, 4)).astype(np.float32), labels, features)
    columns, known = known_cells(parse_trust(dict(arrays), "trust.safetensors"))
    np.testing.assert_allclose(columns.features[0], features.mean(0), atol=0.2)
    np.testing.assert_allclose(columns.features[1], features.std(0), rtol=0.06)
    np.testing.assert_allclose(known.covariance, np.corrcoef(features.T), atol=0.1)


def test_a_model_without_directions_is_known_too() -> None:
    empty = Trust(
        np.ones(1, np.float32), np.eye(2, 3, dtype=np.float32), np.zeros((3, 0), np.float32), np.ones(1, np.float32)
    )
    columns, known = known_cells(empty)
    assert known.covariance.shape == (3, 3)
    assert np.isfinite(columns.features).all()


def test_a_sample_is_spread_evenly() -> None:
    assert sample(np.arange(100), 4).tolist() == [0, 25, 50, 75]
    assert sample(np.arange(3), 4).tolist() == [0, 1, 2]
