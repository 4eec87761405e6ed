from __future__ import annotations

import numpy as np
import pytest

from smearlab.data.cells import IntArray
from smearlab.errors import ModelError
from smearlab.inference.spread import Floats
from smearlab.inference.trust import TEMPERATURE_LIMITS, Trust, fit_temperature, fit_trust, parse_trust, softmax


def clouds(count: int, seed: int, shift: float = 0.0) -> tuple[Floats, IntArray, Floats]:
    """Features in three clouds of 40 dimensions, far wider along two of them; logits that know the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    spread = np.r_[12.0, 6.0, np.ones(38)]
    features = rng.normal(0, spread, (count, 40))
    features[:, 2:5] += 6 * np.eye(3)[labels]
    features[:, 10] += shift
    logits = 3 * np.eye(3)[labels] + rng.normal(0, 1, (count, 3))
    return logits.astype(np.float32), labels.astype(np.int64), features.astype(np.float32)


def as_trust(tensors: dict[str, Floats]) -> Trust:
    return parse_trust({**tensors}, "trust.safetensors")


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_temperature_is_recovered(truth: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (4000, 5))
    labels = (softmax(scores).cumsum(1) > rng.random((4000, 1))).argmax(1)
    assert fit_temperature((scores * truth).astype(np.float32), labels) == pytest.approx(truth, rel=0.06)


def test_temperature_agrees_with_a_fine_search() -> None:
    logits, labels, _ = clouds(500, 1)
    logits = logits + np.random.default_rng(1).normal(0, 2, logits.shape).astype(np.float32)
    grid = np.geomspace(*TEMPERATURE_LIMITS, 2001)
    losses = [-np.log(softmax(logits.astype(float) / t)[np.arange(500), labels]).mean() for t in grid]
    assert fit_temperature(logits, labels) == pytest.approx(grid[int(np.argmin(losses))], rel=0.02)


def test_faultless_validation_does_not_ask_for_boundless_confidence() -> None:
    labels = np.arange(100) % 4
    logits = (8 * np.eye(4)[labels]).astype(np.float32)
    assert softmax(logits.astype(np.float64) / fit_temperature(logits, labels)).max() < 1 - 1e-3


def test_calibration_changes_no_label() -> None:
    logits, labels, features = clouds(300, 2)
    trust = as_trust(fit_trust(logits, labels, features)[0])
    probabilities = trust.probabilities(logits)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(probabilities.argmax(1), logits.argmax(1))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)


def test_the_threshold_keeps_99_percent_of_new_cells_and_rejects_strangers() -> None:
    tensors, threshold = fit_trust(*clouds(900, 3))
    trust = as_trust(tensors)
    assert np.mean(trust.distances(clouds(4000, 4)[2]) <= threshold) == pytest.approx(0.99, abs=0.01)
    # Nine units off in a narrow direction, less than one standard deviation of the widest.
    assert np.mean(trust.distances(clouds(500, 5, shift=9.0)[2]) > threshold) > 0.95


def test_distances_are_the_mahalanobis_distance() -> None:
    logits, labels, features = clouds(2000, 6)
    trust = as_trust(fit_trust(logits, labels, features)[0])
    means = np.stack([features[labels == c].mean(0) for c in range(3)]).astype(float)
    centred = features - means[labels]
    precision = np.linalg.inv(centred.T @ centred / (2000 - 3))
    offsets = features[:50, None].astype(float) - means
    reference = np.einsum("ncd,de,nce->nc", offsets, precision, offsets).min(1) / 40
    np.testing.assert_allclose(trust.distances(features[:50]), reference, rtol=1e-3)


def test_few_cells_and_absent_classes_still_give_finite_statistics() -> None:
    logits, labels, features = clouds(6, 7)
    labels[:] = [0, 0, 0, 2, 2, 2]
    tensors, threshold = fit_trust(logits, labels, features)
    assert np.isfinite(threshold)
    assert tensors["class_means"].shape == (2, 40)
    assert np.isfinite(as_trust(tensors).distances(features)).all()
    tensors, threshold = fit_trust(logits, labels, np.ones_like(features))
    assert np.isfinite(as_trust(tensors).distances(np.ones_like(features))).all()


def test_more_features_than_cells_have_the_same_leading_axes() -> None:
    _, labels, features = clouds(36, 7)  # 36 cells, 40 features
    tensors, _ = fit_trust(np.eye(3, dtype=np.float32)[labels], labels, features)
    means = np.stack([features[labels == label].mean(0) for label in range(3)]).astype(float)
    left = features - means[labels]
    variances, axes = np.linalg.eigh(left.T @ left / (36 - 3))
    kept = (36 - 3) // 4
    residual = variances[:-kept].mean()
    wanted = axes[:, -kept:] * np.sqrt(1 / residual - 1 / variances[-kept:])
    assert tensors["residual_variance"][0] == pytest.approx(residual, rel=1e-5)
    np.testing.assert_allclose(tensors["directions"] @ tensors["directions"].T, wanted @ wanted.T, atol=1e-5)


def test_the_flattened_map_of_a_plain_network_takes_no_matrix_of_its_size() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(40, 20_000)).astype(np.float32), np.arange(40, dtype=np.int64) % 4
    tensors, threshold = fit_trust(np.zeros((40, 4), np.float32), labels, features)
    assert tensors["directions"].shape == (20_000, 9)
    assert np.isfinite(threshold)


def test_unusable_validation_is_refused() -> None:
    logits, labels, features = clouds(10, 8)
    with pytest.raises(ModelError, match="at least two"):
        fit_trust(logits[:1], labels[:1], features[:1])
    with pytest.raises(ModelError, match="one label and one row"):
        fit_trust(logits, labels[:5], features)
    features[3, 3] = np.inf
    with pytest.raises(ModelError, match="not finite"):
        fit_trust(logits, labels, features)
