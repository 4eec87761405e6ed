"""Weight files in torchvision's layout, renamed for timm's backbones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_REPEATS = (1, 2, 3, 4, 3, 3, 1)
"""Blocks of each stage of MobileNetV2 (Sandler et al. 2018, table 2)."""
_BLOCKS = [(stage, block) for stage, repeats in enumerate(_REPEATS) for block in range(repeats)]
_ENDS = {"0.0": "conv_stem", "0.1": "bn1", "18.0": "conv_head", "18.1": "bn2"}
# The first block has no expansion, so its layers count from the depthwise convolution.
_FIRST = {"0.0": "conv_dw", "0.1": "bn1", "1": "conv_pw", "2": "bn2"}
_OTHERS = {"0.0": "conv_pw", "0.1": "bn1", "1.0": "conv_dw", "1.1": "bn2", "2": "conv_pwl", "3": "bn3"}
_INNER = re.compile(r"features\.(\d+)\.conv\.(\d(?:\.\d)?)\.(\w+)")
_OUTER = re.compile(r"features\.(\d+\.\d)\.(\w+)")


def is_torchvision_mobilenet(state: dict[str, Tensor]) -> bool:
    """Whether tensors are named as torchvision names those of a MobileNetV2."""
    return "features.1.conv.0.0.weight" in state and "features.18.0.weight" in state


def rename_torchvision_mobilenet(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give a MobileNetV2's tensors the names that timm's ``mobilenetv2_*`` have for the same layers.

    The classifier becomes timm's ``classifier``. Names that are no layer of a MobileNetV2 stay as they are.

    Args:
        state: in torchvision's layout; the tensors are not copied.
    """
    return {_renamed(name): value for name, value in state.items()}


def _renamed(name: str) -> str:
    if inner := _INNER.fullmatch(name):
        position, layer, tensor = int(inner[1]) - 1, inner[2], inner[3]
        names = _OTHERS if position else _FIRST
        if position < len(_BLOCKS) and layer in names:
            stage, block = _BLOCKS[position]
            return f"blocks.{stage}.{block}.{names[layer]}.{tensor}"
    if (outer := _OUTER.fullmatch(name)) and outer[1] in _ENDS:
        return f"{_ENDS[outer[1]]}.{outer[2]}"
    return name.replace("classifier.1.", "classifier.")
