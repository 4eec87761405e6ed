"""What a network does to each picture before anything else, inside it, so that the exported file does it too.

Both forms measure the picture alone, never a training set, and take constant, black and white pictures without dividing
by nothing.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

InputNormName = Literal["none", "standardise", "white_balance", "both"]
_MEAN, _DEVIATION = 0.5, 0.25
"""Of a standardised picture: about what photographs have, so that the scaling and pretrained weights still fit."""
_SMALLEST_DEVIATION = 2 / 255
"""Below this a channel holds noise and compression only, which is not magnified to full contrast."""
_PATCHES = 12
"""Patches along a side whose means are looked at, so that single bright pixels (noise, dust) do not count as light."""
_SQUARINGS = 4
"""The exponent of the mean over patches is two to this power, 16. On real cells the estimate then follows the picture's
90 % quantile with a spread of 2 %, and differs by 1 % between classes; with 8 by 3.5 % and 2 %."""
_WHITE = 0.85
"""Level that the background is brought to."""
_DARKEST = 16 / 255
"""A background darker than this is not brightened further: the picture is black."""


class Standardise(nn.Module):
    """Brings each channel of each picture to one mean and deviation.

    Takes and gives ``float32 (n, 3, h, w)``; results may leave 0–1.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        """Standardise."""
        centred = pictures - pictures.mean((2, 3), keepdim=True)
        deviation = (centred.square().mean((2, 3), keepdim=True) + _SMALLEST_DEVIATION**2).sqrt()
        return _MEAN + _DEVIATION * centred / deviation


class WhiteBalance(nn.Module):
    """Brings the bright background of each picture to one neutral level, by one gain per channel.

    The background is estimated by the Minkowski mean of each channel ("shades of grey", Finlayson & Trezzi 2004) over
    patches, with a large exponent, as a smear's background is its brightest part. Gains of the light and of the camera
    cancel exactly as long as nothing is clipped. Takes ``float32 (n, 3, h, w)`` in 0–1; results may exceed 1.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        """Balance."""
        # Squares and roots instead of powers: any runtime has them, fast, and they have no edge cases.
        levels = functional.avg_pool2d(pictures, max(1, min(pictures.shape[2:]) // _PATCHES)).clamp(min=_DARKEST)
        for _ in range(_SQUARINGS):
            levels = levels.square()
        background = levels.mean((2, 3), keepdim=True)
        for _ in range(_SQUARINGS):
            background = background.sqrt()
        return pictures * (_WHITE / background)


class Both(nn.Module):
    """Gives the picture as it is and, in three more channels, standardised.

    Takes ``float32 (n, 3, h, w)`` and gives ``(n, 6, h, w)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.standardise = Standardise()

    def forward(self, pictures: Tensor) -> Tensor:
        """Put both together."""
        return torch.cat([pictures, self.standardise(pictures)], dim=1)


_KINDS: dict[InputNormName, type[nn.Module]] = {
    "none": nn.Identity,
    "standardise": Standardise,
    "white_balance": WhiteBalance,
    "both": Both,
}


def build_input_norm(kind: InputNormName) -> nn.Module:
    """Build the layer that a network's pictures pass first."""
    return _KINDS[kind]()


def input_channels(kind: InputNormName) -> int:
    """Return the number of channels that the backbone then sees."""
    return 6 if kind == "both" else 3
