"""What JPEG does to a picture: blocks of 8×8, a cosine transform, coarse steps, half the resolution for colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F

# Annex K of the JPEG standard (ITU-T T.81): the steps of luminance and chrominance at quality 50.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# The JPEG file interchange format: red, green, blue to luma and two colour differences.
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_BLOCK = 8
_UNIT = 2 * _BLOCK  # pixels along a side that share one block of each colour difference


def jpeg(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Lose what a JPEG file loses at quality ``100 - 95 * amount``, with colour at half resolution (4:2:0).

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` in 0–1; 0 leaves a picture untouched, 1 is quality 5.
        chance: unused: nothing is left to chance.
    """
    height, width = pictures.shape[2:]
    margins = (0, -width % _UNIT, 0, -height % _UNIT)
    padded = F.pad(pictures, margins, mode="replicate") if any(margins) else pictures
    tables, steps = _tables(pictures.device), quantisation(100 - 95 * amounts)
    planes = torch.matmul(tables.to_ycc, padded.flatten(2)).view_as(padded)
    luma = _requantise(planes[:, :1], steps[:, 0], tables.cosines, mid_grey=128)
    chroma = _requantise(_halve(planes[:, 1:]), steps[:, 1], tables.cosines, mid_grey=0)
    decoded = torch.cat([luma, _double(chroma)], dim=1).flatten(2)
    result = torch.matmul(tables.from_ycc, decoded).view_as(padded)[:, :, :height, :width].clamp_(0, 1)
    return pictures.lerp(result, (amounts > 0).float().view(-1, 1, 1, 1))


def quantisation(qualities: torch.Tensor) -> torch.Tensor:
    """Return the steps a JPEG writer uses, by the rule of the Independent JPEG Group that Pillow follows.

    Args:
        qualities: ``float32 (m,)`` in 1–100; need not be whole.

    Returns:
        ``float32 (m, 2, 64)`` whole numbers in 1–255: luminance and chrominance, row by row.
    """
    # The scale is a whole number in the original; a hair more keeps 9.99999 from becoming 9.
    scale = (torch.where(qualities < 50, 5000 / qualities, 200 - 2 * qualities) + 1e-3).floor()
    steps = _tables(qualities.device).steps * scale.view(-1, 1, 1)
    return ((steps + 50) / 100).floor_().clamp_(1, 255)


@dataclass(frozen=True)
class _Tables:
    """The constants of the format on one device.

    Attributes:
        to_ycc: ``float32 (3, 3)`` from colours in 0–1 to luma and colour differences in 0–255.
        from_ycc: ``float32 (3, 3)`` its inverse.
        cosines: ``float32 (64, 64)`` the cosine transform of a flattened block, a frequency a row.
        steps: ``float32 (2, 64)`` luminance and chrominance steps at quality 50.
    """

    to_ycc: torch.Tensor
    from_ycc: torch.Tensor
    cosines: torch.Tensor
    steps: torch.Tensor


@lru_cache(maxsize=8)
def _tables(device: torch.device) -> _Tables:
    to_ycc = torch.tensor(_TO_YCC, dtype=torch.float64) * 255
    place = torch.arange(_BLOCK, dtype=torch.float64)
    wave = torch.cos(place.unsqueeze(1) * (place + 0.5) * (math.pi / _BLOCK)) * 0.5
    wave[0] *= math.sqrt(0.5)
    steps = torch.tensor((_LUMINANCE, _CHROMINANCE)).flatten(1)
    parts = (to_ycc, torch.linalg.inv(to_ycc), torch.kron(wave, wave), steps)
    return _Tables(*(part.to(device=device, dtype=torch.float32) for part in parts))


def _halve(planes: torch.Tensor) -> torch.Tensor:
    """Average ``(m, c, h, w)`` planes over 2×2 pixels; sums of slices take a sixth of the time of ``avg_pool2d``."""
    rows = planes[:, :, ::2] + planes[:, :, 1::2]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def _double(planes: torch.Tensor) -> torch.Tensor:
    """Enlarge ``(m, c, h, w)`` planes twice, bilinearly, as the usual decoder does ("fancy upsampling")."""
    for axis in (3, 2):
        size = planes.shape[axis]
        near = planes * 0.75
        ends = near.narrow(axis, 0, 1) / 3, near.narrow(axis, size - 1, 1) / 3
        before = torch.cat([ends[0], near.narrow(axis, 0, size - 1) / 3], dim=axis)
        after = torch.cat([near.narrow(axis, 1, size - 1) / 3, ends[1]], dim=axis)
        planes = torch.stack([before.add_(near), after.add_(near)], dim=axis + 1).flatten(axis, axis + 1)
    return planes


def _requantise(planes: torch.Tensor, steps: torch.Tensor, cosines: torch.Tensor, mid_grey: int) -> torch.Tensor:
    """Round the cosine coefficients of every block of ``(m, c, h, w)`` planes in 0–255 to multiples of ``(m, 64)``."""
    count, channels, height, width = planes.shape
    tall, wide = height // _BLOCK, width // _BLOCK
    blocks = planes.reshape(count, channels, tall, _BLOCK, wide, _BLOCK).transpose(3, 4).reshape(count, -1, _BLOCK**2)
    steps = steps.unsqueeze(1)
    coefficients = blocks @ cosines.T
    # The format measures luma from mid-grey; a constant block's first coefficient is eight times its value.
    coefficients[:, :, 0] -= _BLOCK * mid_grey
    # Flat grey lies exactly between two steps of many qualities; a hair more lets no rounding error choose.
    coefficients.div_(steps).add_(1e-4).round_().mul_(steps)
    coefficients[:, :, 0] += _BLOCK * mid_grey
    decoded = (coefficients @ cosines).view(count, channels, tall, wide, _BLOCK, _BLOCK)
    return decoded.transpose(3, 4).reshape(count, channels, height, width)
