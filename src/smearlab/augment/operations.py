"""Every operation of the augmentation engine: its stage, its range, and which of them a recipe's policy uses.

Imports no torch, so that a recipe can be read and judged without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smearlab.corruptions.families import FAMILIES, GROUPS, group_of
from smearlab.corruptions.families import OPERATIONS as FAMILY_OF
from smearlab.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from smearlab.augment.config import AugmentConfig, StepConfig

Stage = Literal["geometry", "colour", "curve", "pixels", "batch"]


@dataclass(frozen=True)
class Operation:
    """One operation and how far it goes.

    Attributes:
        name: as in a recipe.
        stage: operations of one stage are composed: geometry into one resampling, colour into one matrix, curves into
            one look-up; those on pixels run one after another, in the order of `ENGINE`.
        full: the amount at magnitude 1, in `unit`; 0 always leaves the picture as it is.
        signed: whether amounts go both ways.
        unit: of the amount.
        randaugment: the amount at magnitude 1 in the published RandAugment and TrivialAugment spaces; None where the
            operation is not among theirs.
    """

    name: str
    stage: Stage
    full: float
    signed: bool
    unit: str
    randaugment: float | None = None

    @property
    def family(self) -> str:
        """The family of the operation."""
        return FAMILY_OF[self.name]

    @property
    def group(self) -> str:
        """The group of the operation."""
        return group_of(self.name)


# Spots lie in the smear, so they come before light, optics and sensor; compression comes after all of these.
ENGINE: tuple[Operation, ...] = (
    Operation("flip", "geometry", 1, False, "on or off"),
    Operation("rotate", "geometry", 180, True, "degrees", 30),
    Operation("zoom", "geometry", 1.25, True, "doublings"),
    Operation("crop", "geometry", 0.4, False, "share of the side cut off"),
    Operation("translate", "geometry", 0.2, True, "share of the side", 0.45),
    Operation("shear", "geometry", 25, True, "degrees", 17),
    Operation("elastic", "geometry", 6, False, "pixels at 96"),
    Operation("spots", "pixels", 1, False, "strength"),
    Operation("stain", "pixels", 0.9, False, "relative change"),
    Operation("background", "pixels", 1, False, "strength"),
    Operation("illumination", "pixels", 0.7, False, "relative fall across the picture"),
    Operation("vignette", "pixels", 0.7, False, "relative fall at the corners"),
    Operation("brightness", "colour", 1.2, True, "doublings", 0.9),
    Operation("contrast", "colour", 1.2, True, "doublings", 0.9),
    Operation("saturation", "colour", 1.0, True, "relative change", 0.9),
    Operation("hue", "colour", 180, True, "degrees"),
    Operation("channel_shift", "colour", 0.2, False, "share of the range"),
    Operation("white_balance", "colour", 0.7, False, "doublings"),
    Operation("greyscale", "colour", 1, False, "share of grey"),
    Operation("degenerate", "colour", 0.4, False, "relative change"),
    Operation("gamma", "curve", 1.2, True, "doublings of the exponent"),
    Operation("auto_contrast", "curve", 1, False, "share", 1),
    Operation("equalise", "curve", 1, False, "share", 1),
    Operation("solarise", "curve", 1, False, "share of the range inverted", 1),
    Operation("posterise", "curve", 1, False, "strength", 1),
    Operation("invert", "curve", 1, False, "on or off"),
    Operation("defocus", "pixels", 5, False, "pixels at 96"),
    Operation("motion_blur", "pixels", 14, False, "pixels at 96"),
    Operation("gaussian_blur", "pixels", 3.5, False, "pixels at 96"),
    Operation("downsample", "pixels", 4, False, "reduction beyond 1"),
    Operation("pixelate", "pixels", 3, False, "reduction beyond 1"),
    Operation("gaussian_noise", "pixels", 0.2, False, "share of the range"),
    Operation("shot_noise", "pixels", 0.05, False, "variance at full brightness"),
    Operation("speckle_noise", "pixels", 0.35, False, "share of the value"),
    Operation("salt_pepper", "pixels", 0.1, False, "share of the pixels"),
    Operation("sharpness", "pixels", 3, True, "relative change", 0.9),
    Operation("jpeg", "pixels", 1, False, "strength"),
    Operation("erase", "pixels", 0.3, False, "share of the area"),
    Operation("grid_mask", "pixels", 0.4, False, "share of the area"),
    Operation("fractal", "pixels", 1, False, "strength"),
)
INDEX: dict[str, int] = {operation.name: position for position, operation in enumerate(ENGINE)}

FAMILY_SHARES: dict[str, float] = {
    "orientation": 1.0,
    "scale": 0.8,
    "translation": 0.5,
    "shear": 0.2,
    "elastic": 0.1,
    "brightness": 0.4,
    "contrast": 0.3,
    "saturation": 0.3,
    "hue": 0.35,
    "tone": 0.15,
    "stain": 0.45,
    "illumination": 0.35,
    "blur": 0.3,
    "resolution": 0.2,
    "compression": 0.2,
    "noise": 0.3,
    "sharpness": 0.12,
    "erasing": 0.3,
    "debris": 0.35,
    "mixing": 0.08,
}
"""The share of pictures on which our policy uses each family at its full density."""

TRADITIONAL: dict[str, float] = {"rotate": 30, "zoom": 0.25, "translate": 0.1, "brightness": 0.25, "contrast": 0.25}
AUGMIX = ("auto_contrast", "equalise", "posterise", "rotate", "solarise", "shear", "translate")
# The published pipeline draws from the layers that Keras users know.
PIPELINE = (
    *("rotate", "zoom", "translate", "shear", "brightness", "contrast", "saturation", "hue", "channel_shift"),
    *("greyscale", "degenerate", "auto_contrast", "equalise", "solarise", "posterise", "gaussian_blur", "sharpness"),
    *("gaussian_noise", "jpeg", "erase", "grid_mask"),
)
PUBLISHED = frozenset({"randaugment", "trivialaugment", "augmix", "pixmix", "pipeline"})
"""Policies that mirror and turn only because we add it; as steps of a sequence they do not."""


def randaugment_space() -> tuple[str, ...]:
    """Return the operations of RandAugment (Cubuk et al. 2020) and TrivialAugment (Müller & Hutter 2021)."""
    return tuple(operation.name for operation in ENGINE if operation.randaugment is not None)


def known_names() -> frozenset[str]:
    """Return every name that ``only`` and ``without`` understand: operations, families and groups."""
    return frozenset({*INDEX, *(FAMILY_OF[name] for name in INDEX), *GROUPS})


def matches(operation: Operation, names: tuple[str, ...]) -> bool:
    """Say whether an operation, its family or its group stands in a list."""
    return bool({operation.name, operation.family, operation.group} & set(names))


def allowed(config: AugmentConfig) -> tuple[Operation, ...]:
    """Return the operations that a recipe's ``only`` and ``without`` leave.

    Raises:
        RecipeError: a name there is none of an operation, a family or a group.
    """
    for name in (*config.only, *config.without):
        if name not in known_names() and name not in FAMILIES:
            close = did_you_mean(name, sorted(known_names()))
            raise RecipeError(f"augment: '{name}' is no operation, family or group of augmentation.{close}")
    return tuple(
        operation
        for operation in ENGINE
        if (not config.only or matches(operation, config.only)) and not matches(operation, config.without)
    )


def family_share(config: AugmentConfig, family: str) -> float:
    """Return the share of pictures on which our policy uses a family; 1 and more is all of them.

    However thin the policy, a turned cell is as natural as the cell itself: orientation knows no density.
    """
    density = 1.0 if family == "orientation" else config.density
    return FAMILY_SHARES[family] * config.shares.get(family, 1.0) * density


def operations_of(config: AugmentConfig) -> frozenset[str]:
    """Return every operation that a policy may use, MixUp and CutMix included: what its network has seen."""
    left = {operation.name for operation in allowed(config)}
    mixing = {name for name, alpha in (("mixup", config.mixup), ("cutmix", config.cutmix)) if alpha > 0}
    if config.policy == "sequence":
        return frozenset(mixing.union(*(_operations_of_step(config, step, left) for step in config.steps)))
    ours = {name for name in left if family_share(config, FAMILY_OF[name]) > 0}
    used: dict[str, set[str]] = {
        "none": set(),
        "flips": {"flip"},
        "geometry": {"flip", "rotate", "zoom", "translate"},
        "light": {"flip", "rotate", "zoom", "translate", "brightness", "contrast", "saturation", "channel_shift"},
        "traditional": {"flip", *TRADITIONAL} & left,
        "randaugment": {"flip", *randaugment_space()} & left,
        "trivialaugment": {"flip", *randaugment_space()} & left,
        "augmix": {"flip", *AUGMIX} & left,
        "pixmix": {"flip", "fractal", *AUGMIX} & left,
        "pipeline": {"flip", *PIPELINE} & left,
        "ours": ours,
    }
    return frozenset(used[config.policy] | mixing)


def _operations_of_step(config: AugmentConfig, step: StepConfig, left: set[str]) -> set[str]:
    """Return the operations of a step, of those that are left."""
    if not step.rate:
        return set()
    if step.name in INDEX:
        return {step.name} & left if step.magnitude or step.name == "flip" else set()
    used = operations_of(config.of_step(step))
    return set(used - {"flip"} if step.name in PUBLISHED else used)
