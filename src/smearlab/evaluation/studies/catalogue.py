"""The studies by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from smearlab.errors import DataError, did_you_mean
from smearlab.evaluation.studies import methods, methods_rookie
from smearlab.evaluation.studies.means import means_study, tuning_study
from smearlab.evaluation.studies.plan import SCALES, Scale, Study
from smearlab.evaluation.studies.policies import policy_study
from smearlab.evaluation.studies.teams import TEAM_STUDIES, team_study

if TYPE_CHECKING:
    from collections.abc import Callable

STUDIES: dict[str, Callable[[], Study]] = {"policies": policy_study, "means": means_study, "tuning": tuning_study}
"""Cells that differ from one recipe in one thing each."""

SYSTEMS: dict[str, Callable[[], Study]] = {
    **{name: partial(team_study, name) for name in TEAM_STUDIES},
    "formidable-augmentation": methods.formidable_augmentation,
    "ai-pacapa-augmentation": methods.pacapa_augmentation,
    "ai-pacapa-optimisers": methods.pacapa_optimisers,
    "ai-pacapa-cleaning": methods.pacapa_cleaning,
    "november-stages": methods.november_stages,
    "november-unfreezing": methods.november_unfreezing,
    "november-optimisers": methods.november_optimisers,
    "rookie-augmentation": methods_rookie.rookie_augmentation,
    "rookie-regularisation": methods_rookie.rookie_regularisation,
    "rookie-freezing": methods_rookie.rookie_freezing,
    "transfer": methods_rookie.transfer,
    "double-scaling": methods_rookie.double_scaling,
}
"""Systems and methods of five teams; ``all`` runs every one."""


def find_study(name: str) -> Study:
    """Return a study.

    Raises:
        DataError: there is none of that name.
    """
    known = STUDIES | SYSTEMS
    if name not in known:
        raise DataError(
            f"There is no study '{name}'.{did_you_mean(name, known)} The studies are: {', '.join(known)}, and all."
        )
    return known[name]()


def find_scale(name: str) -> Scale:
    """Return a scale.

    Raises:
        DataError: there is none of that name.
    """
    for scale in SCALES.values():
        if scale.name == name:
            return scale
    raise DataError(f"There is no scale '{name}'.{did_you_mean(name, SCALES)} Choose one of: {', '.join(SCALES)}.")
