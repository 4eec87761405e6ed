"""Which network a recipe asks for: backbone, weights, head, scaling, and what of it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class NetworkConfig(BaseModel):
    """A backbone and where its weights come from.

    Attributes:
        backbone: any timm model name (``resnet18``, ``convnext_tiny``), or one of our own (``smearlab/plain_cnn``).
        options: further arguments of the backbone, such as ``channels = [32, 64, 128, 256]`` for a narrow ResNet.
        weights: ``none`` (start from scratch), ``pretrained`` (timm's own, downloaded once) or the path of a local
            ``.safetensors``, ``.pth`` or ``.pt`` file in the backbone's layout (a MobileNetV2 also in torchvision's).
        scaling: how 0–255 becomes the network's input: ``unit`` (0–1), ``symmetric`` (−1–1), or ``imagenet``
            (mean 0, deviation 1 over ImageNet).
        restore_norms: take batch normalisation that was folded into the loaded weights out again, with the statistics
            of training pictures, so that the network can learn on; ``auto`` does so where the weights look folded.
            Where loaded batch normalisation is replaced by ``group`` or ``layer``, both other choices fit that to it.
        norm: replace the backbone's normalisation layers: ``batch``; ``frozen_batch`` (constant maps); ``group`` (Wu &
            He 2018, 8–16 channels each); ``group_ws`` (with standardised weights, Qiao et al. 2019); ``layer`` (one
            group); ``none`` (a learnt scale and shift). Learnt weights are carried over.
        blur_pool: blur before down-sampling, so that moving a cell by a pixel changes less (Zhang 2019).
        input_norm: what the network does to each picture first, inside it: ``standardise`` (mean and deviation of each
            channel), ``white_balance`` (the background becomes neutral and equally bright; Finlayson & Trezzi 2004) or
            ``both`` (the picture, and standardised in three more channels).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = "resnet18"
    options: dict[str, Any] = {}
    weights: str = "none"
    scaling: Literal["unit", "symmetric", "imagenet"] = "imagenet"
    restore_norms: Literal["auto", "always", "never"] = "auto"
    norm: Literal["keep", "batch", "frozen_batch", "group", "group_ws", "layer", "none"] = "keep"
    blur_pool: bool = False
    input_norm: Literal["none", "standardise", "white_balance", "both"] = "none"


class HeadConfig(BaseModel):
    """What stands between the backbone's feature map and the class scores.

    Attributes:
        pooling: how the feature map becomes one vector.
        normalise_features: a normalisation layer directly after pooling.
        layers: widths of hidden dense layers; empty for a plain linear classifier.
        activation: after each hidden layer.
        normalisation: after each hidden layer's activation (and after pooling, see above).
        groups: groups of a group normalisation.
        dropout: share of units dropped before each dense layer, the last included.
        initialisation: of the dense layers' weights; ``default`` is PyTorch's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pooling: Literal["avg", "max"] = "avg"
    normalise_features: bool = False
    layers: tuple[Annotated[int, Field(ge=1)], ...] = ()
    activation: Literal["relu", "leaky_relu", "gelu", "hard_swish"] = "relu"
    normalisation: Literal["none", "batch", "layer", "group"] = "none"
    groups: Annotated[int, Field(ge=1)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    initialisation: Literal["default", "he_uniform", "he_normal", "glorot_uniform", "glorot_normal"] = "default"

    @model_validator(mode="after")
    def _normalisation_is_named(self) -> Self:
        if self.normalise_features and self.normalisation == "none":
            raise ValueError("normalise_features needs a normalisation: batch, layer or group")
        return self


class TrainableConfig(BaseModel):
    """What of the network learns in one phase; the head always does.

    Attributes:
        share: the share of the backbone's layers that learn, counted from the head down: 0 trains the head alone,
            1 everything.
        freeze_first: the number of the backbone's first layers that do not learn, whatever the share says.
        freeze_norms: keep the backbone's batch normalisation as it is, statistics too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Share = 1.0
    freeze_first: Annotated[int, Field(ge=0)] = 0
    freeze_norms: bool = False
