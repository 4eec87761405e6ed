"""Which network a recipe asks for: backbone, weights, head, scaling, and what of it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Dropped = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(ge=0)]


class NetworkConfig(BaseModel):
    """A backbone and where its weights come from.

    Attributes:
        backbone: any timm model name (``resnet18``, ``convnext_tiny``), or one of our own (``smearlab/plain_cnn``).
        options: further arguments of every backbone, such as ``channels = [32, 64, 128, 256]`` for a narrow ResNet.
        weights: ``none`` (start from scratch), ``pretrained`` (timm's own, downloaded once) or the path of a local
            ``.safetensors``, ``.pth`` or ``.pt`` file in the backbone's layout (a MobileNetV2 also in torchvision's).
        scaling: how 0–255 becomes the network's input: ``unit`` (0–1), ``symmetric`` (−1–1), ``imagenet`` (mean 0,
            deviation 1 over ImageNet), ``raw`` (0–255), or ``doubled`` (the error of dividing by 255 before a network
            that does so itself: 0–1/255, then centred and scaled as ``imagenet``).
        ending: ``whole`` keeps what timm places between the last map and the classifier; ``last_map`` ends with the
            last map, as Keras does with ``include_top=False``.
        enlarge: side in pixels to which the network itself resizes its pictures (bicubic), after they were altered; 0
            for none. Altering small pictures costs less.
        further: more backbones, with weights of the same kind, whose pooled features are joined to the first's.
        restore_norms: take batch normalisation that was folded into the loaded weights out again, with the statistics
            of training pictures, so that the network can learn on; ``auto`` does so where the weights look folded.
            Where loaded batch normalisation is replaced by ``group`` or ``layer``, both other choices fit that to it.
        norm: replace the backbone's normalisation layers: ``batch``; ``frozen_batch`` (constant maps); ``group`` (Wu &
            He 2018, 8–16 channels each); ``group_ws`` (with standardised weights, Qiao et al. 2019); ``layer`` (one
            group); ``none`` (a learnt scale and shift). Learnt weights are carried over.
        blur_pool: blur before down-sampling, so that moving a cell by a pixel changes less (Zhang 2019).
        input_norm: what the network does to each picture first, inside it: ``standardise`` (mean and deviation of each
            channel), ``white_balance`` (the background becomes neutral and equally bright; Finlayson & Trezzi 2004),
            ``both`` (the picture, and standardised in three more channels) or ``detail`` (noise taken out, blur undone
            as far as each picture's own fine details tell of them, then standardised).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = "resnet18"
    options: dict[str, Any] = {}
    weights: str = "none"
    scaling: Literal["unit", "symmetric", "imagenet", "raw", "doubled"] = "imagenet"
    ending: Literal["whole", "last_map"] = "whole"
    further: tuple[str, ...] = ()
    enlarge: Annotated[int, Field(ge=0, le=1024)] = 0
    restore_norms: Literal["auto", "always", "never"] = "auto"
    norm: Literal["keep", "batch", "frozen_batch", "group", "group_ws", "layer", "none"] = "keep"
    blur_pool: bool = False
    input_norm: Literal["none", "standardise", "white_balance", "both", "detail"] = "none"

    @property
    def backbones(self) -> tuple[str, ...]:
        """The names of all backbones, the first one first."""
        return (self.backbone, *self.further)


class HeadConfig(BaseModel):
    """What stands between the backbone's feature map and the class scores.

    Attributes:
        pooling: how the feature map becomes one vector.
        normalise_features: a normalisation layer directly after pooling.
        layers: widths of hidden dense layers; empty for a plain linear classifier.
        activation: after each hidden layer.
        normalisation: after each hidden layer's activation (and after pooling, see above).
        normalise_hidden: false leaves the hidden layers without, so that only the pooled features are normalised.
        groups: groups of a group normalisation.
        dropout: share of units dropped before each dense layer, the last included; or a list, one for each of them.
        l1: factor of the sum of absolute weights, added to the loss, of every hidden dense layer; or a list, one for
            each dense layer, the last included.
        l2: the same with the sum of squared weights.
        initialisation: of the dense layers' weights; ``default`` is PyTorch's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pooling: Literal["avg", "max"] = "avg"
    normalise_features: bool = False
    layers: tuple[Annotated[int, Field(ge=1)], ...] = ()
    activation: Literal["relu", "leaky_relu", "gelu", "hard_swish"] = "relu"
    normalisation: Literal["none", "batch", "layer", "group"] = "none"
    normalise_hidden: bool = True
    groups: Annotated[int, Field(ge=1)] = 32
    dropout: Dropped | tuple[Dropped, ...] = 0.0
    l1: Factor | tuple[Factor, ...] = 0.0
    l2: Factor | tuple[Factor, ...] = 0.0
    initialisation: Literal["default", "he_uniform", "he_normal", "glorot_uniform", "glorot_normal"] = "default"

    @model_validator(mode="after")
    def _normalisation_is_named(self) -> Self:
        if self.normalise_features and self.normalisation == "none":
            raise ValueError("normalise_features needs a normalisation: batch, layer or group")
        return self

    @model_validator(mode="after")
    def _one_for_each_layer(self) -> Self:
        for key in ("dropout", "l1", "l2"):
            values = getattr(self, key)
            if isinstance(values, tuple) and len(values) != len(self.layers) + 1:
                raise ValueError(
                    f"{key} lists {len(values)} numbers; give one number for all, or one for each dense layer, "
                    f"the last included: {len(self.layers) + 1}"
                )
        return self


class TrainableConfig(BaseModel):
    """What of the network learns in one phase; the head always does.

    Attributes:
        share: the share of the backbone's layers that learn, counted from the head down: 0 trains the head alone,
            1 everything.
        freeze_first: the number of the backbone's first layers that do not learn, whatever the share says.
        freeze_norms: keep the backbone's normalisation layers as they are; of batch normalisation the statistics too.
        start_share: the share that learns in the phase's first epoch, where it grows.
        grow_epochs: over which the share grows from `start_share` to `share` (gradual unfreezing, Howard & Ruder 2018);
            0 frees all at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: Share = 1.0
    freeze_first: Annotated[int, Field(ge=0)] = 0
    freeze_norms: bool = False
    start_share: Share = 0.0
    grow_epochs: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.grow_epochs and self.start_share > self.share:
            raise ValueError(f"start_share {self.start_share:g} is more than the share {self.share:g} it grows to")
        return self
