"""Several backbones that look at one picture, their features joined for one head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

PART = "parts.{}."
"""What the names of a part's weights begin with."""


class JoinedBackbones(nn.Module):
    """Takes ``(n, c, h, w)`` and gives the features of all its parts side by side, ``(n, d₁ + d₂ + …)``.

    Args:
        parts: each takes the picture and gives pooled features.
    """

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, pictures: Tensor) -> Tensor:
        """Join the features."""
        return torch.cat([part(pictures) for part in self.parts], dim=1)


def backbone_parts(backbone: nn.Module) -> list[nn.Module]:
    """List what a backbone is joined from; one that is not joined is its own only part."""
    return list(backbone.parts) if isinstance(backbone, JoinedBackbones) else [backbone]
