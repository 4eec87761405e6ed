"""Other stains: changes of the dyes' optical density, where strength and hue of a stain are linear."""

from __future__ import annotations

import math

import torch

from smearlab.augment.illumination import brightest
from smearlab.augment.randomness import centred, numbers

# Optical densities of haematoxylin, eosin and DAB in red, green and blue (Ruifrok & Johnston 2001), as scikit-image.
HED = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
# Black has no logarithm; scikit-image takes 1e-6. A hair less, so that black moves by less than a millionth.
_FLOOR = 2.0**-20
_LN_2 = math.log(2)
# log2 of the largest factor of the stain's strength at amount 1: from 0.4 to 2.5 times, as between laboratories.
_STRENGTH = 1.32
# Largest entry of the random mixture of the densities at amount 1.
_MIXTURE = 0.35


def stain(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Change the stain of each picture at random, in one of two ways with equal chance.

    - Jitter in the HED space (Tellez et al. 2018): the share of each of three dyes is scaled by a factor uniform in
      ``1 ± amount`` and shifted by up to 0.4 `amounts` of optical density.
    - Another laboratory: all densities are scaled by ``2**s``, s uniform up to 1.32 `amounts` either way (0.4 to 2.5
      times at 1), and mixed among the channels by a random matrix near the identity, which turns the hue of each dye.

    Densities are measured from between white and the picture's own background (random): the first changes the colour of
    the background as well, the second that of the cells alone.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` in 0–1; 0 is the identity.
        chance: ``float32 (m, 8)`` in [0, 1).

    Returns:
        New pictures, clipped to 0–1.
    """
    hed = (chance[:, 6] < 0.5).view(-1, 1)
    draws = centred(numbers(chance[:, 0], 12))
    strength = amounts.view(-1, 1)
    scales, shifts = 1 + strength * draws[:, :3], 0.4 * strength * draws[:, 3:6]
    jitter, added = _hed_change(scales, shifts)
    eye = torch.eye(3, device=pictures.device)
    mixture = eye + _MIXTURE * strength[:, :, None] * draws[:, 3:12].view(-1, 3, 3)
    mixture = mixture * torch.exp2(_STRENGTH * strength * centred(chance[:, 1:2])).unsqueeze(2)
    matrices = torch.where(hed.unsqueeze(2), jitter, mixture)
    white = brightest(pictures).log() * chance[:, 2:3]
    # Density from the background: log p' - white = A (log p - white).
    kept = white - torch.bmm(matrices, white.unsqueeze(2)).squeeze(2)
    return change_density(pictures, matrices, torch.where(hed, added, 0.0) + kept)


def jitter_hed(pictures: torch.Tensor, scales: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Scale and shift haematoxylin, eosin and DAB of each picture by given numbers.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        scales: ``float32 (m, 3)``; 1 leaves a dye as it is.
        shifts: ``float32 (m, 3)``, added to each dye, in units of optical density (natural logarithm).

    Returns:
        What scikit-image's ``hed2rgb`` makes of ``rgb2hed`` after the change, but that a negative share of a dye is
        kept, where scikit-image cuts it off at zero and so changes pictures at scale 1 already.
    """
    return change_density(pictures, *_hed_change(scales, shifts))


def change_density(pictures: torch.Tensor, matrices: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Map the logarithm of each pixel by its picture's own matrix ``(m, 3, 3)`` and offset ``(m, 3)``; clip to 0–1."""
    logarithms = logarithm(pictures).flatten(2)
    # To the base of two at the end, whose power takes a quarter of the time of e's on a CPU.
    changed = torch.bmm(matrices / _LN_2, logarithms).add_(offsets.unsqueeze(2) / _LN_2)
    return changed.exp2_().clamp_(max=1).view(pictures.shape)


def logarithm(values: torch.Tensor) -> torch.Tensor:
    """Take the natural logarithm of values in 0–1, of at least a millionth.

    By ``log1p``, which torch computes in little more than half the time of ``log`` on a CPU; what that loses moves no
    value by more than 1e-7.
    """
    return values.clamp_min(_FLOOR).sub_(1).log1p_()


def _hed_change(scales: torch.Tensor, shifts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the matrix and the offset in logarithms of red, green and blue that change the dyes so."""
    dyes = torch.tensor(HED, device=scales.device, dtype=scales.dtype).T
    matrices = dyes @ (scales.unsqueeze(2) * torch.linalg.inv(dyes))
    return matrices, -(shifts @ dyes.T)
