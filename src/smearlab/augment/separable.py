"""Filters along rows and columns as one matrix per picture, so that several of them cost no more than one.

Any linear filter that treats rows and columns apart - Gaussian blur, shrinking and enlarging - is a pair of matrices:
``rows @ picture @ columns.T``. Borders are folded into the matrices. Filters in a chain are multiplied beforehand.
"""

from __future__ import annotations

import torch

Filter = tuple[torch.Tensor, torch.Tensor]
"""Rows ``float32 (m, h, h)`` and columns ``float32 (m, w, w)``; the same object twice for square pictures."""

REFERENCE_SIDE = 96
"""Amounts that are lengths are given in pixels of a picture with this side."""

# Weights below this are dropped: they cannot be seen, and products of denormal numbers slow a CPU down many times.
_NEGLIGIBLE = 1e-7


def to_pixels(amounts: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Turn lengths at 96 px into lengths at this size; the shorter side counts."""
    return amounts * (min(height, width) / REFERENCE_SIDE)


def gaussian_filter(amounts: torch.Tensor, height: int, width: int) -> Filter:
    """Return the filter of a Gaussian blur; pictures are mirrored at their borders.

    Args:
        amounts: ``float32 (m,)`` standard deviations in pixels at 96 px, >= 0; 0 gives identity matrices.
        height: of the pictures.
        width: of the pictures.
    """
    sigmas = to_pixels(amounts, height, width)
    rows = _gaussian_matrices(sigmas, height)
    return rows, rows if height == width else _gaussian_matrices(sigmas, width)


def downsample_filter(amounts: torch.Tensor, height: int, width: int) -> Filter:
    """Return the filter that shrinks by ``1 / (1 + amount)``, averaging areas, and enlarges bilinearly.

    Args:
        amounts: ``float32 (m,)``, >= 0; sizes are rounded to whole pixels, so small amounts give identity matrices.
        height: of the pictures.
        width: of the pictures.
    """
    rows = _smooth_matrices(amounts, height)
    return rows, rows if height == width else _smooth_matrices(amounts, width)


def pixelate_filter(amounts: torch.Tensor, height: int, width: int) -> Filter:
    """Return the filter that shrinks as `downsample_filter` does and enlarges by repeating pixels.

    Args:
        amounts: ``float32 (m,)``, >= 0.
        height: of the pictures.
        width: of the pictures.
    """
    rows = _block_matrices(amounts, height)
    return rows, rows if height == width else _block_matrices(amounts, width)


def compose(first: Filter, then: Filter) -> Filter:
    """Return the one filter that does `first`, then `then`."""
    rows = then[0] @ first[0]
    return rows, rows if first[0] is first[1] and then[0] is then[1] else then[1] @ first[1]


def apply_separable(pictures: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Filter ``float32 (m, c, h, w)`` pictures along rows and columns.

    Args:
        pictures: in 0–1.
        rows: ``float32 (m, h, h)``; row ``i`` holds the weights that make row ``i`` of the result.
        columns: ``float32 (m, w, w)``, likewise.

    Returns:
        A new tensor of the same shape, clipped to 0–1.
    """
    count, channels, height, width = pictures.shape
    across = torch.bmm(pictures.reshape(count, channels * height, width), columns.transpose(1, 2))
    stacked = rows.unsqueeze(1).expand(count, channels, height, height).reshape(-1, height, height)
    return torch.bmm(stacked, across.view(-1, height, width)).view_as(pictures).clamp_(0, 1)


def _gaussian_matrices(sigmas: torch.Tensor, size: int) -> torch.Tensor:
    distance = torch.arange(2 * size, device=sigmas.device, dtype=torch.float32)
    # A floor for sigma turns 0 into a single weight of one instead of a division by zero.
    weights = torch.exp(-0.5 * (distance / sigmas.clamp(min=1e-3).unsqueeze(1)).square())
    weights = torch.where(weights < _NEGLIGIBLE, 0.0, weights)
    # Mirrored at both borders, edge pixel included: pixel j weighs w[|i - j|], its image before the start w[i + j + 1],
    # its image after the end w[2 size - 1 - i - j]. What depends on i + j alone is a view of one row, shifted by i;
    # what depends on i - j becomes such a view when the rows are taken from the last to the first.
    direct = torch.cat([weights[:, 1:size].flip(1), weights[:, :size]], dim=1)
    images = weights[:, 1:] + weights[:, 1:].flip(1)
    matrices = direct.unfold(1, size, 1).flip(1).add_(images.unfold(1, size, 1))
    return matrices.div_(matrices.sum(dim=2, keepdim=True))


def _smooth_matrices(amounts: torch.Tensor, size: int) -> torch.Tensor:
    small = _small_sizes(amounts, size)
    place = (torch.arange(size, device=amounts.device) + 0.5) * (small / size) - 0.5
    low = place.floor()
    share = (place - low).unsqueeze(2)
    here = _reached(low.clamp(min=0), small, size)
    following = _reached(torch.minimum(low + 1, small - 1), small, size)
    return torch.lerp(here, following, share).diff(dim=2)


def _block_matrices(amounts: torch.Tensor, size: int) -> torch.Tensor:
    small = _small_sizes(amounts, size)
    block = ((torch.arange(size, device=amounts.device) + 0.5) * (small / size)).floor()
    return _reached(block, small, size).diff(dim=2)


def _small_sizes(amounts: torch.Tensor, size: int) -> torch.Tensor:
    """Return the whole number of pixels after shrinking, as ``float32 (m, 1)``."""
    return (size / (1 + amounts)).round().clamp(1, size).unsqueeze(1)


def _reached(blocks: torch.Tensor, small: torch.Tensor, size: int) -> torch.Tensor:
    """Return how much of each block lies before each pixel's border; differences are the pixels' weights in the block.

    Args:
        blocks: ``float32 (m, k)`` whole numbers in ``0 .. small - 1``.
        small: ``float32 (m, 1)`` blocks along the whole side.
        size: pixels along the side.

    Returns:
        ``float32 (m, k, size + 1)`` shares of the block, 0 at its start and 1 at its end.
    """
    # In units of blocks, so that a block's borders are whole numbers and identity is exact.
    borders = torch.arange(size + 1, device=blocks.device) * (small / size)
    return (borders.unsqueeze(1) - blocks.unsqueeze(2)).clamp_(0, 1)
