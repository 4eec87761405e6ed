"""Pictures resized inside the network, so that they are altered and stored small, and the exported file resizes too."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Enlarge(nn.Module):
    """Resizes square or other pictures to a square by bicubic interpolation with Keys' coefficient −½.

    Pillow and TensorFlow resize so, too. Rows and columns are two multiplications by fixed matrices: any runtime has
    them, fast. Takes ``float32 (n, c, h, w)`` and gives ``(n, c, size, size)``, which may leave the input's range at
    edges, as bicubic interpolation does.

    Args:
        size: height and width to resize to, in pixels.
        expected: height and width of the pictures that come as a rule; for these the matrix is made once.
    """

    matrix: Tensor

    def __init__(self, size: int, expected: int) -> None:
        super().__init__()
        self.size = size
        # Follows from the sizes: it is no weight.
        self.register_buffer("matrix", bicubic_matrix(expected, size), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Resize."""
        # In bfloat16 the picture would come out with 8 bits of which the last is wrong.
        with torch.autocast(pictures.device.type, enabled=False):
            rows, columns = (self._to_size(side) for side in pictures.shape[2:])
            return rows @ pictures.to(rows.dtype) @ columns.T

    def _to_size(self, side: int) -> Tensor:
        if side == self.matrix.shape[1]:
            return self.matrix
        return bicubic_matrix(side, self.size).to(self.matrix)


def bicubic_matrix(before: int, after: int) -> Tensor:
    """Return the matrix ``float32 (after, before)`` that resizes a column of pixels; its rows sum to one."""
    unit = torch.eye(before)[None, None]
    # "antialias" stands for Keys' coefficient −½ (without it torch takes −¾), and for wider kernels when shrinking.
    matrix = functional.interpolate(unit, size=(after, before), mode="bicubic", antialias=True, align_corners=False)
    return matrix[0, 0]


def build_enlarge(size: int, expected: int) -> nn.Module:
    """Build the layer that resizes to a side in pixels; 0 leaves pictures as they are."""
    return Enlarge(size, expected) if size else nn.Identity()
