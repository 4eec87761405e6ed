"""A batch cut up among threads: faster than the threads of each single operation, most of which are too short."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from smearlab.augment.draws import Draws

FEWEST, MOST = 16, 32
"""Pictures in one part: fewer are not worth a thread, more do not stay in the cache."""

Work = Callable[[torch.Tensor, "Draws"], torch.Tensor]


def side_by_side(work: Work, pictures: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Do a function of each picture and its own draw to a batch, on as many threads as torch may use.

    Args:
        work: from pictures ``(m, c, h, w)`` and their draws to ``float32 (m, c, h, w)``; picture by picture the same,
            whatever others are beside it.
        pictures: ``(n, c, h, w)``; on other devices than CPUs all are done at once.
        draws: one per picture.
    """
    threads = torch.get_num_threads()
    size = min(MOST, max(FEWEST, math.ceil(len(pictures) / threads)))
    if pictures.device.type != "cpu" or threads == 1 or len(pictures) <= size:
        return work(pictures, draws)
    result, inference = torch.empty(pictures.shape), torch.is_inference_mode_enabled()

    def part(begin: int) -> None:
        some = slice(begin, begin + size)
        with torch.inference_mode(inference):  # known to its own thread only
            result[some] = work(pictures[some], draws.take(some))

    list(_pool(os.getpid(), threads).map(part, range(0, len(pictures), size)))
    return result


@lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return the threads of this process; one that was forked off has none of its parent's."""
    pool, all_there = ThreadPoolExecutor(threads, "augment", _alone), Barrier(threads)
    list(pool.map(lambda _: all_there.wait(), range(threads)))
    torch.set_num_threads(threads)
    return pool


def _alone() -> None:
    """Keep torch from cutting up operations in this thread."""
    # The number set is also what threads yet to come begin with; asking makes this one begin, and keep it.
    torch.set_num_threads(1)
    torch.get_num_threads()
