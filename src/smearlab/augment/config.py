"""Which augmentation a recipe asks for."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
PolicyName = Literal[
    "none",
    "flips",
    "geometry",
    "light",
    "traditional",
    "randaugment",
    "trivialaugment",
    "augmix",
    "pixmix",
    "pipeline",
    "ours",
    "sequence",
]
_AMOUNTS = ("rotation", "zoom", "shift", "brightness", "contrast", "saturation", "channels")


class StepConfig(BaseModel):
    """One step of the policy ``sequence``.

    A published policy (``randaugment``, ``trivialaugment``, ``augmix``, ``pixmix``, ``pipeline``) does as a step what
    its paper says and no more: it mirrors nothing. Add a step ``flips`` where cells shall be mirrored and turned.

    Attributes:
        name: an operation of the engine, or another policy.
        rate: the share of pictures that it changes.
        magnitude: how far it goes, as a share of the operation's range or of what the policy does.
        vary: amounts are uniform up to the magnitude; otherwise all are the magnitude. Of an operation.
        operations: how many operations the policy ``randaugment`` or ``pipeline`` uses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    rate: Share = 1.0
    magnitude: Share = 1.0
    vary: bool = True
    operations: Annotated[int, Field(ge=1, le=8)] = 2

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        # Imported only where there are steps: a recipe is read in a moment.
        from smearlab.augment.operations import INDEX
        from smearlab.errors import did_you_mean

        if name in ("mixup", "cutmix"):
            raise ValueError(f"{name} mixes pictures of a batch and is no step; set augment.{name} instead")
        known = [*INDEX, *(policy for policy in get_args(PolicyName) if policy not in ("none", "sequence"))]
        if name not in known:
            raise ValueError(
                f"there is no operation or policy '{name}'.{did_you_mean(name, known)} Steps are {', '.join(known)}"
            )
        return name


class AugmentConfig(BaseModel):
    """The random changes made to every training picture, each picture with its own draw.

    Attributes:
        policy: ``none``; ``flips`` (mirror and quarter turns); ``geometry`` (flips, any rotation, zoom, shift);
            ``light`` (geometry, brightness, contrast, saturation and channel shifts); ``traditional`` (small rotations,
            zoom, shift, brightness, contrast); ``randaugment`` (Cubuk et al. 2020); ``trivialaugment`` (Müller &
            Hutter 2021); ``augmix`` (Hendrycks et al. 2020); ``pixmix`` (Hendrycks et al. 2022); ``pipeline`` (some
            of many operations, as Keras' RandomAugmentationPipeline); ``ours`` (every family in its own share);
            ``sequence`` (the `steps`, one after another).
        rotation: largest rotation either way in degrees, of ``geometry`` and ``light``, as the six keys that follow.
        zoom: largest zoom in or out; 0.15 means a factor between 1/1.15 and 1.15.
        shift: largest shift either way as a share of the picture's side.
        brightness: largest change of brightness, added, as a share of the full range.
        contrast: largest relative change of contrast around mid-grey.
        saturation: largest relative change of the distance from grey.
        channels: largest change of each colour channel, added, as a share of the full range.
        magnitude: how far the other policies go, as a share of each operation's range; a factor on every step's.
        operations: how many operations ``randaugment`` and ``pipeline`` use on a picture.
        rate: the share of pictures that ``pipeline`` changes.
        density: how often ``ours`` alters a picture: the factor on the shares of all families but orientation. At 1 a
            picture gets about six alterations at once, which is more than a short training learns; see `smearlab study
            policies`.
        untouched: the share of pictures that every other policy only mirrors and turns.
        curriculum: the share of the training over which the magnitude grows from `curriculum_start` to full: a network
            that starts from random weights hardly moves on the hardest pictures.
        curriculum_start: the first magnitude as a share of the full one.
        only: operations, families or groups that alone are used; empty for all.
        without: operations, families or groups left out.
        shares: factors on the share of pictures on which ``ours`` uses a family, such as ``{ blur = 0.5 }``.
        steps: of the policy ``sequence``, in their order.
        choose: how many of the steps each picture gets, chosen at random; 0 for all of them.
        mixup: Beta parameter of MixUp (Zhang et al. 2018); 0 turns it off.
        cutmix: Beta parameter of CutMix (Yun et al. 2019); 0 turns it off.
        mix_share: the share of batches that are mixed where MixUp or CutMix is on; each such batch takes one of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    policy: PolicyName = "flips"
    rotation: Annotated[float, Field(ge=0, le=180)] = 180.0
    zoom: Share = 0.15
    shift: Share = 0.07
    brightness: Share = 0.1
    contrast: Share = 0.15
    saturation: Share = 0.2
    channels: Share = 0.04
    magnitude: Share = 1.0
    operations: Annotated[int, Field(ge=1, le=8)] = 2
    rate: Share = 1.0
    untouched: Share = 0.0
    curriculum: Share = 0.0
    curriculum_start: Share = 0.2
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    density: Share = 0.3
    shares: dict[str, Annotated[float, Field(ge=0)]] = {}
    steps: tuple[StepConfig, ...] = ()
    choose: Annotated[int, Field(ge=0, le=64)] = 0
    mixup: Annotated[float, Field(ge=0)] = 0.0
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    mix_share: Share = 0.5

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        if self.policy == "sequence" and not self.steps:
            raise ValueError('the policy sequence needs steps, such as steps = [{ name = "randaugment" }]')
        return self

    def magnitude_at(self, progress: float) -> float:
        """Return the magnitude after a share `progress` (0–1) of the training."""
        if self.curriculum <= 0:
            return self.magnitude
        grown = min(1.0, progress / self.curriculum)
        return self.magnitude * (self.curriculum_start + (1 - self.curriculum_start) * grown)

    def of_step(self, step: StepConfig) -> AugmentConfig:
        """Return the settings of a step that is a policy: its own magnitude and operations, all else as here."""
        return self.model_copy(
            update={
                "policy": step.name,
                "magnitude": self.magnitude * step.magnitude,
                "operations": step.operations,
                "untouched": 0.0,
                "steps": (),
                "mixup": 0.0,
                "cutmix": 0.0,
            }
        )

    def milder(self, share: float) -> AugmentConfig:
        """Return these settings with everything that ``geometry`` and ``light`` do reduced to a share of it."""
        return self.model_copy(update={name: share * getattr(self, name) for name in _AMOUNTS})
