"""The figures of MedMNIST-C for blood cells (Di Salvo, Doerrich & Ledig 2024), against the AlexNet of that paper.

For a corruption c, the error e_c is 1 - balanced accuracy, averaged over the five severities, and a_c that of AlexNet.
The paper's balanced error of c is e_c / a_c (a corruption error, after Hendrycks & Dietterich 2019), its relative error
(e_c - e_clean) / (a_c - a_clean); over all corruptions they are averaged. 1 is as good as AlexNet, less is better.

AlexNet was measured at 224 px on the published test set: beside pictures of another size or source, the ratios only
indicate an order of magnitude.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smearlab.corruptions.suites import SEVERITIES
from smearlab.evaluation.stress_figures import CLEAN, Drawn, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUITE = "bloodmnist-c"
BASELINE_SIZE = 224
ALEXNET_CLEAN = 0.01837
ALEXNET: dict[str, float] = {
    "pixelate": 0.0598,
    "jpeg_compression": 0.1398,
    "defocus_blur": 0.2240,
    "motion_blur": 0.1845,
    "brightness_up": 0.0695,
    "brightness_down": 0.0790,
    "contrast_up": 0.0522,
    "contrast_down": 0.0797,
    "saturate": 0.0348,
    "stain_deposit": 0.1854,
    "bubble": 0.1290,
}
"""Corruption to the mean error of AlexNet over the five severities."""
_WORDS = "mean over corruptions of the error divided by AlexNet's at 224 px; indicative only at other sizes"


def medmnist_c_figures(drawn: Drawn, places: Mapping[str, Sequence[int]], size: int) -> dict[str, Any] | None:
    """Return the figures of MedMNIST-C, or None where not all its corruptions were tried at all five severities.

    Args:
        drawn: figures of all conditions.
        places: corruption of the suite to the positions of its severities among the conditions.
        size: side of the pictures in pixels.

    Returns:
        ``mean_corruption_error``, ``relative_mean_corruption_error`` and ``balanced_error`` (not divided by
        AlexNet's), each ``{value, low, high}``, and the same by corruption.
    """
    if set(places) != set(ALEXNET) or any(len(severities) != len(SEVERITIES) for severities in places.values()):
        return None
    errors = {name: 1 - drawn.balanced_accuracy[:, list(where)].mean(1) for name, where in places.items()}
    clean = 1 - drawn.balanced_accuracy[:, CLEAN]
    ratios = {name: error / ALEXNET[name] for name, error in errors.items()}
    relative = {name: (error - clean) / (ALEXNET[name] - ALEXNET_CLEAN) for name, error in errors.items()}
    return {
        "mean_corruption_error": interval(np.mean(list(ratios.values()), axis=0)),
        "relative_mean_corruption_error": interval(np.mean(list(relative.values()), axis=0)),
        "balanced_error": interval(np.mean(list(errors.values()), axis=0)),
        "clean_balanced_error": interval(clean),
        "corruptions": {
            name: {
                "balanced_error": interval(errors[name]),
                "corruption_error": interval(ratios[name]),
                "relative_corruption_error": interval(relative[name]),
                "alexnet_balanced_error": ALEXNET[name],
            }
            for name in places
        },
        "indicative": size != BASELINE_SIZE,
        "definition": _WORDS,
    }
