"""What a network does to each picture before anything else, inside it, so that the exported file does it too.

All forms measure the picture alone, never a training set, and take constant, black and white pictures without dividing
by nothing.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

InputNormName = Literal["none", "standardise", "white_balance", "both", "detail"]
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

_DETAIL = (0.115, 0.15, 0.18)
"""Deviation of a sharp picture's details of about 1, 2 and 4 pixels, as a share of that of all coarser ones."""
_WHITE_NOISE = (0.641, 0.0745, 0.0143)
"""Share of white noise's variance that is found among the details of each size."""
_MOST_DETAIL = 1.4
"""Finest detail beyond so many times what is usual is taken for noise: of real cells 5 % have 1.38 times."""
_LARGEST_GAIN = 4.0
"""A stronger blur than this undoes has left little but rounding among the finest details."""
_NOTHING = 1e-7
"""An energy without any meaning, so that constant pictures divide by something. Of 1e-8 the exporter makes 0."""


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


class Detail(nn.Module):
    """Brings the fine details of each picture to what a sharp, clean one has, then standardises it.

    The picture is split into details of about 1, 2 and 4 pixels and the rest (an undecimated wavelet transform, Starck,
    Fadili & Murtagh 2007). Pictures are alike in how much there is of each (Field 1987); noise adds to the finest, blur
    takes from them. Where the finest are too many, white noise of that strength is taken out of all of them by what
    surrounds each pixel (Lee 1980); then each size of details is brought to one share of the coarse contrast, noise
    down, blur up. So a network that learned from sharp and clean pictures meets others at much the same sharpness.
    Takes and gives ``float32 (n, 3, h, w)``; results may leave 0–1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.standardise = Standardise()

    def forward(self, pictures: Tensor) -> Tensor:
        """Bring the details to one level."""
        details, coarse = split_details(pictures - pictures.mean((2, 3), keepdim=True))
        contrast = _energy(coarse) + _SMALLEST_DEVIATION**2
        noise = (_energy(details[0]) - (_MOST_DETAIL * _DETAIL[0]) ** 2 * contrast).clamp(min=0)
        total = coarse
        for detail, usual, share in zip(details, _DETAIL, _WHITE_NOISE, strict=True):
            clean = _without_noise(detail, noise * (share / _WHITE_NOISE[0]))
            gain = (usual**2 * contrast / (_energy(clean) + _NOTHING)).sqrt().clamp(max=_LARGEST_GAIN)
            total = total + gain * clean
        standard: Tensor = self.standardise(total)
        return standard


def split_details(pictures: Tensor) -> tuple[list[Tensor], Tensor]:
    """Split pictures ``float32 (n, c, h, w)`` into details of about 1, 2 and 4 pixels, and the rest; all add up."""
    details = []
    for level in range(len(_DETAIL)):
        smooth = _smoothed(pictures, 2**level)
        details.append(pictures - smooth)
        pictures = smooth
    return details, pictures


def _smoothed(pictures: Tensor, step: int) -> Tensor:
    """Average each pixel with those ``step`` beside it, ¼ ½ ¼ along either axis, the border continued."""
    # Slices and sums: a convolution's weights would be taken for the first layer's when a file is made smaller.
    for axis in (2, 3):
        side = pictures.shape[axis]
        first, last = pictures.narrow(axis, 0, 1), pictures.narrow(axis, side - 1, 1)
        wide = torch.cat([first] * step + [pictures] + [last] * step, axis)
        beside = wide.narrow(axis, 0, side) + wide.narrow(axis, 2 * step, side)
        pictures = 0.5 * pictures + 0.25 * beside
    return pictures


def _energy(pictures: Tensor) -> Tensor:
    return pictures.square().mean((1, 2, 3), keepdim=True)


def _without_noise(detail: Tensor, variance: Tensor) -> Tensor:
    around = detail.square().mean(1, keepdim=True)
    for step in (1, 2):
        around = _smoothed(around, step)
    return detail * ((around - variance).clamp(min=0) / (around + _NOTHING))


_KINDS: dict[InputNormName, type[nn.Module]] = {
    "none": nn.Identity,
    "standardise": Standardise,
    "white_balance": WhiteBalance,
    "both": Both,
    "detail": Detail,
}


def build_input_norm(kind: InputNormName) -> nn.Module:
    """Build the layer that a network's pictures pass first."""
    return _KINDS[kind]()


def input_channels(kind: InputNormName) -> int:
    """Return the number of channels that the backbone then sees."""
    return 6 if kind == "both" else 3
