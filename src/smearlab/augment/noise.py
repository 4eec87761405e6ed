"""Sensor noise: Gaussian, shot, speckle, and single bright and dark pixels.

Real noise is often grey, because sensors are noisier in some channels and demosaicing spreads one sensor pixel over
several picture pixels; so chance decides for each picture between colour and grey, and between fine and coarser grain.
"""

from __future__ import annotations

import torch

from smearlab.augment.noise_bank import GRAINS, normal_noise


def gaussian_noise(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Add normal noise of the same strength everywhere, as from reading out a sensor.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` standard deviations on the scale 0–1.
        chance: ``float32 (m, 8)`` in [0, 1); columns 0–3 are the window of the bank, its sign, colour and grain.
    """
    return _noise(pictures, chance).mul_(_each(amounts)).add_(pictures).clamp_(0, 1)


def shot_noise(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Add the noise of counting photons, in its Gaussian approximation: the variance grows with the brightness.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` variance at white: ``1 / amount`` photons make white, 0 means no noise.
        chance: ``float32 (m, 8)`` in [0, 1); used as in `gaussian_noise`.
    """
    strength = (pictures * _each(amounts)).sqrt_()
    return strength.mul_(_noise(pictures, chance)).add_(pictures).clamp_(0, 1)


def speckle_noise(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Multiply by noise around one.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` standard deviations of the factor.
        chance: ``float32 (m, 8)`` in [0, 1); used as in `gaussian_noise`.
    """
    return _noise(pictures, chance).mul_(_each(amounts)).add_(1).mul_(pictures).clamp_(0, 1)


def salt_pepper(pictures: torch.Tensor, amounts: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Make single pixels white or black, as many of each.

    Args:
        pictures: ``float32 (m, 3, h, w)`` in 0–1.
        amounts: ``float32 (m,)`` share of the pixels that change, 0–1.
        chance: ``float32 (m, 8)`` in [0, 1); columns 0–3 are the window of the bank, its sign, colour and grain.
    """
    # Normal noise beyond a threshold on either side: the bank serves here too. Amount 0 gives an endless threshold.
    threshold = -torch.special.ndtri(amounts / 2)
    noise = _noise(pictures, chance).mul_(_each(1 / threshold.clamp(min=1e-6)))
    # What reaches beyond the threshold, however little, is made to pass either end of the range.
    return noise.sub_(noise.clamp(-1, 1)).mul_(1e9).add_(pictures).clamp_(0, 1)


def _noise(pictures: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    grains = (chance[:, 3] * len(GRAINS)).long()
    return normal_noise(chance[:, 0], chance[:, 1], chance[:, 2] < 0.5, grains, *pictures.shape[2:])


def _each(amounts: torch.Tensor) -> torch.Tensor:
    return amounts.view(-1, 1, 1, 1)
