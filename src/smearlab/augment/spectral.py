"""Filters that are not separable, by the cosine transform: four to six matrix products whatever the kernel's size.

The DCT-II sees a picture mirrored at its borders, so nothing need be padded, and a kernel that is symmetric about its
centre becomes a table of real factors, one per pair of frequencies (Martucci 1994). A factor table is a short sum of
products of row and column terms, by quadrature over the kernel, so kernels of any length and angle are exact below the
pixel.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

# Enough for kernels of 24 px at 96 px: Gauss-Legendre nodes resolve about two radians of phase each.
_LINE_NODES = 20
_DISC_NODES = 16


def line_factors(
    lengths: torch.Tensor, angles: torch.Tensor, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a straight, even movement leaves of each pair of frequencies.

    Args:
        lengths: ``float32 (m,)`` whole length of the line in pixels.
        angles: ``float32 (m,)`` radians against the rows, counted from the x axis towards the y axis (down).
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (m, h, w)`` factors even in both frequencies, and those odd in both.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_LINE_NODES)
    # The kernel is symmetric about its centre, so half the line is enough: nodes from -1–1 to 0–1.
    points = torch.as_tensor((nodes + 1) / 2, dtype=torch.float32, device=lengths.device) * (lengths / 2).unsqueeze(1)
    shares = torch.as_tensor(weights / 2, dtype=torch.float32, device=lengths.device)
    down = frequencies(height, lengths.device).unsqueeze(1) * (points * angles.sin().unsqueeze(1)).unsqueeze(1)
    across = (points * angles.cos().unsqueeze(1)).unsqueeze(2) * frequencies(width, lengths.device)
    return torch.bmm(down.cos() * shares, across.cos()), torch.bmm(down.sin() * -shares, across.sin())


def disc_factors(radii: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return what an even disc, the blur of a lens out of focus, leaves of each pair of frequencies.

    Args:
        radii: ``float32 (m,)`` in pixels.
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (m, h, w)``, 1 everywhere for radius 0.
    """
    # A disc is a stack of chords. Chebyshev's nodes of the second kind carry the chords' lengths in their weights.
    place = torch.arange(1, _DISC_NODES + 1, device=radii.device) * (math.pi / (2 * _DISC_NODES + 1))
    heights, half_chords = place.cos(), place.sin()
    shares = half_chords.square() * (4 / (2 * _DISC_NODES + 1))
    down = frequencies(height, radii.device).unsqueeze(1) * (radii.unsqueeze(1) * heights).unsqueeze(1)
    across = (radii.unsqueeze(1) * (half_chords / math.pi)).unsqueeze(2) * frequencies(width, radii.device)
    return torch.bmm(down.cos() * shares, torch.sinc(across))


def apply_factors(pictures: torch.Tensor, even: torch.Tensor, odd: torch.Tensor | None = None) -> torch.Tensor:
    """Weaken each frequency of ``float32 (m, c, h, w)`` pictures by its factor.

    Args:
        pictures: in 0–1.
        even: ``float32 (m, h, w)`` factors even in both frequencies.
        odd: those odd in both, which turn cosines into sines; None where the kernel is symmetric about both axes.

    Returns:
        A new tensor of the same shape, clipped to 0–1.
    """
    height, width = pictures.shape[2:]
    cosine_rows, sine_rows = _waves(height, pictures.device)
    cosine_columns, sine_columns = _waves(width, pictures.device)
    spectrum = cosine_rows @ (pictures @ cosine_columns.T)
    # Only the change is transformed back: where nothing is to change, the picture stays exactly as it is.
    change = cosine_rows.T @ ((spectrum * (even - 1).unsqueeze(1)) @ cosine_columns)
    if odd is not None:
        change += sine_rows.T @ ((spectrum * odd.unsqueeze(1)) @ sine_columns)
    return change.add_(pictures).clamp_(0, 1)


def frequencies(size: int, device: torch.device) -> torch.Tensor:
    """Return the angular frequencies of the DCT-II in radians per pixel: ``float32 (size,)`` in [0, π)."""
    return torch.arange(size, device=device) * (math.pi / size)


@lru_cache(maxsize=16)
def _waves(size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the orthonormal DCT-II matrix ``float32 (size, size)``, a frequency a row, and its sines."""
    phase = np.arange(size)[:, None] * (np.arange(size) + 0.5) * (math.pi / size)
    scale = np.where(np.arange(size) == 0, math.sqrt(1 / size), math.sqrt(2 / size))[:, None]
    cosine, sine = (torch.tensor(wave(phase) * scale, dtype=torch.float32, device=device) for wave in (np.cos, np.sin))
    return cosine, sine
