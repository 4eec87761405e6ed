"""Some pictures out of a batch: taken, changed and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

AT_A_TIME = 8
"""Pictures at 96 px that are resampled together on a CPU."""


def portions(count: int, device: torch.device) -> Iterator[slice]:
    """Cut `count` pictures into portions that stay in the cache of one core; on other devices all are one."""
    size = AT_A_TIME if device.type == "cpu" else max(count, 1)
    return (slice(start, start + size) for start in range(0, count, size))


def change(pictures: torch.Tensor, rows: torch.Tensor, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Change some pictures ``(n, c, h, w)`` in place by a function of them; rows ``int64 (m,)`` are on the CPU."""
    put(pictures, rows, function(pictures.index_select(0, rows.to(pictures.device))))


def put(pictures: torch.Tensor, rows: torch.Tensor, changed: torch.Tensor) -> None:
    """Write changed pictures to their rows ``int64 (m,)``, given on the CPU."""
    if pictures.device.type != "cpu":
        pictures[rows.to(pictures.device)] = changed
        return
    # On a CPU one after another takes half the time of writing all by their indices.
    for row, picture in zip(rows.tolist(), changed.unbind(0), strict=True):
        pictures.select(0, row).copy_(picture)


def take(pictures: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return copies of some pictures ``(n, c, h, w)``, by rows on their device.

    Pictures whose channels lie together are taken as they lie: one by one their bytes would cost ten times as much.
    """
    if pictures.is_contiguous():
        return pictures.index_select(0, rows)
    return pictures.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
