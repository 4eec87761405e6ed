"""What Keras' applications count with ``include_top=False``: Keras 3.15.1, ``weights=None``, learnable and all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """A network in timm and in Keras.

    Attributes:
        timm: its name in timm.
        learnable: Keras' trainable parameters.
        total: with running means and variances, and whatever else Keras stores.
        channels: of the last map.
        fewer_learnable: how many learnable parameters timm's has less.
        fewer_stored: how many of the others.
        why: what they are.
    """

    timm: str
    learnable: int
    total: int
    channels: int
    fewer_learnable: int = 0
    fewer_stored: int = 0
    why: str = ""


_NORMALIZATION = "mean (3), variance (3) and count (1) of Keras' Normalization layer, which is our scaling"

KERAS = {
    "VGG16": Counted("vgg16", 14_714_688, 14_714_688, 512),
    "ResNet50": Counted("resnet50", 23_534_592, 23_587_712, 2048, 26_560, 0, "a bias of every convolution"),
    "ResNet50V2": Counted(
        "resnetv2_50",
        23_519_360,
        23_564_800,
        2048,
        19_008,
        0,
        "biases of the first convolution, of each block's last, and of the shortcuts",
    ),
    "DenseNet121": Counted("densenet121", 6_953_856, 7_037_504, 1024),
    "InceptionV3": Counted(
        "inception_v3",
        21_768_352,
        21_802_784,
        2048,
        -17_216,
        0,
        "timm's batch normalisation has a scale, Keras' has none",
    ),
    "MobileNet": Counted("mobilenetv1_100", 3_206_976, 3_228_864, 1024),
    "MobileNetV2": Counted("mobilenetv2_100", 2_223_872, 2_257_984, 1280),
    "MobileNetV3Small": Counted("tf_mobilenetv3_small_100", 927_008, 939_120, 576),
    "MobileNetV3Large": Counted("tf_mobilenetv3_large_100", 2_971_952, 2_996_352, 960),
    "EfficientNetB0": Counted("tf_efficientnet_b0", 4_007_548, 4_049_571, 1280, 0, 7, _NORMALIZATION),
    "EfficientNetB2": Counted("tf_efficientnet_b2", 7_700_994, 7_768_569, 1408, 0, 7, _NORMALIZATION),
    "EfficientNetV2B3": Counted("tf_efficientnetv2_b3", 12_821_406, 12_930_622, 1536),
    "EfficientNetV2S": Counted("tf_efficientnetv2_s", 20_177_488, 20_331_360, 1280),
    "EfficientNetV2M": Counted("tf_efficientnetv2_m", 52_858_356, 53_150_388, 1280),
    "EfficientNetV2L": Counted("tf_efficientnetv2_l", 117_234_272, 117_746_848, 1280),
    "ConvNeXtTiny": Counted("convnext_tiny", 27_820_128, 27_820_128, 768),
    "ConvNeXtSmall": Counted("convnext_small", 49_454_688, 49_454_688, 768),
    "ConvNeXtXLarge": Counted("convnext_xlarge", 348_147_968, 348_147_968, 2048),
}
