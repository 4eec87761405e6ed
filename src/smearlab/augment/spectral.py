"""Filters that are not separable, by the Fourier transform: the cost is the same whatever the kernel's size and shape.

A kernel that is symmetric about its centre becomes a table of real factors, one per pair of frequencies. Such a table
is a short sum of products of row and column terms, by quadrature over the kernel: one small matrix product, and kernels
of any length and angle are exact below the pixel.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

# Gauss-Legendre nodes resolve about two radians of phase each, so these serve lines of about 24 px.
_LINE_NODES = 20
_DISC_NODES = 16
# A margin around the picture, as a share of its side, keeps one border from blurring into the opposite one.
_MARGIN = 1 / 12


def line_factors(lengths: torch.Tensor, angles: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return what a straight, even movement leaves of each pair of frequencies.

    Args:
        lengths: ``float32 (m,)`` whole length of the line in pixels.
        angles: ``float32 (m,)`` radians against the rows, counted from the x axis towards the y axis (down).
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (m, rows, columns)`` for `apply_factors`, 1 everywhere for length 0.
    """
    nodes, weights = _line_nodes(lengths.device)
    # The kernel is symmetric about its centre, so half the line is enough: nodes from -1–1 to 0–1.
    points = (nodes + 1) * (lengths / 4).unsqueeze(1)
    rows, columns = _frequencies(height, width, lengths.device)
    down = rows.unsqueeze(1) * (points * angles.sin().unsqueeze(1)).unsqueeze(1)
    across = (points * angles.cos().unsqueeze(1)).unsqueeze(2) * columns
    shares = weights / 2
    # The cosine of a sum of phases is a sum of two products.
    return torch.bmm(
        torch.cat([down.cos() * shares, down.sin() * -shares], dim=2), torch.cat([across.cos(), across.sin()], dim=1)
    )


def disc_factors(radii: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return what an even disc, the blur of a lens out of focus, leaves of each pair of frequencies.

    Args:
        radii: ``float32 (m,)`` in pixels.
        height: of the pictures.
        width: of the pictures.

    Returns:
        ``float32 (m, rows, columns)`` for `apply_factors`, 1 everywhere for radius 0.
    """
    # A disc is a stack of chords. Chebyshev's nodes of the second kind carry the chords' lengths in their weights.
    place = torch.arange(1, _DISC_NODES + 1, device=radii.device) * (math.pi / (2 * _DISC_NODES + 1))
    heights, half_chords = place.cos(), place.sin()
    shares = half_chords.square() * (4 / (2 * _DISC_NODES + 1))
    rows, columns = _frequencies(height, width, radii.device)
    down = rows.unsqueeze(1) * (radii.unsqueeze(1) * heights).unsqueeze(1)
    across = (radii.unsqueeze(1) * (half_chords / math.pi)).unsqueeze(2) * columns
    return torch.bmm(down.cos() * shares, torch.sinc(across))


def apply_factors(pictures: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Weaken each frequency of ``float32 (m, c, h, w)`` pictures, mirrored at their borders, by its factor.

    Args:
        pictures: in 0–1.
        factors: as from `line_factors` or `disc_factors` for this height and width.

    Returns:
        A new tensor of the same shape, clipped to 0–1.
    """
    height, width = pictures.shape[2:]
    tall, wide = _whole(height), _whole(width)
    top, left = (tall - height) // 2, (wide - width) // 2
    margins = (left, wide - width - left, top, tall - height - top)
    mirrored = F.pad(pictures, margins, mode="reflect" if max(margins) < min(height, width) else "replicate")
    # Only the change is transformed back: where nothing is to change, the picture stays exactly as it is.
    spectrum = torch.fft.rfft2(mirrored).mul_((factors - 1).unsqueeze(1))
    change = torch.fft.irfft2(spectrum, s=(tall, wide))[:, :, top : top + height, left : left + width]
    return torch.add(pictures, change).clamp_(0, 1)


def shape(height: int, width: int) -> tuple[int, int]:
    """Return the rows and columns of a table of factors."""
    return _whole(height), _whole(width) // 2 + 1


@lru_cache(maxsize=8)
def _line_nodes(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the places in -1–1 and weights of the Gauss-Legendre quadrature, ``float32``; finding them takes time."""
    places, weights = np.polynomial.legendre.leggauss(_LINE_NODES)
    return torch.tensor(places).float().to(device), torch.tensor(weights).float().to(device)


def _whole(size: int) -> int:
    """Return a side with its margins: a multiple of 16, for which the transform is fast."""
    return math.ceil(size * (1 + 2 * _MARGIN) / 16) * 16


def _frequencies(height: int, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the angular frequencies of rows and of columns in radians per pixel, as ``rfft2`` orders them."""
    rows = torch.fft.fftfreq(_whole(height), device=device) * (2 * math.pi)
    return rows, torch.fft.rfftfreq(_whole(width), device=device) * (2 * math.pi)
