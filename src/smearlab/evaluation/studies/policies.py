"""The study of augmentation policies: each policy, and of ours each family and each group left out or alone."""

from __future__ import annotations

from smearlab.augment.operations import ENGINE, FAMILY_SHARES
from smearlab.corruptions.families import FAMILIES, GROUP_TITLES, GROUPS, OPERATIONS
from smearlab.evaluation.studies.plan import Cell, Study

_OURS = ("augment.policy=ours", "augment.curriculum=0.3", "augment.curriculum_start=0.3")
_POLICIES = "Policies"
_PUBLISHED = {
    "none": ("no augmentation", ("augment.policy=none",)),
    "flips": ("flips and quarter turns", ("augment.policy=flips",)),
    "traditional": ("traditional", ("augment.policy=traditional",)),
    "randaugment": ("RandAugment", ("augment.policy=randaugment", "augment.magnitude=0.5")),
    "trivialaugment": ("TrivialAugment", ("augment.policy=trivialaugment",)),
    "augmix": ("AugMix", ("augment.policy=augmix",)),
    "augmix_jsd": ("AugMix with JSD", ("augment.policy=augmix", "loss.jsd=12.0")),
    "pixmix": ("PixMix", ("augment.policy=pixmix",)),
    "pipeline": ("random pipeline", ("augment.policy=pipeline",)),
}
_DENSITIES = {"rare": 0.15, "third": 0.3, "half": 0.5, "dense": 1.0}
"""How often our policy alters a picture; `ours` itself is as dense as the recipe says."""


def policy_study() -> Study:
    """Return the table of cells."""
    return Study(
        name="policies",
        title="Augmentation policies",
        description=(
            "Which policy makes a network hold up on altered pictures, and what each family and group of operations "
            "is worth: what it loses on a group that training never showed it."
        ),
        reference="ours",
        base=("ema.decay=0.99",),
        cells=(*_policies(), *_groups(), *_families()),
    )


def _policies() -> list[Cell]:
    cells = [Cell(name, title, _POLICIES, overrides) for name, (title, overrides) in _PUBLISHED.items()]
    cells.append(Cell("ours", "ours", _POLICIES, _OURS))
    for name, density in _DENSITIES.items():
        overrides = (*_OURS, f"augment.density={density}")
        cells.append(Cell(f"ours_{name}", f"ours, density {density}", _POLICIES, overrides, least="small"))
    return cells


def _groups() -> list[Cell]:
    cells = []
    for group in GROUPS:
        title, focus = GROUP_TITLES[group], f"group {group}"
        left_out = (*_OURS, f'augment.without=["{group}"]')
        alone = (*_OURS, f'augment.only=["{group}"]')
        cells.append(Cell(f"without_{group}", f"ours without {title}", "A group left out", left_out, focus))
        cells.append(Cell(f"only_{group}", f"{title} alone", "A group alone", alone, focus, least="full"))
    return sorted(cells, key=lambda cell: cell.section, reverse=True)


def _families() -> list[Cell]:
    """Return a cell for every family that our policy uses."""
    used = {OPERATIONS[operation.name] for operation in ENGINE}
    return [
        Cell(
            f"without_{family}",
            f"ours without {family}",
            "A family left out",
            (*_OURS, f'augment.without=["{family}"]'),
            f"family {family}",
            least="full",
        )
        for family in FAMILIES
        if family in used and FAMILY_SHARES[family] > 0
    ]
