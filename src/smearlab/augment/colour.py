"""Linear changes of colour: composed into one colour matrix per picture and applied once.

Every operation takes ``amounts float32 (m,)``, 0 meaning identity, and ``chance float32 (m, 8)``, uniforms in [0, 1)
from which all its randomness comes; it returns ``float32 (m, 3, 4)``, the last column being added (range 0–1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from smearlab.augment.geometry import symmetric
from smearlab.augment.randomness import centred, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.augment.config import AugmentConfig

# ITU-R BT.601 luma, as Pillow and torchvision use for greyscale.
LUMA = (0.299, 0.587, 0.114)


def draw_colour(config: AugmentConfig, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one colour matrix per picture: ``float32 (count, 3, 4)``, the last column being added (range 0–1)."""
    saturation = 1 + config.saturation * symmetric(count, generator)
    contrast = 1 + config.contrast * symmetric(count, generator)
    brightness = config.brightness * symmetric(count, generator)
    channels = config.channels * symmetric(3 * count, generator).view(count, 3)
    grey = torch.tensor(LUMA).expand(3, 3)
    linear = saturation.view(-1, 1, 1) * torch.eye(3) + (1 - saturation).view(-1, 1, 1) * grey
    linear = contrast.view(-1, 1, 1) * linear
    # Contrast turns around mid-grey, so a change of contrast alone leaves the mean of the range where it was.
    offset = (0.5 * (1 - contrast) + brightness).view(-1, 1) + channels
    return torch.cat([linear, offset.unsqueeze(2)], dim=2)


def apply_colour(pictures: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Apply one colour matrix per picture to ``float (n, 3, h, w)`` in 0–1; the result is clipped to 0–1."""
    count, _, height, width = pictures.shape
    matrices = matrices.to(pictures)
    # The offsets afterwards: baddbmm would first spread them over a whole picture.
    flat = torch.bmm(matrices[:, :, :3], pictures.reshape(count, 3, height * width)).add_(matrices[:, :, 3:])
    return flat.clamp_(0, 1).view(count, 3, height, width)


def compose(matrices: Sequence[torch.Tensor]) -> torch.Tensor:
    """Multiply colour matrices ``(m, 3, 4)`` into one; the first of the list acts first.

    Nothing is clipped in between, so a change that is taken back later loses no colour.
    """
    total = matrices[0]
    for matrix in matrices[1:]:
        linear = torch.bmm(matrix[:, :, :3], total)
        linear[:, :, 3] += matrix[:, :, 3]
        total = linear
    return total


def brightness(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Multiply by ``2**amount``, as Pillow's ``ImageEnhance.Brightness`` of that factor."""
    return _scaled(torch.exp2(amounts), _identity(amounts))


def contrast(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Multiply the distance from mid-grey by ``2**amount``.

    Pillow and torchvision turn around the picture's mean grey instead. Mid-grey needs no look at the picture, and
    differs by an added brightness only.
    """
    factors = torch.exp2(amounts)
    return _affine(factors.view(-1, 1, 1) * _identity(amounts), (0.5 - 0.5 * factors).view(-1, 1).expand(-1, 3))


def saturation(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Multiply the distance from the pixel's own grey by ``1 + amount``: -1 is grey; as torchvision."""
    return _scaled(1 + amounts, _identity(amounts) - _grey(amounts), _grey(amounts))


def greyscale(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blend with the pixel's luma by `amounts` in 0–1; 1 is grey."""
    return saturation(-amounts, chance)


def hue(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Turn the colours by `amounts` in degrees around the grey axis; luma stays.

    The linear counterpart of a shift of the hue in HSV: red goes by yellow to green, and 120 degrees carry the tint of
    red to that of green. Unlike in HSV a pixel that is nearly grey cannot leap, and no pixel changes its luma.
    """
    angles = torch.deg2rad(amounts).view(-1, 1, 1)
    third = torch.full((3, 3), 1 / 3, device=amounts.device)
    eye = torch.eye(3, device=amounts.device)
    turn = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=amounts.device) / math.sqrt(3)
    rotation = eye + (1 - angles.cos()) * (third - eye) + angles.sin() * turn
    # A turn around the axis of equal channels keeps their mean; what it takes from the luma is given to all three.
    weights = torch.tensor(LUMA, device=amounts.device)
    lost = weights - weights @ rotation
    return _affine(rotation + lost.unsqueeze(1))


def channel_shift(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Add to each channel its own number, uniform up to `amounts` either way (share of the full range)."""
    offsets = amounts.view(-1, 1) * centred(chance[:, :3])
    return _affine(_identity(amounts).expand(len(amounts), 3, 3), offsets)


def white_balance(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Multiply each channel by its own ``2**g``, g uniform up to `amounts` either way, as a camera's white balance."""
    gains = torch.exp2(amounts.view(-1, 1) * centred(chance[:, :3]))
    return _affine(torch.diag_embed(gains))


def degenerate(amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Blend by `amounts` in 0–1 with a random mixture of the channels; grey stays grey.

    Each row of the mixture is uniform in [-1, 1], moved so that it sums to one: a camera with other filters, up to
    false colours at amount 1.
    """
    rows = centred(numbers(chance[:, 0], 9)).view(-1, 3, 3)
    change = rows - rows.mean(dim=2, keepdim=True) + 1 / 3 - _identity(amounts)
    return _affine(_identity(amounts) + amounts.view(-1, 1, 1) * change)


def _identity(like: torch.Tensor) -> torch.Tensor:
    return torch.eye(3, device=like.device, dtype=like.dtype)


def _grey(like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(LUMA, device=like.device, dtype=like.dtype).expand(3, 3)


def _scaled(factors: torch.Tensor, moving: torch.Tensor, still: torch.Tensor | None = None) -> torch.Tensor:
    linear = factors.view(-1, 1, 1) * moving
    return _affine(linear if still is None else linear + still)


def _affine(linear: torch.Tensor, offsets: torch.Tensor | None = None) -> torch.Tensor:
    offsets = linear.new_zeros(len(linear), 3) if offsets is None else offsets
    return torch.cat([linear, offsets.unsqueeze(2)], dim=2)
