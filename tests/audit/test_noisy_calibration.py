import numpy as np
import pytest

from smearlab.audit.noisy_calibration import calibrated, fit_noise
from smearlab.inference.trust import softmax


def judged(share: float, cautious: float, rows: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn by known probabilities, a share of them then drawn at random, and a judge that is too cautious."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (rows, 4))
    truth = softmax(logits)
    labels = (truth.cumsum(1) > rng.random((rows, 1))).argmax(1)
    random = rng.random(rows) < share
    labels[random] = rng.integers(0, 4, random.sum())
    return softmax(logits / cautious), labels


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("cautious", [0.7, 1.0, 3.0])
def test_temperature_and_noise_are_found_together(share: float, cautious: float) -> None:
    fit = fit_noise(*judged(share, cautious))
    assert fit.temperature == pytest.approx(1 / cautious, rel=0.12)
    assert fit.noise == pytest.approx(share, abs=0.02)


def test_wrong_labels_ask_for_no_doubt_about_the_right_ones() -> None:
    chances, labels = judged(0.1, 3.0)
    sharp = calibrated(chances, fit_noise(chances, labels))
    true = softmax(np.log(chances) * 3.0)
    np.testing.assert_allclose(sharp, true, atol=0.05)


def test_no_judge_is_sure_beyond_measure() -> None:
    chances = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    sharp = calibrated(chances, fit_noise(chances, np.array([0, 1])))
    assert sharp.min() > 1e-7
    np.testing.assert_allclose(sharp.sum(1), 1)
    np.testing.assert_array_equal(sharp.argmax(1), [0, 1])
