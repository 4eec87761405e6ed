"""The studies by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smearlab.errors import DataError, did_you_mean
from smearlab.evaluation.studies.means import means_study, tuning_study
from smearlab.evaluation.studies.plan import SCALES, Scale, Study
from smearlab.evaluation.studies.policies import policy_study

if TYPE_CHECKING:
    from collections.abc import Callable

STUDIES: dict[str, Callable[[], Study]] = {"policies": policy_study, "means": means_study, "tuning": tuning_study}


def find_study(name: str) -> Study:
    """Return a study.

    Raises:
        DataError: there is none of that name.
    """
    if name not in STUDIES:
        raise DataError(
            f"There is no study '{name}'.{did_you_mean(name, STUDIES)} The studies are: {', '.join(STUDIES)}."
        )
    return STUDIES[name]()


def find_scale(name: str) -> Scale:
    """Return a scale.

    Raises:
        DataError: there is none of that name.
    """
    for scale in SCALES.values():
        if scale.name == name:
            return scale
    raise DataError(f"There is no scale '{name}'.{did_you_mean(name, SCALES)} Choose one of: {', '.join(SCALES)}.")
