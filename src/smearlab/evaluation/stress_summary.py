"""What ``summary.json`` of a stress test says: means and intervals, seen against unseen, MedMNIST-C's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smearlab.corruptions.families import FAMILIES
from smearlab.corruptions.suites import SEVERITIES
from smearlab.evaluation import medmnist_c
from smearlab.evaluation.conditions import FACTORS, SCALE, Condition, suite_description
from smearlab.evaluation.stress_figures import CLEAN, Drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smearlab.evaluation.trained_on import TrainedOn

Intervals = dict[str, dict[str, float]]


@dataclass(frozen=True, eq=False)
class Measurement:
    """Figures of all conditions, and what is needed to sort them.

    Attributes:
        conditions: in the order of the figures, which have the unaltered pictures before them.
        drawn: the figures, resampled.
        trained: what the model was trained on; None where nobody knows.
        side: side in pixels of the pictures that were altered.
    """

    conditions: Sequence[Condition]
    drawn: Drawn
    trained: TrainedOn | None
    side: int

    def places(self, suite: str, **wanted: object) -> list[int]:
        """Return the positions of a suite's conditions whose attributes are as wanted."""
        return [
            place
            for place, condition in enumerate(self.conditions, CLEAN + 1)
            if condition.suite == suite and all(getattr(condition, name) == value for name, value in wanted.items())
        ]

    def by(self, suite: str, attribute: str) -> dict[str, list[int]]:
        """Return the positions of a suite's conditions by an attribute; where it is empty they are left out."""
        values = dict.fromkeys(str(getattr(one, attribute)) for one in self.conditions if one.suite == suite)
        return {value: self.places(suite, **{attribute: value}) for value in values if value}


def summarise(measured: Measurement, suites: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a stress test.

    Returns:
        ``clean`` and ``suites``, each figure with ``accuracy`` and ``balanced_accuracy`` as ``{value, low, high}``;
        ``training``, what the model's augmentation consisted of; ``medmnist_c`` and ``scale`` where they were measured.
    """
    content: dict[str, Any] = {
        "clean": measured.drawn.mean([CLEAN]),
        "training": _training(measured),
        "suites": {suite: suite_summary(measured, suite) for suite in suites},
    }
    if medmnist_c.SUITE in suites:
        places = measured.by(medmnist_c.SUITE, "corruption")
        content["medmnist_c"] = medmnist_c.medmnist_c_figures(measured.drawn, places, measured.side)
    if SCALE in suites:
        content["scale"] = _scale(measured)
    return content


def suite_summary(measured: Measurement, suite: str) -> dict[str, Any]:
    """Return the figures of one suite."""
    drawn, corruptions = measured.drawn, measured.by(suite, "corruption")
    everything = measured.places(suite)
    return {
        "description": suite_description(suite),
        "mean": drawn.mean(everything),
        "loss": drawn.loss(everything),
        "worst_corruption": min(corruptions, key=lambda name: _value(drawn.mean(corruptions[name]))),
        "seen_and_unseen": _seen_and_unseen(measured, suite),
        "corruptions": {name: _corruption(measured, places) for name, places in corruptions.items()},
        "families": {
            name: {**drawn.mean(places), "group": str(FAMILIES[name]), "seen": _seen(measured, name)}
            for name, places in measured.by(suite, "family").items()
        },
        "groups": {
            name: {**drawn.mean(places), "loss": drawn.loss(places)}
            for name, places in measured.by(suite, "group").items()
        },
        "severities": {
            str(severity): drawn.mean(places)
            for severity in SEVERITIES
            if suite != SCALE and (places := measured.places(suite, severity=severity))
        },
    }


def _corruption(measured: Measurement, places: Sequence[int]) -> dict[str, Any]:
    drawn, first = measured.drawn, measured.conditions[places[0] - 1]
    return {
        **drawn.mean(places),
        "loss": drawn.loss(places),
        "operation": first.operation,
        "family": first.family,
        "group": first.group,
        "seen": _seen(measured, first.family),
        "severities": {str(measured.conditions[place - 1].severity): drawn.mean([place]) for place in places},
    }


def _seen(measured: Measurement, family: str) -> bool | None:
    """Whether a family was trained on; None where nobody knows, or where corruptions mix families."""
    if measured.trained is None or not family:
        return None
    return family in measured.trained.families


def _training(measured: Measurement) -> dict[str, Any]:
    trained = measured.trained
    if trained is None:
        return {"known": False}
    tried = {condition.family for condition in measured.conditions} - {""}
    groups = {condition.group for condition in measured.conditions} - {""}
    return {
        "known": True,
        "operations": sorted(trained.operations),
        "seen_families": sorted(tried & trained.families),
        "unseen_families": sorted(tried - trained.families),
        "seen_groups": sorted(groups & trained.groups),
        "unseen_groups": sorted(groups - trained.groups),
        "judged_by_families": sorted(trained.judged_by),
    }


def _seen_and_unseen(measured: Measurement, suite: str) -> dict[str, Any] | None:
    """Divide a suite into what training showed and what it did not; None where nobody knows or nothing divides."""
    trained = measured.trained
    if trained is None:
        return None
    families = measured.by(suite, "family")
    seen = _joined(places for name, places in families.items() if name in trained.families)
    unseen = _joined(places for name, places in families.items() if name not in trained.families)
    untouched = _joined(places for name, places in families.items() if name not in trained.families | trained.judged_by)
    groups = measured.by(suite, "group")
    foreign = _joined(places for name, places in groups.items() if name not in trained.groups)
    if not seen and not unseen:
        return None
    drawn = measured.drawn
    return {
        "seen": drawn.mean(seen) if seen else None,
        "unseen": drawn.mean(unseen) if unseen else None,
        "untouched": drawn.mean(untouched) if untouched else None,
        "unseen_groups": drawn.mean(foreign) if foreign else None,
        "clean_minus_seen": drawn.loss(seen) if seen else None,
        "clean_minus_unseen": drawn.loss(unseen) if unseen else None,
        "seen_minus_unseen": drawn.difference(seen, unseen) if seen and unseen else None,
        "conditions": {
            "seen": len(seen),
            "unseen": len(unseen),
            "untouched": len(untouched),
            "unseen_groups": len(foreign),
        },
    }


def _scale(measured: Measurement) -> dict[str, Any]:
    """Return the figures by magnification, and where most is lost."""
    drawn = measured.drawn
    places = {f"{measured.conditions[place - 1].factor:g}": [place] for place in measured.places(SCALE)}
    worst = min(places, key=lambda factor: _value(drawn.mean(places[factor])))
    by_factor = {"1": drawn.mean([CLEAN]), **{factor: drawn.mean(where) for factor, where in places.items()}}
    return {
        "factors": {factor: by_factor[factor] for factor in sorted(by_factor, key=float)},
        "largest_loss": drawn.loss(places[worst]),
        "at": float(worst),
        "range": [min(FACTORS), max(FACTORS)],
    }


def _joined(lists: Iterable[list[int]]) -> list[int]:
    return sorted(place for places in lists for place in places)


def _value(figures: Intervals) -> float:
    return figures["balanced_accuracy"]["value"]
