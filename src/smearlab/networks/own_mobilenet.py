"""A MobileNetV3 for small pictures, to be trained from scratch, in a light and a heavy width.

Built of timm's blocks: inverted residuals (Sandler et al. 2018) with squeeze-and-excitation and hard-swish (Howard et
al. 2019). The published network halves a picture five times, so that at 96 px three by three places are left; here it
is halved four times, and every stage has more filters than the one before.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from timm.models.mobilenetv3 import MobileNetV3, SqueezeExcite, decode_arch_def, round_channels
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

LIGHT, HEAVY = 1.0, 5.1
"""Widths at which the network, with a linear classifier of eight classes, has 1.69 and 42.3 million parameters."""
STAGES = (
    "ds_r1_k3_s1_e1_c16",
    "ir_r2_k3_s2_e4_c24",
    "ir_r3_k5_s2_e4_c48_se0.25",
    "ir_r2_k3_s1_e4_c80_se0.25",
    "ir_r3_k5_s2_e4_c160_se0.25",
    "cn_r1_k1_s1_c576",
)
"""In timm's notation: kind of block, repeats, kernel, first stride, expansion, channels, squeeze-and-excitation."""
_STEM, _FEATURES = 16, 576


class SmallPictureMobileNetV3(MobileNetV3):
    """Takes ``float32 (n, 3, h, w)`` and gives features ``(n, 576 · width)``, rounded to a multiple of 8.

    Args:
        pooling: ``avg`` or ``max``, of the last feature map.
        width: factor of all channels.
        stages: in timm's notation.
        in_chans: channels of the pictures.
        drop_path_rate: largest share of pictures for which a block is skipped in training (Huang et al. 2016).
    """

    def __init__(
        self,
        pooling: str,
        width: float = LIGHT,
        stages: Sequence[str] = STAGES,
        in_chans: int = 3,
        drop_path_rate: float = 0.0,
    ) -> None:
        if not width > 0:
            raise ValueError("width must be larger than 0")
        rounded = partial(round_channels, multiplier=width)
        super().__init__(
            decode_arch_def([[stage] for stage in stages]),  # type: ignore[no-untyped-call]
            num_classes=0,
            in_chans=in_chans,
            stem_size=_STEM,
            fix_stem=False,
            num_features=rounded(_FEATURES),
            act_layer=nn.Hardswish,
            se_layer=partial(
                SqueezeExcite, gate_layer="hard_sigmoid", force_act_layer=nn.ReLU, rd_round_fn=round_channels
            ),
            round_chs_fn=rounded,
            drop_path_rate=drop_path_rate,
            global_pool=pooling,
        )
