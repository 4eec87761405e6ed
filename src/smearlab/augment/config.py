"""Which augmentation a recipe asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
PolicyName = Literal["none", "flips", "geometry", "light"]


class AugmentConfig(BaseModel):
    """The random changes made to every training picture, each picture with its own draw.

    Attributes:
        policy: ``none``; ``flips`` (mirror and quarter turns); ``geometry`` (flips, any rotation, zoom, shift);
            ``light`` (geometry, brightness, contrast, saturation and channel shifts).
        rotation: largest rotation either way in degrees.
        zoom: largest zoom in or out; 0.15 means a factor between 1/1.15 and 1.15.
        shift: largest shift either way as a share of the picture's side.
        brightness: largest change of brightness, added, as a share of the full range.
        contrast: largest relative change of contrast around mid-grey.
        saturation: largest relative change of the distance from grey.
        channels: largest change of each colour channel, added, as a share of the full range.
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
    mixup: Annotated[float, Field(ge=0)] = 0.0
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    mix_share: Share = 0.5
