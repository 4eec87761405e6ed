"""The figures of MedMNIST-C, against the definitions of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from smearlab.corruptions.suites import SUITES
from smearlab.evaluation.medmnist_c import ALEXNET, ALEXNET_CLEAN, medmnist_c_figures
from smearlab.evaluation.stress_figures import Drawn

PLACES = {name: list(range(1 + 5 * place, 6 + 5 * place)) for place, name in enumerate(ALEXNET)}


def drawn(clean: float, errors: dict[str, float], spread: float = 0.0) -> Drawn:
    """A model with these mean errors, the same at all severities but for a spread whose mean is 0."""
    severities = spread * np.array([-2, -1, 0, 1, 2])
    balanced = 1 - np.concatenate([[clean], *(errors[name] + severities for name in ALEXNET)])
    table = np.repeat(balanced[None], 11, axis=0)
    return Drawn(table, table[None], np.zeros((1, 10)), 100)


def test_the_baseline_has_the_corruptions_of_the_suite() -> None:
    assert set(ALEXNET) == {corruption.name for corruption in SUITES["bloodmnist-c"].corruptions}


def test_alexnet_beside_itself_is_one() -> None:
    figures = medmnist_c_figures(drawn(ALEXNET_CLEAN, ALEXNET, spread=0.002), PLACES, 224)
    assert figures is not None
    assert figures["mean_corruption_error"]["value"] == pytest.approx(1)
    assert figures["relative_mean_corruption_error"]["value"] == pytest.approx(1)
    assert figures["balanced_error"]["value"] == pytest.approx(np.mean(list(ALEXNET.values())))
    assert figures["indicative"] is False


def test_errors_are_divided_corruption_by_corruption() -> None:
    """The mean of ratios, not the ratio of means: pixelate twice as bad as AlexNet, all else half as bad."""
    errors = {name: (2 if name == "pixelate" else 0.5) * error for name, error in ALEXNET.items()}
    figures = medmnist_c_figures(drawn(0.01, errors), PLACES, 96)
    assert figures is not None
    assert figures["mean_corruption_error"]["value"] == pytest.approx((2 + 10 * 0.5) / 11)
    relative = [(errors[name] - 0.01) / (ALEXNET[name] - ALEXNET_CLEAN) for name in ALEXNET]
    assert figures["relative_mean_corruption_error"]["value"] == pytest.approx(np.mean(relative))
    assert figures["corruptions"]["pixelate"]["corruption_error"]["value"] == pytest.approx(2)
    assert figures["indicative"] is True


def test_a_part_of_the_suite_has_no_such_figure() -> None:
    whole = drawn(0.01, ALEXNET)
    assert medmnist_c_figures(whole, {"pixelate": PLACES["pixelate"]}, 96) is None
    assert medmnist_c_figures(whole, {name: places[:3] for name, places in PLACES.items()}, 96) is None
